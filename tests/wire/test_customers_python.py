"""Customers one by one through the official Python SDK, each answer held against its annotations."""

import time
from typing import Any

import pytest
import stripe
from stripe.params import CustomerUpdateParams

from tests.wire.sdk import (
    ADDRESS,
    CUSTOMERS,
    EMPTY_ADDRESS,
    FOUND_CUSTOMERS,
    FULL,
    Json,
    body_of,
    checked,
    create,
    refused,
)


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
