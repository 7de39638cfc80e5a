"""Lists of and searches for customers through the official Python SDK."""

from typing import Any

import pytest
import stripe
from stripe.params import CustomerCreateParams, CustomerListParams

from tests.wire.sdk import CUSTOMERS, FOUND_CUSTOMERS, checked, create, refused


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
