"""Charges, the balance and its transactions through the official Python SDK."""

from typing import Any

import pytest
import stripe

from tests.wire.payments import authorise, declined, event_types, latest_charge, pay
from tests.wire.sdk import body_of, refused


class TestCharges:
    def test_a_charge_is_described_later(self, stripe_client: stripe.StripeClient) -> None:
        charge = latest_charge(stripe_client, pay(stripe_client, {"metadata": {"kept": "1", "gone": "1"}}))
        changed = stripe_client.v1.charges.update(
            charge.id,
            {
                "description": "Two tickets",
                "fraud_details": {"user_report": "safe"},
                "metadata": {"gone": "", "new": "1"},
                "receipt_email": "ada@example.com",
                "shipping": {"address": {"city": "Köln"}, "name": "Zoë"},
                "transfer_group": "group",
            },
        )
        sent = body_of(changed)
        assert (sent["description"], sent["metadata"]) == ("Two tickets", {"kept": "1", "new": "1"})
        assert (sent["fraud_details"]["user_report"], sent["shipping"]["name"]) == ("safe", "Zoë")
        assert body_of(stripe_client.v1.charges.retrieve(charge.id)) == sent
        assert event_types(stripe_client, {charge.id})[-1] == "charge.updated"

    def test_the_money_of_a_charge_cannot_be_changed(self, stripe_client: stripe.StripeClient) -> None:
        charge = latest_charge(stripe_client, pay(stripe_client))
        wrong: Any = {"amount": 1}
        with refused(code="parameter_unknown", param="amount"):
            stripe_client.v1.charges.update(charge.id, wrong)

    def test_charges_are_listed_by_what_they_belong_to(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create()
        intents = [pay(stripe_client, {"customer": customer.id, "transfer_group": "g"}) for _ in range(3)]
        newest_first = [str(intent.latest_charge) for intent in intents][::-1]
        page = stripe_client.v1.charges.list({"customer": customer.id, "limit": 2})
        assert [charge.id for charge in page.auto_paging_iter()] == newest_first
        of_intent = stripe_client.v1.charges.list({"payment_intent": intents[0].id})
        assert [charge.id for charge in of_intent.data] == [intents[0].latest_charge]
        later = stripe_client.v1.charges.list({"customer": customer.id, "created": {"gt": 4_000_000_000}})
        assert later.data == []

    def test_a_filter_that_is_not_honoured_is_refused(self, stripe_client: stripe.StripeClient) -> None:
        with refused(code="parameter_unknown", param="transfer_group"):
            stripe_client.v1.charges.list({"transfer_group": "group"})

    @pytest.mark.parametrize("clause", ["status:'succeeded'", "amount:2000", "payment_intent:'{intent}'"])
    def test_charges_are_searched_for(self, stripe_client: stripe.StripeClient, mark: str, clause: str) -> None:
        intent = pay(stripe_client, {"metadata": {"mark": mark}})
        with declined("card_declined", "generic_decline"):
            described: Any = {"metadata": {"mark": mark}, "amount": 2001}
            pay(stripe_client, {"payment_method": "pm_card_visa_chargeDeclined", **described})
        query = f"metadata['mark']:'{mark}' AND {clause.format(intent=intent.id)}"
        found = stripe_client.v1.charges.search({"query": query})
        assert [charge.id for charge in found.data] == [intent.latest_charge]

    def test_what_belongs_to_a_charge_comes_with_it(self, stripe_client: stripe.StripeClient) -> None:
        customer = stripe_client.v1.customers.create({"email": "ada@example.com"})
        intent = pay(stripe_client, {"customer": customer.id})
        expand: Any = ["balance_transaction", "customer", "payment_intent.payment_method"]
        sent = body_of(stripe_client.v1.charges.retrieve(str(intent.latest_charge), {"expand": expand}))
        assert sent["balance_transaction"]["amount"] == 2000
        assert sent["customer"]["email"] == "ada@example.com"
        assert sent["payment_intent"]["payment_method"]["card"]["last4"] == "4242"

    def test_an_unknown_charge_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="charge"):
            stripe_client.v1.charges.retrieve("ch_doesnotexist")

    def test_a_charge_is_made_by_a_payment_alone(self, stripe_client: stripe.StripeClient) -> None:
        with refused(stripe.APIError, 405):
            stripe_client.v1.charges.create({"amount": 2000, "currency": "usd", "source": "tok_visa"})


