"""IIS runs on no machine of ours: its rules are read and followed here, over the same list of addresses."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from tests.control.house import standing
from tests.deploy import paths

FOLDER = Path(__file__).parents[2] / "deploy" / "iis"
UPSTREAM = "http://127.0.0.1:8420"
CLOSED = "404"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    is_secure: bool = True

    @property
    def decoded_path(self) -> str:
        """As URL Rewrite hands it to `match`: decoded, in order, without the first slash."""
        path = unquote(self.target.partition("?")[0].partition("#")[0]).replace("\\", "/")
        path = posixpath.normpath(re.sub("/+", "/", path))
        return path.lstrip("/").removeprefix(".")

    def variable(self, name: str) -> str:
        return {
            "HTTPS": "on" if self.is_secure else "off",
            "REQUEST_METHOD": self.method,
            "UNENCODED_URL": self.target,
        }[name]


@pytest.fixture(params=["outside", "inside"])
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def configuration_of(side: str) -> ElementTree.Element:
    configuration = ElementTree.parse(FOLDER / side / "web.config").getroot()  # noqa: S314 - it is our own
    assert configuration.tag == "configuration"
    return configuration


def rules_of(side: str) -> list[ElementTree.Element]:
    configuration = configuration_of(side)
    rules = configuration.find("system.webServer/rewrite/rules")
    assert rules is not None
    assert rules[0].tag == "clear", "rules of the server's are not mixed in"
    return list(rules.iter("rule"))


def matches(pattern: str, text: str, ignores_case: str | None) -> bool:
    """Patterns are of ECMAScript: `$` there is the end and nothing before it."""
    flags = 0 if ignores_case == "false" else re.IGNORECASE
    return re.search(re.sub(r"\$$", r"\\Z", pattern), text, flags) is not None


def outcome(rules: list[ElementTree.Element], request: Request) -> str:
    """Where the request goes: an address, or a status."""
    for rule in rules:
        match, action = rule.find("match"), rule.find("action")
        assert match is not None and action is not None
        assert match.get("negate") is None and rule.get("enabled", "true") == "true"
        assert rule.get("stopProcessing") == "true" and rule.get("patternSyntax", "ECMAScript") == "ECMAScript"
        if not matches(match.attrib["url"], request.decoded_path, match.get("ignoreCase")):
            continue
        if not all(_holds(condition, request) for condition in rule.iterfind("conditions/add")):
            continue
        if action.get("type") == "CustomResponse":
            return action.attrib["statusCode"]
        assert action.get("type") == "Rewrite" and action.get("appendQueryString") == "false"
        return action.attrib["url"].replace("{UNENCODED_URL}", request.target)
    raise AssertionError("the last rule is for everything")


def _holds(condition: ElementTree.Element, request: Request) -> bool:
    assert condition.get("negate") is None and condition.get("matchType", "Pattern") == "Pattern"
    name = condition.attrib["input"].strip("{}")
    return matches(condition.attrib["pattern"], request.variable(name), condition.get("ignoreCase"))


def test_outside_only_what_is_on_the_list_goes_on() -> None:
    rules = rules_of("outside")
    with standing() as house:
        every_route = paths.routes(house.application)
    for route in every_route:
        for method in paths.METHODS:
            target = paths.address_of(route)
            expected = UPSTREAM + target if method in paths.methods_of(route) else CLOSED
            assert outcome(rules, Request(method, target)) == expected, (method, route)
            assert outcome(rules, Request(method, target, is_secure=False)) == CLOSED


def test_banks_reach_the_address_of_their_account_however_its_colons_are_written() -> None:
    rules = rules_of("outside")
    for target in paths.OPEN_HOOKS:
        assert outcome(rules, Request("POST", target)) == UPSTREAM + target
        assert outcome(rules, Request("GET", target)) == CLOSED
    for target in paths.REFUSED_HOOKS:
        assert outcome(rules, Request("POST", target)) == CLOSED


def test_no_way_of_writing_an_address_leads_inside() -> None:
    rules = rules_of("outside")
    for target in paths.tricks():
        for method in paths.METHODS:
            found = outcome(rules, Request(method, target))
            if found != CLOSED:
                assert found == UPSTREAM + target
                assert paths.is_open(method, target.partition("?")[0]), target


def test_inside_everything_goes_on_as_it_was_sent_and_only_by_tls() -> None:
    rules = rules_of("inside")
    for target in ("/v1/customers?limit=3&a=%2F", "/docs", "/hooks/piggybank", "/api/v1/txn/a%20b"):
        assert outcome(rules, Request("GET", target)) == UPSTREAM + target
        assert outcome(rules, Request("GET", target, is_secure=False)) == CLOSED


def test_the_callers_address_takes_the_place_of_what_the_caller_claims(side: str) -> None:
    for rule in rules_of(side):
        action = rule.find("action")
        assert action is not None
        if action.get("type") != "Rewrite":
            continue
        variables = {one.attrib["name"]: one.attrib["value"] for one in rule.iterfind("serverVariables/set")}
        assert variables == {
            "HTTP_X_FORWARDED_FOR": "{REMOTE_ADDR}",
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_X_REAL_IP": "",
            "HTTP_FORWARDED": "",
        }


def test_bodies_have_the_servers_own_limit_and_headers_are_not_doubled(side: str) -> None:
    configuration = configuration_of(side)
    limits = configuration.find("system.webServer/security/requestFiltering/requestLimits")
    assert limits is not None and limits.get("maxAllowedContentLength") == "1048576"
    added = [one.attrib["name"] for one in configuration.iterfind("system.webServer/httpProtocol/customHeaders/add")]
    assert added == ["Strict-Transport-Security"]
    passing = configuration.find("system.webServer/httpErrors")
    assert passing is not None and passing.get("existingResponse") == "PassThrough"
