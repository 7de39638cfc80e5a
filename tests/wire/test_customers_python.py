"""Customers and their events through the official Python SDK, each answer held against its annotations."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
import stripe
from stripe.params import CustomerCreateParams, CustomerListParams, CustomerUpdateParams

from tests.wire.annotations import assert_conforms, violations
from tests.wire.harness import PUBLISHABLE_KEY, SECRET_KEY, Answer, RunningServer

Resource = TypeVar("Resource", bound=stripe.StripeObject)
Json = dict[str, Any]

CUSTOMERS = stripe.ListObject[stripe.Customer]
FOUND_CUSTOMERS = stripe.SearchResultObject[stripe.Customer]
EVENTS = stripe.ListObject[stripe.Event]

ADDRESS: Json = {
    "city": "Köln",
    "country": "DE",
    "line1": "Am Hof 1",
    "line2": "2. Stock",
    "postal_code": "50667",
    "state": "NRW",
}
EMPTY_ADDRESS: Json = dict.fromkeys(ADDRESS)
FULL: CustomerCreateParams = {
    "address": {"city": "Köln", "country": "DE", "line1": "Am Hof 1", "line2": "2. Stock",
                "postal_code": "50667", "state": "NRW"},
    "balance": -1250,
    "business_name": "Analytical Engines",
    "description": "first of her kind & more + 100 %",
    "email": "ada@example.com",
    "individual_name": "Ada Lovelace",
    "invoice_prefix": "ADA42",
    "invoice_settings": {
        "custom_fields": [{"name": "VAT", "value": "DE1"}, {"name": "PO", "value": "7"}],
        "footer": "Thank you.",
        "rendering_options": {"amount_tax_display": "exclude_tax"},
    },
    "metadata": {"order": "6735", "note": "a=b&c[d]"},
    "name": "Ada Lovelace",
    "next_invoice_sequence": 7,
    "phone": "+49 221 1234567",
    "preferred_locales": ["de", "en-GB"],
    "shipping": {"address": {"city": "Köln"}, "name": "Charles", "phone": "+44 20 1234567"},
    "tax_exempt": "reverse",
}  # fmt: skip


def body_of(resource: stripe.StripeObject) -> Json:
    """What the server has sent, untouched by the SDK."""
    assert resource.last_response is not None
    body: Json = json.loads(resource.last_response.body)
    return body


def checked(resource: Resource, expected: type = stripe.Customer) -> Resource:
    assert_conforms(body_of(resource), expected)
    assert resource.last_response is not None
    assert resource.last_response.request_id, "every response names its request"
    return resource


def header(resource: stripe.StripeObject, name: str) -> str | None:
    assert resource.last_response is not None
    return resource.last_response.headers.get(name)


def create(
    client: stripe.StripeClient, params: CustomerCreateParams | None = None, *, key: str | None = None
) -> stripe.Customer:
    return checked(client.v1.customers.create(params, {"idempotency_key": key} if key else None))


@contextmanager
def refused(
    kind: type[stripe.StripeError] = stripe.InvalidRequestError,
    status: int | tuple[int, ...] = 400,
    *,
    code: str | None = None,
    param: str | None = None,
    error_type: str = "invalid_request_error",
) -> Iterator[None]:
    """The block is answered by exactly this error; a code or param of None is left unasked."""
    with pytest.raises(stripe.StripeError) as caught:
        yield
    error = caught.value
    body: Any = error.json_body
    sent = body["error"]
    assert type(error) is kind, sent
    assert error.http_status in (status if isinstance(status, tuple) else (status,)), sent
    assert sent["type"] == error_type
    assert code is None or sent["code"] == code, sent
    assert param is None or sent["param"] == param, sent
    assert sent["message"]
    assert error.request_id


def refused_raw(answer: Answer, status: int, error_type: str = "invalid_request_error") -> Json:
    assert answer.status == status
    assert answer.headers["Request-Id"]
    error: Json = answer.json["error"]
    assert error["type"] == error_type
    assert error["message"]
    return error


@pytest.fixture
def mark() -> str:
    """A word that no other test has used: the server is shared, its lists and searches are not empty."""
    return secrets.token_hex(6)


class TestCreate:
    def test_without_parameters_every_field_is_present_and_empty(self, stripe_client: stripe.StripeClient) -> None:
        before = int(time.time())
        sent = body_of(create(stripe_client))
        assert sent["id"].startswith("cus_")
        assert before <= sent["created"] <= time.time()
        settings = dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options"))
        expected: Json = {
            **dict.fromkeys(("address", "currency", "default_source", "description", "discount", "email")),
            **dict.fromkeys(("name", "phone", "shipping", "test_clock", "business_name", "individual_name")),
            "balance": 0,
            "delinquent": False,
            "invoice_settings": settings,
            "livemode": False,
            "metadata": {},
            "next_invoice_sequence": 1,
            "object": "customer",
            "preferred_locales": [],
            "tax_exempt": "none",
        }
        assert {name: sent[name] for name in expected} == expected

    def test_every_parameter_comes_back(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, FULL)
        sent = body_of(customer)
        assert sent["address"] == ADDRESS
        assert sent["shipping"] == {
            "address": {**EMPTY_ADDRESS, "city": "Köln"},
            "carrier": None,
            "name": "Charles",
            "phone": "+44 20 1234567",
            "tracking_number": None,
        }
        assert sent["invoice_settings"] == {
            "custom_fields": [{"name": "VAT", "value": "DE1"}, {"name": "PO", "value": "7"}],
            "default_payment_method": None,
            "footer": "Thank you.",
            "rendering_options": {"amount_tax_display": "exclude_tax", "template": None},
        }
        for name in FULL.keys() - {"address", "shipping", "invoice_settings"}:
            assert sent[name] == FULL[name], name  # type: ignore[literal-required]  # every key of FULL is one
        assert body_of(checked(stripe_client.v1.customers.retrieve(customer.id))) == sent

    @pytest.mark.parametrize(
        "text",
        ["Zoë Müller", "山田 太郎", "👩‍💻 & co; a=b?", "line\nbreak\ttab", "' OR 1=1 --", '"\\'],
        ids=ascii,
    )
    def test_text_of_any_script_survives_the_way(self, stripe_client: stripe.StripeClient, text: str) -> None:
        customer = create(stripe_client, {"name": text, "metadata": {"text": text}})
        retrieved = checked(stripe_client.v1.customers.retrieve(customer.id))
        assert (retrieved.name, body_of(retrieved)["metadata"]) == (text, {"text": text})

    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"nickname": "Ada"}, "parameter_unknown", "nickname"),
            ({"address": {"planet": "Earth"}}, "parameter_unknown", "address[planet]"),
            ({"shipping": {"address": {"city": "Köln"}}}, "parameter_missing", "shipping[name]"),
            ({"balance": "a lot"}, "parameter_invalid_integer", "balance"),
            ({"balance": "1.5"}, "parameter_invalid_integer", "balance"),
            ({"tax_exempt": "maybe"}, None, "tax_exempt"),
            ({"email": "e" * 513}, None, "email"),
            ({"business_name": "b" * 151}, None, "business_name"),
            ({"individual_name": "i" * 151}, None, "individual_name"),
            ({"invoice_prefix": "lower"}, None, "invoice_prefix"),
            ({"address": "Köln"}, None, "address"),
            ({"metadata": "order"}, None, "metadata"),
            ({"invoice_settings": {"custom_fields": [{"name": "n", "value": "v"}] * 5}}, None, None),
            ({"invoice_settings": {"custom_fields": [{"name": "n" * 41, "value": "v"}]}}, None, None),
            ({"invoice_settings": {"custom_fields": [{"name": "n", "value": "v" * 141}]}}, None, None),
            ({"invoice_settings": {"custom_fields": [{"name": "n"}]}}, "parameter_missing", None),
            ({"invoice_settings": {"rendering_options": {"amount_tax_display": "loud"}}}, None, None),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_a_wrong_parameter_is_named(
        self, stripe_client: stripe.StripeClient, params: Any, code: str | None, param: str | None
    ) -> None:
        with refused(code=code, param=param):
            stripe_client.v1.customers.create(params)


class TestRetrieve:
    def test_an_unknown_customer_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.customers.retrieve("cus_doesnotexist")

    def test_an_expandable_field_without_a_value_stays_null(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client)
        expand = ["default_source", "invoice_settings.default_payment_method", "test_clock"]
        expanded = checked(stripe_client.v1.customers.retrieve(customer.id, {"expand": expand}))
        assert expanded.default_source is None

    @pytest.mark.parametrize("path", ["email", "nickname", "data.default_source", "default_source.a.b.c.d", "metadata"])
    def test_what_is_no_reference_cannot_be_expanded(self, stripe_client: stripe.StripeClient, path: str) -> None:
        customer = create(stripe_client)
        with refused():
            stripe_client.v1.customers.retrieve(customer.id, {"expand": [path]})


class TestUpdate:
    def test_only_what_is_sent_changes(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(create(stripe_client, FULL))
        updated = checked(stripe_client.v1.customers.update(before["id"], {"name": "Augusta", "balance": 5}))
        assert body_of(updated) == {**before, "name": "Augusta", "balance": 5}

    @pytest.mark.parametrize(
        ("params", "field", "empty"),
        [
            ({"description": ""}, "description", None),
            ({"email": ""}, "email", None),
            ({"name": ""}, "name", None),
            ({"phone": ""}, "phone", None),
            ({"business_name": ""}, "business_name", None),
            ({"individual_name": ""}, "individual_name", None),
            ({"address": ""}, "address", None),
            ({"shipping": ""}, "shipping", None),
            ({"metadata": ""}, "metadata", {}),
            ({"tax_exempt": ""}, "tax_exempt", "none"),
        ],
    )
    def test_an_empty_string_clears(
        self, stripe_client: stripe.StripeClient, params: CustomerUpdateParams, field: str, empty: object
    ) -> None:
        before = body_of(create(stripe_client, FULL))
        cleared = checked(stripe_client.v1.customers.update(before["id"], params))
        assert body_of(cleared) == {**before, field: empty}

    def test_an_empty_string_clears_within_the_invoice_settings(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, FULL)
        settings: Any = {"custom_fields": "", "footer": "", "rendering_options": ""}
        cleared = checked(stripe_client.v1.customers.update(customer.id, {"invoice_settings": settings}))
        assert set(body_of(cleared)["invoice_settings"].values()) == {None}

    def test_invoice_settings_change_one_by_one(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(create(stripe_client, FULL))["invoice_settings"]
        customer = create(stripe_client, FULL)
        updated = stripe_client.v1.customers.update(customer.id, {"invoice_settings": {"footer": "Bye."}})
        assert body_of(checked(updated))["invoice_settings"] == {**before, "footer": "Bye."}

    def test_an_unknown_customer_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.customers.update("cus_doesnotexist", {"name": "Nobody"})

    def test_a_refused_update_changes_nothing(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(create(stripe_client, FULL))
        wrong: Any = {"name": "Augusta", "tax_exempt": "maybe"}
        with refused(param="tax_exempt"):
            stripe_client.v1.customers.update(before["id"], wrong)
        assert body_of(checked(stripe_client.v1.customers.retrieve(before["id"]))) == before


class TestMetadata:
    def test_keys_are_merged_and_an_empty_value_removes_one(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, {"metadata": {"a": "1", "b": "2"}})
        updated = stripe_client.v1.customers.update(customer.id, {"metadata": {"a": "", "b": "3", "c": "4"}})
        assert body_of(checked(updated))["metadata"] == {"b": "3", "c": "4"}

    def test_fifty_keys_fit_and_one_more_does_not(self, stripe_client: stripe.StripeClient) -> None:
        fifty = {f"key_{number}": str(number) for number in range(50)}
        customer = create(stripe_client, {"metadata": fifty})
        assert body_of(customer)["metadata"] == fifty
        with refused():
            stripe_client.v1.customers.create({"metadata": {**fifty, "one_more": "x"}})
        with refused():
            stripe_client.v1.customers.update(customer.id, {"metadata": {"one_more": "x"}})
        swapped = stripe_client.v1.customers.update(customer.id, {"metadata": {"key_0": "", "one_more": "x"}})
        assert len(body_of(checked(swapped))["metadata"]) == 50

    def test_lengths_are_counted_in_characters_up_to_the_limit(self, stripe_client: stripe.StripeClient) -> None:
        longest = {"ü" * 40: "ß" * 500}
        assert body_of(create(stripe_client, {"metadata": longest}))["metadata"] == longest

    @pytest.mark.parametrize("metadata", [{"k" * 41: "v"}, {"k": "v" * 501}], ids=["key", "value"])
    def test_a_key_or_value_beyond_its_limit_is_refused(
        self, stripe_client: stripe.StripeClient, metadata: dict[str, str]
    ) -> None:
        with refused():
            stripe_client.v1.customers.create({"metadata": metadata})


class TestDelete:
    def test_a_deleted_customer_keeps_only_its_identity(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, FULL)
        identity = {"id": customer.id, "object": "customer", "deleted": True}
        assert body_of(checked(stripe_client.v1.customers.delete(customer.id))) == identity
        assert body_of(checked(stripe_client.v1.customers.retrieve(customer.id))) == identity

    def test_it_can_be_neither_updated_nor_deleted_again(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client)
        stripe_client.v1.customers.delete(customer.id)
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.customers.update(customer.id, {"name": "Ghost"})
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.customers.delete(customer.id)

    def test_it_is_neither_listed_nor_found(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        email = f"{mark}@example.com"
        customer = create(stripe_client, {"email": email})
        stripe_client.v1.customers.delete(customer.id)
        assert checked(stripe_client.v1.customers.list({"email": email}), CUSTOMERS).data == []
        found = stripe_client.v1.customers.search({"query": f"email:'{email}'"})
        assert checked(found, FOUND_CUSTOMERS).data == []


@pytest.fixture
def five(stripe_client: stripe.StripeClient, mark: str) -> list[str]:
    """The ids of five customers with one email address, newest first as every list has them."""
    return [create(stripe_client, {"email": f"{mark}@example.com"}).id for _ in range(5)][::-1]


class TestList:
    def test_newest_come_first(self, stripe_client: stripe.StripeClient, five: list[str], mark: str) -> None:
        page = checked(stripe_client.v1.customers.list({"email": f"{mark}@example.com"}), CUSTOMERS)
        assert ([customer.id for customer in page.data], page.has_more) == (five, False)
        assert page.url == "/v1/customers"

    def test_pages_follow_each_other_in_both_directions(
        self, stripe_client: stripe.StripeClient, five: list[str], mark: str
    ) -> None:
        def page(**cursor: str) -> tuple[list[str], bool]:
            params: Any = {"email": f"{mark}@example.com", "limit": 2, **cursor}
            answer = checked(stripe_client.v1.customers.list(params), CUSTOMERS)
            return [customer.id for customer in answer.data], answer.has_more

        assert page() == (five[:2], True)
        assert page(starting_after=five[1]) == (five[2:4], True)
        assert page(starting_after=five[3]) == (five[4:], False)
        assert page(starting_after=five[4]) == ([], False)
        assert page(ending_before=five[4]) == (five[2:4], True)
        assert page(ending_before=five[2]) == (five[:2], False)
        assert page(ending_before=five[0]) == ([], False)

    def test_automatic_pagination_meets_each_customer_once(
        self, stripe_client: stripe.StripeClient, five: list[str], mark: str
    ) -> None:
        params: CustomerListParams = {"email": f"{mark}@example.com", "limit": 2}
        forwards = stripe_client.v1.customers.list(params).auto_paging_iter()
        assert [customer.id for customer in forwards] == five
        backwards = stripe_client.v1.customers.list({**params, "ending_before": five[4]}).auto_paging_iter()
        assert [customer.id for customer in backwards] == five[3::-1]

    def test_ten_are_sent_unless_asked_otherwise(self, stripe_client: stripe.StripeClient) -> None:
        for _ in range(11):
            create(stripe_client)
        assert len(checked(stripe_client.v1.customers.list(), CUSTOMERS).data) == 10
        assert len(checked(stripe_client.v1.customers.list({"limit": 1}), CUSTOMERS).data) == 1
        assert len(checked(stripe_client.v1.customers.list({"limit": 100}), CUSTOMERS).data) >= 11

    @pytest.mark.parametrize("limit", [0, 101, -1, "many"])
    def test_a_limit_out_of_bounds_is_refused(self, stripe_client: stripe.StripeClient, limit: Any) -> None:
        with refused(param="limit"):
            stripe_client.v1.customers.list({"limit": limit})

    @pytest.mark.parametrize("cursor", ["starting_after", "ending_before"])
    def test_an_unknown_cursor_is_missing(self, stripe_client: stripe.StripeClient, cursor: str) -> None:
        params: Any = {cursor: "cus_doesnotexist"}
        with refused(status=(400, 404), code="resource_missing", param=cursor):
            stripe_client.v1.customers.list(params)

    def test_two_cursors_at_once_are_refused(self, stripe_client: stripe.StripeClient, five: list[str]) -> None:
        with refused():
            stripe_client.v1.customers.list({"starting_after": five[0], "ending_before": five[4]})

    def test_an_unknown_filter_is_refused(self, stripe_client: stripe.StripeClient) -> None:
        wrong: Any = {"name": "Ada"}
        with refused(code="parameter_unknown", param="name"):
            stripe_client.v1.customers.list(wrong)

    def test_email_is_compared_case_by_case(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        customer = create(stripe_client, {"email": f"Ada.{mark}@example.com"})
        exact = checked(stripe_client.v1.customers.list({"email": f"Ada.{mark}@example.com"}), CUSTOMERS)
        assert [found.id for found in exact.data] == [customer.id]
        lower = checked(stripe_client.v1.customers.list({"email": f"ada.{mark}@example.com"}), CUSTOMERS)
        assert lower.data == []

    @pytest.mark.parametrize(
        ("bounds", "is_found"),
        [
            ({"gte": 0}, True),
            ({"lte": 0}, True),
            ({"gt": 0}, False),
            ({"lt": 0}, False),
            ({"gt": -1, "lt": 1}, True),
            ({"gte": 1}, False),
            (0, True),
            (1, False),
        ],
        ids=str,
    )
    def test_created_is_filtered_by_its_bounds(
        self, stripe_client: stripe.StripeClient, mark: str, bounds: dict[str, int] | int, is_found: bool
    ) -> None:
        customer = create(stripe_client, {"email": f"{mark}@example.com"})
        created: Any = (
            customer.created + bounds
            if isinstance(bounds, int)
            else {name: customer.created + offset for name, offset in bounds.items()}
        )
        page = stripe_client.v1.customers.list({"email": f"{mark}@example.com", "created": created})
        assert [found.id for found in checked(page, CUSTOMERS).data] == [customer.id] * is_found

    def test_expansion_reaches_into_the_list(self, stripe_client: stripe.StripeClient, five: list[str]) -> None:
        assert five
        checked(stripe_client.v1.customers.list({"expand": ["data.default_source"]}), CUSTOMERS)
        with refused():
            stripe_client.v1.customers.list({"expand": ["default_source"]})
        with refused():
            stripe_client.v1.customers.list({"expand": ["data.email"]})


@pytest.fixture
def people(stripe_client: stripe.StripeClient, mark: str) -> dict[str, stripe.Customer]:
    """Three customers whom only their mark sets apart from the rest of the shared server."""
    digits = str(int(mark, 16))
    several: dict[str, CustomerCreateParams] = {
        "ada": {"metadata": {"mark": mark, "tier": "gold"}, "phone": f"+49{digits}1"},
        "bob": {"metadata": {"mark": mark, "tier": "tin"}, "phone": f"+49{digits}2"},
        "eve": {"metadata": {"mark": mark}, "description": f"about {mark}"},
    }
    return {
        name: create(stripe_client, {**params, "name": f"{name} O'Neil {mark}", "email": f"{name}@{mark}.example.com"})
        for name, params in several.items()
    }


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("email:'ada@{mark}.example.com'", "ada"),
            ('email:"ada@{mark}.example.com"', "ada"),
            ("email:'{mark}'", ""),
            ("email~'{mark}'", "ada bob eve"),
            ("email~'ada@{mark}'", "ada"),
            (r"name:'bob O\'Neil {mark}'", "bob"),
            ('name:"bob O\'Neil {mark}"', "bob"),
            ("name~'Neil {mark}'", "ada bob eve"),
            ("phone:'+49{digits}1'", "ada"),
            ("phone~'{digits}'", "ada bob"),
            ("metadata['mark']:'{mark}'", "ada bob eve"),
            ('metadata["mark"]:"{mark}"', "ada bob eve"),
            ("metadata['mark']:'{mark}' AND metadata['tier']:'gold'", "ada"),
            ("metadata['mark']:'{mark}' metadata['tier']:'gold'", "ada"),
            ("metadata['mark']:'{mark}' AND -metadata['tier']:'gold'", "bob eve"),
            ("metadata['mark']:'{mark}' AND -metadata['tier']:null", "ada bob"),
            ("metadata['mark']:'{mark}' AND metadata['tier']:null", "eve"),
            ("metadata['mark']:'{mark}' AND -email:'ada@{mark}.example.com'", "bob eve"),
            ("metadata['mark']:'{mark}' AND -phone:null", "ada bob"),
            ("email:'ada@{mark}.example.com' OR email:'eve@{mark}.example.com'", "ada eve"),
            ("metadata['mark']:'{mark}' AND created>0", "ada bob eve"),
            ("metadata['mark']:'{mark}' AND created>={created}", "ada bob eve"),
            ("metadata['mark']:'{mark}' AND created<{created}", ""),
            ("metadata['mark']:'{mark}' AND created>{far}", ""),
            ("metadata['mark']:'{mark}' AND created<={far}", "ada bob eve"),
            ("email:'ada@{mark}.example.com' AND created:{created}", "ada"),
            ("email:'ada@{mark}.example.com' AND created:1", ""),
        ],
    )
    def test_a_query_finds(
        self,
        stripe_client: stripe.StripeClient,
        people: dict[str, stripe.Customer],
        mark: str,
        query: str,
        expected: str,
    ) -> None:
        created = people["ada"].created
        asked = query.format(mark=mark, digits=int(mark, 16), created=created, far=created + 3600)
        found = checked(stripe_client.v1.customers.search({"query": asked}), FOUND_CUSTOMERS)
        names = {customer.id: name for name, customer in people.items()}
        assert sorted(names[customer.id] for customer in found.data) == expected.split()
        assert found.has_more is False

    @pytest.mark.parametrize(
        "query",
        [
            "email:'a' AND name:'b' OR phone:'c'",
            "email~'ab'",
            "metadata['mark']~'abc'",
            "nickname:'Ada'",
            "email:'Ada",
            "email:",
            "email",
            "email>'a'",
            "created:'yesterday'",
            "created~'123'",
            "AND email:'a'",
            "email:'a' AND",
            "",
            " AND ".join(["email:'a'"] * 11),
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(self, stripe_client: stripe.StripeClient, query: str) -> None:
        with refused():
            stripe_client.v1.customers.search({"query": query})

    def test_a_query_is_required(self, stripe_client: stripe.StripeClient) -> None:
        nothing: Any = {}
        with refused(code="parameter_missing", param="query"):
            stripe_client.v1.customers.search(nothing)

    def test_pages_follow_each_other(
        self, stripe_client: stripe.StripeClient, people: dict[str, stripe.Customer], mark: str
    ) -> None:
        query = f"metadata['mark']:'{mark}'"
        first = checked(stripe_client.v1.customers.search({"query": query, "limit": 2}), FOUND_CUSTOMERS)
        assert (len(first.data), first.has_more) == (2, True)
        second = stripe_client.v1.customers.search({"query": query, "limit": 2, "page": first.next_page})
        assert (len(checked(second, FOUND_CUSTOMERS).data), second.has_more) == (1, False)
        expected = sorted(customer.id for customer in people.values())
        assert sorted(customer.id for customer in [*first.data, *second.data]) == expected
        walked = stripe_client.v1.customers.search({"query": query, "limit": 1}).auto_paging_iter()
        assert sorted(customer.id for customer in walked) == expected

    @pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"page": "nonsense"}], ids=str)
    def test_bounds_hold_for_searches_too(self, stripe_client: stripe.StripeClient, params: Any) -> None:
        wrong: Any = {"query": "created>0", **params}
        with refused(param=next(iter(params))):
            stripe_client.v1.customers.search(wrong)

    def test_a_search_sees_an_update_at_once(
        self, stripe_client: stripe.StripeClient, people: dict[str, stripe.Customer], mark: str
    ) -> None:
        stripe_client.v1.customers.update(people["ada"].id, {"metadata": {"tier": "tin"}})
        query = f"metadata['mark']:'{mark}' AND metadata['tier']:'tin'"
        found = checked(stripe_client.v1.customers.search({"query": query}), FOUND_CUSTOMERS)
        assert {customer.id for customer in found.data} == {people["ada"].id, people["bob"].id}


def events_about(client: stripe.StripeClient, customer_id: str, kind: str) -> list[stripe.Event]:
    page = checked(client.v1.events.list({"type": kind, "limit": 100}), EVENTS)
    return [event for event in page.data if body_of_subject(event)["id"] == customer_id]


def body_of_subject(event: stripe.Event) -> Json:
    subject: Json = event.to_dict()["data"]["object"]
    return subject


class TestEvents:
    def test_a_creation_is_told_with_the_request_that_caused_it(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        customer = create(stripe_client, FULL, key=f"key-{mark}")
        (event,) = events_about(stripe_client, customer.id, "customer.created")
        retrieved = checked(stripe_client.v1.events.retrieve(event.id), stripe.Event)
        assert retrieved.to_dict() == event.to_dict()
        assert body_of_subject(retrieved) == body_of(customer)
        assert retrieved.id.startswith("evt_")
        assert retrieved.request is not None
        assert retrieved.request.to_dict() == {
            "id": header(customer, "request-id"),
            "idempotency_key": f"key-{mark}",
        }

    def test_an_update_is_told_with_the_previous_values(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, {"name": "Ada", "metadata": {"tier": "tin", "kept": "1"}})
        stripe_client.v1.customers.update(
            customer.id, {"name": "Augusta", "description": "new", "metadata": {"tier": "gold", "added": "2"}}
        )
        (event,) = events_about(stripe_client, customer.id, "customer.updated")
        sent = event.to_dict()
        assert sent["data"]["previous_attributes"] == {
            "name": "Ada",
            "description": None,
            "metadata": {"tier": "tin", "added": None},
        }
        assert sent["data"]["object"]["name"] == "Augusta"

    def test_a_deletion_is_told_with_the_customer_as_it_was(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, FULL)
        stripe_client.v1.customers.delete(customer.id)
        (event,) = events_about(stripe_client, customer.id, "customer.deleted")
        assert body_of_subject(event) == body_of(customer)

    def test_an_event_does_not_change_with_its_customer(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, {"name": "Ada"})
        (event,) = events_about(stripe_client, customer.id, "customer.created")
        stripe_client.v1.customers.update(customer.id, {"name": "Augusta"})
        stripe_client.v1.customers.delete(customer.id)
        later = checked(stripe_client.v1.events.retrieve(event.id), stripe.Event)
        assert body_of_subject(later)["name"] == "Ada"

    def test_a_refused_request_tells_nothing(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client)
        wrong: Any = {"tax_exempt": "maybe"}
        with refused(param="tax_exempt"):
            stripe_client.v1.customers.update(customer.id, wrong)
        assert events_about(stripe_client, customer.id, "customer.updated") == []

    @pytest.mark.parametrize(
        ("params", "kinds"),
        [
            ({"type": "customer.created"}, {"customer.created"}),
            ({"type": "customer.*"}, {"customer.created", "customer.updated", "customer.deleted"}),
            ({"types": ["customer.updated", "customer.deleted"]}, {"customer.updated", "customer.deleted"}),
            ({"type": "payout.paid"}, set()),
        ],
        ids=str,
    )
    def test_types_are_filtered(self, stripe_client: stripe.StripeClient, params: Any, kinds: set[str]) -> None:
        customer = create(stripe_client)
        stripe_client.v1.customers.update(customer.id, {"name": "Ada"})
        stripe_client.v1.customers.delete(customer.id)
        asked: Any = {"limit": 100, **params}
        page = checked(stripe_client.v1.events.list(asked), EVENTS)
        about = {event.type for event in page.data if body_of_subject(event)["id"] == customer.id}
        assert about == kinds

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"type": "customer.created", "types": ["customer.updated"]}, None),
            ({"types": ["customer.created"] * 21}, "types"),
            ({"limit": 101}, "limit"),
            ({"kind": "customer.created"}, "kind"),
        ],
        ids=["type and types", "21 types", "limit", "unknown"],
    )
    def test_a_wrong_filter_is_refused(
        self, stripe_client: stripe.StripeClient, params: Any, param: str | None
    ) -> None:
        with refused(param=param):
            stripe_client.v1.events.list(params)

    def test_events_are_paged_newest_first(self, stripe_client: stripe.StripeClient) -> None:
        newest_first = [create(stripe_client).id for _ in range(3)][::-1]
        pages = stripe_client.v1.events.list({"type": "customer.created", "limit": 2}).auto_paging_iter()
        assert [body_of_subject(next(pages))["id"] for _ in range(3)] == newest_first

    def test_an_unknown_event_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.events.retrieve("evt_doesnotexist")


class TestIdempotency:
    def test_the_same_request_is_answered_from_memory(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        first = create(stripe_client, {"name": "Ada"}, key=mark)
        again = create(stripe_client, {"name": "Ada"}, key=mark)
        assert body_of(again) == body_of(first)
        assert header(first, "idempotent-replayed") is None
        assert header(again, "idempotent-replayed") == "true"
        assert len(events_about(stripe_client, first.id, "customer.created")) == 1

    def test_other_parameters_under_the_same_key_are_refused(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        first = create(stripe_client, {"name": "Ada"}, key=mark)
        with refused(stripe.IdempotencyError, error_type="idempotency_error"):
            create(stripe_client, {"name": "Bob"}, key=mark)
        with refused(stripe.IdempotencyError, error_type="idempotency_error"):
            stripe_client.v1.customers.update(first.id, {"name": "Ada"}, {"idempotency_key": mark})

    def test_a_key_is_not_spent_on_a_request_that_was_never_begun(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        wrong: Any = {"tax_exempt": "maybe"}
        with refused(param="tax_exempt"):
            create(stripe_client, wrong, key=mark)
        assert create(stripe_client, {"tax_exempt": "exempt"}, key=mark).tax_exempt == "exempt"

    def test_a_key_has_at_most_255_characters(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        create(stripe_client, key=mark.ljust(255, "k"))
        with refused():
            create(stripe_client, key=mark.ljust(256, "k"))

    def test_without_the_same_key_two_requests_are_two_customers(self, stripe_client: stripe.StripeClient) -> None:
        assert create(stripe_client, {"name": "Ada"}).id != create(stripe_client, {"name": "Ada"}).id


class TestKeys:
    def test_a_wrong_key_is_refused(self, stripe_client: stripe.StripeClient) -> None:
        with refused(stripe.AuthenticationError, 401):
            stripe_client.v1.customers.list(options={"api_key": "sk_test_wrong"})

    @pytest.mark.parametrize(
        "call",
        [
            lambda customers, options: customers.list({}, options),
            lambda customers, options: customers.create({}, options),
            lambda customers, options: customers.retrieve("cus_doesnotexist", {}, options),
        ],
        ids=["list", "create", "retrieve"],
    )
    def test_a_publishable_key_does_not_open_customers(
        self, stripe_client: stripe.StripeClient, call: Callable[[Any, Any], object]
    ) -> None:
        with refused(stripe.PermissionError, 403):
            call(stripe_client.v1.customers, {"api_key": PUBLISHABLE_KEY})

    def test_no_key_is_refused(self, server: RunningServer) -> None:
        refused_raw(server.raw("GET", "/v1/customers", key=None), 401)

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic !!!", "Digest x", "", SECRET_KEY])
    def test_a_malformed_authorization_is_refused(self, server: RunningServer, value: str) -> None:
        refused_raw(server.raw("GET", "/v1/customers", key=None, headers={"Authorization": value}), 401)

    def test_the_key_may_be_the_user_name_of_basic_authentication(self, server: RunningServer) -> None:
        credentials = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        answer = server.raw("GET", "/v1/customers", key=None, headers={"Authorization": f"Basic {credentials}"})
        assert answer.status == 200
        assert_conforms(answer.json, CUSTOMERS)


class TestBytes:
    """What other clients send, byte for byte."""

    @pytest.mark.parametrize(
        "body",
        [b"name=Ada+Lovelace", b"name=Ada%20Lovelace", b"name=Ada%20Lovelace&", b"%6eame=Ada+Lovelace"],
    )
    def test_a_space_is_written_in_two_ways(self, server: RunningServer, body: bytes) -> None:
        answer = server.raw("POST", "/v1/customers", body=body)
        assert answer.status == 200
        assert answer.json["name"] == "Ada Lovelace"
        assert violations(answer.json, stripe.Customer) == []

    def test_brackets_may_be_raw_or_encoded(self, server: RunningServer) -> None:
        body = b"metadata[a]=1&metadata%5Bb%5D=2&preferred_locales[]=de&preferred_locales[]=en"
        sent = server.raw("POST", "/v1/customers", body=body).json
        assert (sent["metadata"], sent["preferred_locales"]) == ({"a": "1", "b": "2"}, ["de", "en"])

    @pytest.mark.parametrize("name", ["expand[]", "expand[0]", quote("expand[0]", safe="")])
    def test_expand_is_written_in_three_ways(self, server: RunningServer, name: str) -> None:
        answer = server.raw("GET", f"/v1/customers?{name}=data.default_source")
        assert answer.status == 200
        assert_conforms(answer.json, CUSTOMERS)

    def test_a_body_may_be_json(self, server: RunningServer) -> None:
        body = json.dumps({"name": "Ada", "balance": 5, "metadata": {"a": "1"}}).encode()
        answer = server.raw("POST", "/v1/customers", body=body, headers={"Content-Type": "application/json"})
        assert answer.status == 200
        assert (answer.json["name"], answer.json["balance"]) == ("Ada", 5)
        assert_conforms(answer.json, stripe.Customer)

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"{", "application/json"),
            (b"[1]", "application/json"),
            (b"name=%ff%fe", "application/x-www-form-urlencoded"),
            (b"metadata[a][b]=1", "application/x-www-form-urlencoded"),
            (b"name=a&name[b]=c", "application/x-www-form-urlencoded"),
        ],
    )
    def test_a_malformed_body_is_refused(self, server: RunningServer, body: bytes, content_type: str) -> None:
        answer = server.raw("POST", "/v1/customers", body=body, headers={"Content-Type": content_type})
        refused_raw(answer, 400)

    @pytest.mark.parametrize(("method", "path"), [("GET", "/v1/unicorns"), ("PUT", "/v1/unicorns")])
    def test_an_unknown_route_is_answered_in_json(self, server: RunningServer, method: str, path: str) -> None:
        refused_raw(server.raw(method, path), 404)

    def test_an_unknown_method_names_the_ones_there_are(self, server: RunningServer) -> None:
        answer = server.raw("PUT", "/v1/customers")
        refused_raw(answer, 405)
        assert answer.headers["Allow"] == "GET, POST"
