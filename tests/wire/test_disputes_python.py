"""Disputes through the official Python SDK: what the cardholder's bank does later, and the merchant's answer."""

from typing import Any

import pytest
import stripe

from tests.wire.conftest import Connect, Keys
from tests.wire.payments import Json, event_types, pay, until
from tests.wire.sdk import body_of, refused

CASES = {
    "won": "createDispute",
    "lost": "createDisputeProductNotReceived",
    "given up": "createDispute",
    "staged": "createDispute",
    "inquiry": "createDisputeInquiry",
    "escalated": "createDisputeInquiry",
    "several": "createMultipleDisputes",
    "warned": "createIssuerFraudRecord",
}
"""A payment for each case, all made at once: the bank disputes each a second later."""

Disputed = dict[str, stripe.PaymentIntent]


@pytest.fixture(scope="module")
def disputed(stripe_client: stripe.StripeClient) -> Disputed:
    return {case: pay(stripe_client, {"payment_method": f"pm_card_{card}"}) for case, card in CASES.items()}


def disputes_of(client: stripe.StripeClient, intent: stripe.PaymentIntent, count: int = 1) -> list[stripe.Dispute]:
    def found() -> list[stripe.Dispute] | None:
        page = client.v1.disputes.list({"payment_intent": intent.id})
        return page.data if len(page.data) == count else None

    listed = until(found, f"the dispute of {intent.id}")
    return [client.v1.disputes.retrieve(dispute.id) for dispute in listed]


def ended(client: stripe.StripeClient, dispute: stripe.Dispute, *statuses: str) -> Json:
    def look() -> Json | None:
        now = client.v1.disputes.retrieve(dispute.id)
        return body_of(now) if now.status in statuses else None

    return until(look, " or ".join(statuses))


def answer(client: stripe.StripeClient, dispute: stripe.Dispute, text: str, **params: Any) -> stripe.Dispute:
    sent: Any = {"evidence": {"uncategorized_text": text}, **params}
    return client.v1.disputes.update(dispute.id, sent)


def moved(dispute: Json) -> list[tuple[int, int]]:
    """What each of its balance transactions moved, and what it cost."""
    return [(transaction["amount"], transaction["fee"]) for transaction in dispute["balance_transactions"]]


def test_a_dispute_takes_the_money_and_evidence_wins_it_back(
    stripe_client: stripe.StripeClient, disputed: Disputed
) -> None:
    intent = disputed["won"]
    (dispute,) = disputes_of(stripe_client, intent)
    sent = body_of(dispute)
    assert (sent["status"], sent["reason"], sent["amount"]) == ("needs_response", "fraudulent", 2000)
    assert (sent["charge"], sent["payment_intent"]) == (intent.latest_charge, intent.id)
    assert sent["evidence_details"]["due_by"] > sent["created"]
    ((taken, fee),) = moved(sent)
    assert taken == -2000
    assert fee > 0
    charge = body_of(stripe_client.v1.charges.retrieve(sent["charge"]))
    assert (charge["disputed"], charge["amount_refunded"]) == (True, 0)
    with refused(code="charge_disputed"):
        stripe_client.v1.refunds.create({"payment_intent": intent.id})

    reviewed = answer(stripe_client, dispute, "winning_evidence")
    assert reviewed.status == "under_review"
    assert body_of(reviewed)["evidence_details"]["submission_count"] == 1
    won = ended(stripe_client, dispute, "won")
    assert [amount for amount, _ in moved(won)] == [-2000, 2000]
    told = event_types(stripe_client, {dispute.id})
    for kind in ("created", "funds_withdrawn", "updated", "closed", "funds_reinstated"):
        assert f"charge.dispute.{kind}" in told
    with refused():
        answer(stripe_client, dispute, "too late")