def amount_of(parts: Any, currency: str) -> int:
    return sum(part["amount"] for part in parts if part["currency"] == currency)


class TestBalance:
    def test_it_grows_by_what_was_paid_less_the_fee(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(stripe_client.v1.balance.retrieve())
        expand: Any = ["latest_charge.balance_transaction"]
        paid = stripe_client.v1.payment_intents.retrieve(
            pay(stripe_client, {"currency": "nok", "amount": 50_000}).id, {"expand": expand}
        )
        transaction = body_of(paid)["latest_charge"]["balance_transaction"]
        after = body_of(stripe_client.v1.balance.retrieve())
        assert transaction["status"] == "pending"
        assert 0 < transaction["fee"] < 50_000
        assert sum(detail["amount"] for detail in transaction["fee_details"]) == transaction["fee"]
        assert amount_of(after["pending"], "nok") - amount_of(before["pending"], "nok") == transaction["net"]
        assert amount_of(after["available"], "nok") == amount_of(before["available"], "nok")

    def test_a_card_makes_its_money_available_at_once(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(stripe_client.v1.balance.retrieve())
        intent = pay(stripe_client, {"payment_method": "pm_card_bypassPending", "currency": "sek", "amount": 9_000})
        charge = latest_charge(stripe_client, intent)
        transaction = stripe_client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
        after = body_of(stripe_client.v1.balance.retrieve())
        assert transaction.status == "available"
        assert amount_of(after["available"], "sek") - amount_of(before["available"], "sek") == transaction.net
        assert amount_of(after["pending"], "sek") == amount_of(before["pending"], "sek")

    def test_an_authorisation_is_no_money_yet(self, stripe_client: stripe.StripeClient) -> None:
        before = body_of(stripe_client.v1.balance.retrieve())
        authorise(stripe_client, {"currency": "dkk"})
        after = body_of(stripe_client.v1.balance.retrieve())
        for kind in ("available", "pending"):
            assert amount_of(after[kind], "dkk") == amount_of(before[kind], "dkk")

    def test_transactions_are_listed_by_what_they_come_from(self, stripe_client: stripe.StripeClient) -> None:
        charge = latest_charge(stripe_client, pay(stripe_client, {"description": "Order 6735"}))
        (transaction,) = stripe_client.v1.balance_transactions.list({"source": charge.id}).data
        sent = body_of(stripe_client.v1.balance_transactions.retrieve(transaction.id))
        assert (sent["amount"], sent["currency"], sent["type"]) == (2000, "usd", "charge")
        assert (sent["source"], sent["description"]) == (charge.id, "Order 6735")
        assert sent["available_on"] > sent["created"]
        of_type = stripe_client.v1.balance_transactions.list({"source": charge.id, "type": "refund"})
        assert of_type.data == []
        of_currency = stripe_client.v1.balance_transactions.list({"source": charge.id, "currency": "eur"})
        assert of_currency.data == []

    def test_the_source_of_a_transaction_comes_with_it(self, stripe_client: stripe.StripeClient) -> None:
        charge = latest_charge(stripe_client, pay(stripe_client))
        page = stripe_client.v1.balance_transactions.list({"source": charge.id, "expand": ["data.source"]})
        assert body_of(page)["data"][0]["source"] == body_of(charge)

    def test_the_newest_comes_first_in_pages(self, stripe_client: stripe.StripeClient) -> None:
        made = [latest_charge(stripe_client, pay(stripe_client, {"currency": "isk"})) for _ in range(3)]
        page = stripe_client.v1.balance_transactions.list({"currency": "isk", "limit": 2})
        assert page.has_more
        found = [transaction.id for transaction in page.auto_paging_iter()]
        assert found[:3] == [charge.balance_transaction for charge in made][::-1]

    def test_an_unknown_transaction_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing"):
            stripe_client.v1.balance_transactions.retrieve("txn_doesnotexist")
