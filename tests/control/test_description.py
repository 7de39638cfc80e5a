"""`/api/v1/openapi.json` and `/api/v1/docs` say of every endpoint what is declared, and who may use it."""

from __future__ import annotations

import itertools
import json
import re
import shlex
from html import unescape
from typing import Any
from urllib.parse import quote_plus

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from bursar.http import documentation, openapi
from bursar.http.documentation_calls import CALLS
from bursar.http.documentation_examples import BASE_URL
from bursar.http.documentation_model import Operation, Reader
from bursar.http.endpoint import Endpoint
from bursar.kit.permissions import OF_KEYS, PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS, ROLES, SELF
from tests.control.house import House
from tests.http.test_documentation import Page
from tests.http.test_openapi import references

URL, PAGE_URL = "/api/v1/openapi.json", "/api/v1/docs"
BY_PEOPLE: list[dict[str, list[str]]] = [{"Bearer": []}, {"Cookie": [], "CsrfToken": []}]
READ_BY_PEOPLE: list[dict[str, list[str]]] = [{"Bearer": []}, {"Cookie": []}]


@pytest.fixture(scope="module")
def document(house: House) -> dict[str, Any]:
    reply = house.call("GET", URL)
    assert reply.status == 200
    found: dict[str, Any] = reply.json
    return found


@pytest.fixture(scope="module")
def html(house: House) -> str:
    text: bytes = house.call("GET", PAGE_URL).json
    return text.decode()


