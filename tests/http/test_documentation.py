"""The documentation shows every operation, asks no other host for anything, and its examples are right."""

import itertools
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from operator import attrgetter
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest
import stripe

from bursar.http import documentation, openapi
from bursar.http import documentation_examples as examples
from bursar.http.documentation_calls import CALLS, sdk_method
from bursar.http.documentation_model import Operation, Reader
from bursar.http.endpoint import Endpoint
from tests.http.declared import ENDPOINTS

VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}


class Page(HTMLParser):
    """What a test asks of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == [], "each element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style") and data.strip():
            self.inline.append(data)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


@pytest.fixture(scope="module")
def html() -> str:
    return documentation.render(openapi.document(ENDPOINTS)).decode()


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def operations() -> dict[str, Operation]:
    resources = Reader(openapi.document(ENDPOINTS), CALLS["data"]).resources()
    return {operation.anchor: operation for resource in resources for operation in resource.operations}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=attrgetter("operation_id"))
def test_each_operation_is_on_the_page(endpoint: Endpoint, html: str, page: Page) -> None:
    section = html.partition(f'id="{endpoint.operation_id.replace("_", "-")}"')[2].partition("</section>")[0]
    text = unescape(re.sub(r"<[^>]+>", "", section))
    for expected in (endpoint.summary, endpoint.method, endpoint.path, endpoint.permission):
        assert expected in text
    for name in endpoint.params.__struct_fields__:
        assert f'<code class="member-name">{name}</code>' in section


def test_it_asks_no_other_host_for_anything(page: Page) -> None:
    addresses = page.attributes("href") + page.attributes("src")
    assert addresses
    for address in addresses:
        parts = urlsplit(address)
        assert parts.netloc == "", address
        assert parts.scheme in ("", "data"), address


def test_it_has_no_inline_script_or_style(page: Page) -> None:
    assert page.inline == []
    assert page.attributes("style") == []
    assert [name for _, given in page.tags for name in given if name.startswith("on")] == []


def test_each_link_within_the_page_leads_somewhere(page: Page) -> None:
    places = page.attributes("id")
    assert len(places) == len(set(places))
    assert {address[1:] for address in page.attributes("href") if address.startswith("#")} <= set(places)


def test_headings_do_not_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(lower - higher <= 1 for higher, lower in itertools.pairwise(levels))


def test_texts_of_the_document_are_escaped() -> None:
    document = openapi.document(ENDPOINTS)
    document["paths"]["/v1/events"]["get"]["summary"] = "<script>alert(1)</script>"
    document["components"]["schemas"]["Customer"]["properties"]["email"]["description"] = '"><img src=x>'
    html = documentation.render(document).decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_its_assets_are_named_with_their_versions(page: Page) -> None:
    wanted = {
        f"/docs/assets/{name}?v={documentation.version_of(body)}" for name, (body, _) in documentation.assets().items()
    }
    assert wanted == {found for found in page.attributes("href") + page.attributes("src") if "/assets/" in found}


def test_nothing_in_the_assets_leads_to_another_host() -> None:
    for name, (body, content_type) in documentation.assets().items():
        assert content_type.endswith("charset=utf-8"), name
        assert b"://" not in body, name
        assert b"@import" not in body, name


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=attrgetter("operation_id"))
def test_the_curl_example_sends_what_the_operation_takes(endpoint: Endpoint, operations: dict[str, Operation]) -> None:
    words = shlex.split(operations[endpoint.operation_id.replace("_", "-")].curl)
    assert words[0] == "curl"
    (address,) = [word for word in words if word.startswith(examples.BASE_URL)]
    assert re.fullmatch(re.sub(r"\{\w+\}", "[a-z0-9_]+", endpoint.path), address.removeprefix(examples.BASE_URL))
    fields = [value for option, value in itertools.pairwise(words) if option in ("-d", "--data-urlencode")]
    sent = "&".join(f"{name}={quote_plus(value)}" for name, _, value in (field.partition("=") for field in fields))
    endpoint.parser.from_form(sent.encode())  # raises what the server would answer


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=attrgetter("operation_id"))
def test_the_python_example_calls_a_method_of_the_official_sdk(
    endpoint: Endpoint, operations: dict[str, Operation]
) -> None:
    code = operations[endpoint.operation_id.replace("_", "-")].python
    compile(code, "example", "exec")
    method, _ = sdk_method(endpoint.method, endpoint.path)
    client: Any = stripe.StripeClient("sk_test_example", base_addresses={"api": examples.BASE_URL})
    assert callable(attrgetter(method)(client))
    assert f"client.{method}(" in code


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/payment_intents/{intent}/capture", "v1.payment_intents.capture"),
        ("POST", "/v1/payment_intents", "v1.payment_intents.create"),
        ("GET", "/v1/payment_intents/search", "v1.payment_intents.search"),
        ("GET", "/v1/customers/{customer}/payment_methods", "v1.customers.payment_methods.list"),
    ],
)
def test_methods_of_the_sdk_follow_from_the_path(method: str, path: str, expected: str) -> None:
    assert sdk_method(method, path)[0] == expected