def test_evidence_may_lose(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    (dispute,) = disputes_of(stripe_client, disputed["lost"])
    assert dispute.reason == "product_not_received"
    answer(stripe_client, dispute, "losing_evidence")
    lost = ended(stripe_client, dispute, "lost")
    assert [amount for amount, _ in moved(lost)] == [-2000]


def test_a_dispute_is_given_up(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    (dispute,) = disputes_of(stripe_client, disputed["given up"])
    closed = stripe_client.v1.disputes.close(dispute.id)
    assert closed.status == "lost"
    with refused():
        stripe_client.v1.disputes.close(dispute.id)


def test_evidence_is_gathered_before_it_is_sent(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    (dispute,) = disputes_of(stripe_client, disputed["staged"])
    disputes = stripe_client.v1.disputes
    staged = disputes.update(
        dispute.id, {"evidence": {"customer_name": "Ada"}, "metadata": {"ticket": "7"}, "submit": False}
    )
    assert (staged.status, body_of(staged)["metadata"]) == ("needs_response", {"ticket": "7"})
    assert body_of(staged)["evidence_details"]["has_evidence"] is True
    more = disputes.update(dispute.id, {"evidence": {"product_description": "Two tickets"}, "submit": False})
    evidence = body_of(more)["evidence"]
    assert (evidence["customer_name"], evidence["product_description"]) == ("Ada", "Two tickets")
    wrong: Any = {"evidence": {"alibi": "none"}}
    with refused(code="parameter_unknown", param="evidence[alibi]"):
        disputes.update(dispute.id, wrong)
    assert disputes.update(dispute.id, {"submit": True}).status == "under_review"
    with refused(param="evidence"):
        answer(stripe_client, dispute, "winning_evidence")


def test_an_inquiry_takes_nothing_and_is_closed(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    intent = disputed["inquiry"]
    (dispute,) = disputes_of(stripe_client, intent)
    assert dispute.status == "warning_needs_response"
    assert moved(body_of(dispute)) == []
    assert answer(stripe_client, dispute, "winning_evidence").status == "warning_under_review"
    assert moved(ended(stripe_client, dispute, "warning_closed")) == []
    assert stripe_client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_an_inquiry_may_become_a_dispute(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    (dispute,) = disputes_of(stripe_client, disputed["escalated"])
    answer(stripe_client, dispute, "escalate_inquiry_evidence")
    escalated = ended(stripe_client, dispute, "needs_response")
    assert [amount for amount, _ in moved(escalated)] == [-2000]


def test_a_payment_is_disputed_more_than_once(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    several = disputes_of(stripe_client, disputed["several"], 2)
    assert sum(dispute.amount for dispute in several) == 2000


def test_a_warning_of_fraud_is_no_dispute(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    disputes_of(stripe_client, disputed["won"])  # what was to happen has happened by then
    assert disputes_of(stripe_client, disputed["warned"], 0) == []


def test_they_are_listed_by_what_they_belong_to(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    intent = disputed["several"]
    newest_first = [dispute.id for dispute in disputes_of(stripe_client, intent, 2)]
    page = stripe_client.v1.disputes.list({"charge": str(intent.latest_charge), "limit": 1})
    assert page.has_more
    assert [dispute.id for dispute in page.auto_paging_iter()] == newest_first


def test_what_belongs_to_it_comes_with_it(stripe_client: stripe.StripeClient, disputed: Disputed) -> None:
    intent = disputed["won"]
    (dispute,) = disputes_of(stripe_client, intent)
    expand: Any = ["charge", "payment_intent"]
    sent = body_of(stripe_client.v1.disputes.retrieve(dispute.id, {"expand": expand}))
    assert (sent["charge"]["id"], sent["payment_intent"]["id"]) == (intent.latest_charge, intent.id)


@pytest.mark.parametrize("stranger", ["live_secret", "other_organisation"])
def test_strangers_find_nothing(
    stripe_client: stripe.StripeClient, disputed: Disputed, connect: Connect, keys: Keys, stranger: str
) -> None:
    (dispute,) = disputes_of(stripe_client, disputed["won"])
    other = connect(getattr(keys, stranger)).v1.disputes
    for attempt in (other.retrieve, other.close, other.update):
        with refused(status=404, code="resource_missing"):
            attempt(dispute.id)


def test_an_unknown_dispute_is_missing(stripe_client: stripe.StripeClient) -> None:
    with refused(status=404, code="resource_missing"):
        stripe_client.v1.disputes.retrieve("dp_doesnotexist")