def operation(document: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][endpoint.path][endpoint.method.lower()]
    return found


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    problems = [f"{problem.instance_path}: {problem.message}" for problem in OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert problems == []


def test_it_is_whole_and_has_nothing_of_the_other_surface(house: House, document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(endpoint.method, endpoint.path) for endpoint in house.endpoints}
    data = house.call("GET", "/openapi.json").json
    assert set(data["paths"]) == {endpoint.path for endpoint in house.data_endpoints}
    assert set(data["components"]["securitySchemes"]) == {"Bearer", "Basic"}


def test_every_reference_leads_somewhere_and_no_schema_is_left_over(document: dict[str, Any]) -> None:
    components = document["components"]
    known = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    used = references(document)
    assert used <= known
    assert {name for name in known if "/schemas/" in name} <= used


def test_it_says_who_may_use_each_operation(house: House, document: dict[str, Any]) -> None:
    for endpoint in house.endpoints:
        found = operation(document, endpoint)
        if endpoint.public or endpoint.payer is not None:
            assert (found["x-public"], found["security"], found["x-permission"]) == (True, [], None), endpoint.path
            continue
        permission = endpoint.permission
        assert (found["x-public"], found["x-permission"]) == (False, permission), endpoint.path
        roles = [role for role, permissions in ROLES.items() if permission in permissions or permission == SELF]
        roles += [PLATFORM_ADMIN] * (permission in PLATFORM_ADMIN_PERMISSIONS or permission == SELF)
        assert found["x-roles"] == roles, endpoint.path
        keys = ["secret", "restricted"] if permission in OF_KEYS else []
        assert found["x-keys"] == keys, endpoint.path
        people = READ_BY_PEOPLE if endpoint.method == "GET" else BY_PEOPLE
        assert found["security"] == people + [{"Basic": []}] * bool(keys), endpoint.path
        assert found["x-needs-proof"] == endpoint.needs_proof


def test_it_says_where_a_mode_can_be_chosen(house: House, document: dict[str, Any]) -> None:
    mode = {"$ref": "#/components/parameters/Mode"}
    for endpoint in house.endpoints:
        is_for_all = endpoint.public or endpoint.payer is not None
        assert (mode in operation(document, endpoint)["parameters"]) is not is_for_all, endpoint.path
    told = document["components"]["parameters"]["Mode"]
    assert (told["name"], told["in"], told["schema"]["enum"]) == ("Bursar-Mode", "header", ["test", "live"])


def test_bodies_are_json_and_only_where_something_is_written(house: House, document: dict[str, Any]) -> None:
    for endpoint in house.endpoints:
        body = operation(document, endpoint).get("requestBody")
        assert (body is not None) is endpoint.writes, endpoint.path
        if body is not None:
            assert list(body["content"]) == ["application/json"]


def test_an_idempotency_key_is_taken_where_the_answer_is_kept(house: House, document: dict[str, Any]) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    for endpoint in house.endpoints:
        kept = endpoint.writes and endpoint.keeps_answer and not endpoint.public
        assert (key in operation(document, endpoint)["parameters"]) is kept, endpoint.path


def test_each_operation_is_on_the_page_with_who_may_use_it(house: House, html: str) -> None:
    for endpoint in house.endpoints:
        section = html.partition(f'id="{endpoint.operation_id.replace("_", "-")}"')[2].partition("</section>")[0]
        text = unescape(re.sub(r"<[^>]+>", "", section))
        expected = [endpoint.summary, endpoint.method, endpoint.path]
        if endpoint.public or endpoint.payer is not None:
            expected.append("everybody, without signing in")
        else:
            expected += [endpoint.permission, *(role for role in ROLES if endpoint.permission in ROLES[role])]
        for words in expected:
            assert words in text, (endpoint.path, words)
        for name in endpoint.params.__struct_encode_fields__:
            assert f'<code class="member-name">{name}</code>' in section, (endpoint.path, name)


def test_the_page_is_whole_and_asks_no_other_host(html: str) -> None:
    page = Page(html)
    assert page.inline == [] and page.attributes("style") == []
    places = page.attributes("id")
    assert len(places) == len(set(places))
    addresses = page.attributes("href") + page.attributes("src")
    assert {address[1:] for address in addresses if address.startswith("#")} <= set(places)
    assert all(address.startswith(("#", "/", "data:")) for address in addresses)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(lower - higher <= 1 for higher, lower in itertools.pairwise(levels))


def test_its_headers_protect_it(house: House) -> None:
    headers = house.call("GET", PAGE_URL).headers
    assert headers["content-security-policy"] == house.call("GET", "/docs").headers["content-security-policy"]


def test_the_examples_send_what_the_operations_take(house: House) -> None:
    resources = Reader(openapi.document(house.endpoints, "control"), CALLS["control"]).resources()
    shown = {one.anchor: one for resource in resources for one in resource.operations}
    for endpoint in house.endpoints:
        example = shown[endpoint.operation_id.replace("_", "-")]
        _check_curl(endpoint, example)
        compile(example.python, "example", "exec")
        assert f"httpx.{endpoint.method.lower()}(" in example.python


def _check_curl(endpoint: Endpoint, example: Operation) -> None:
    words = shlex.split(example.curl)
    (address,) = [word for word in words if word.startswith(BASE_URL)]
    assert re.fullmatch(re.sub(r"\{\w+\}", "[A-Za-z0-9_]+", endpoint.path), address.removeprefix(BASE_URL))
    is_for_all = endpoint.public or endpoint.payer is not None
    assert ("Authorization: Bearer $TOKEN" in words) is not is_for_all
    data = [value for option, value in itertools.pairwise(words) if option in ("-d", "--data-urlencode")]
    method = next((value for option, value in itertools.pairwise(words) if option == "-X"), None)
    if endpoint.writes:
        assert method == endpoint.method or (method is None and endpoint.method == "POST" and data)
        (body,) = data or ["{}"]
        assert json.loads(body).keys() <= set(endpoint.params.__struct_encode_fields__)
        return
    assert method == (None if endpoint.method == "GET" else endpoint.method)
    fields = (field.partition("=") for field in data)
    endpoint.parser.from_form("&".join(f"{name}={quote_plus(value)}" for name, _, value in fields).encode())


def test_the_command_prints_the_document(document: dict[str, Any]) -> None:
    from typer.testing import CliRunner

    from bursar.cli import app

    done = CliRunner().invoke(app, ["openapi", "--surface", "control"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, document)
    assert CliRunner().invoke(app, ["openapi", "--surface", "both"]).exit_code != 0


def test_the_table_of_permissions_is_on_the_page(html: str) -> None:
    rows = documentation._permissions()
    assert rows
    assert all(f"<code>{row['name']}</code>" in html for row in rows)
