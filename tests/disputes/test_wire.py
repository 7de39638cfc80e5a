"""Disputes by the official SDK, against a server with its bank."""

from typing import Any

import pytest
import stripe

from tests.refunds.waiting import wait_until
from tests.wire.annotations import assert_conforms
from tests.wire.harness import RunningServer
from tests.wire.payments import pay
from tests.wire.sdk import body_of, body_of_subject, refused

WITHDRAWN = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def disputed(client: stripe.StripeClient, method: str = "pm_card_createDispute", count: int = 1) -> stripe.Dispute:
    intent = pay(client, {"payment_method": method, "amount": 1000})
    found = wait_until(
        lambda: client.v1.disputes.list({"payment_intent": intent.id}), lambda page: len(page.data) >= count
    )
    assert_conforms(body_of(found), stripe.ListObject[stripe.Dispute])
    return checked(client.v1.disputes.retrieve(found.data[0].id))


def checked(dispute: stripe.Dispute) -> stripe.Dispute:
    assert_conforms(body_of(dispute), stripe.Dispute)
    return dispute


def decided(client: stripe.StripeClient, dispute: stripe.Dispute, status: str) -> stripe.Dispute:
    return checked(wait_until(lambda: client.v1.disputes.retrieve(dispute.id), lambda now: now.status == status))


def told(client: stripe.StripeClient, dispute: stripe.Dispute, last: str) -> list[str]:
    def look() -> list[str]:
        events = client.v1.events.list({"limit": 100, "type": "charge.dispute.*"}).data[::-1]
        return [event.type for event in events if body_of_subject(event)["id"] == dispute.id]

    return wait_until(look, lambda kinds: last in kinds)


@pytest.mark.parametrize(
    ("word", "status", "ends"),
    [
        ("winning_evidence", "won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        ("losing_evidence", "lost", ["charge.dispute.closed"]),
    ],
)
def test_the_evidence_decides(stripe_client: stripe.StripeClient, word: str, status: str, ends: list[str]) -> None:
    dispute = disputed(stripe_client)
    assert (dispute.status, dispute.reason, dispute.is_charge_refundable) == ("needs_response", "fraudulent", False)
    answered = checked(
        stripe_client.v1.disputes.update(
            dispute.id,
            {"evidence": {"uncategorized_text": word, "customer_name": "Jenny"}, "metadata": {"case": "7"}},
        )
    )
    assert (answered.status, answered.evidence.customer_name) == ("under_review", "Jenny")
    after = decided(stripe_client, dispute, status)
    assert body_of(after)["metadata"] == {"case": "7"}
    kinds = told(stripe_client, dispute, ends[-1])
    assert kinds[:2] == WITHDRAWN
    assert kinds[-len(ends) :] == ends
    assert set(kinds[2 : -len(ends)]) == {"charge.dispute.updated"}


def test_a_dispute_shows_its_charge_and_its_money(stripe_client: stripe.StripeClient) -> None:
    dispute = disputed(stripe_client, "pm_card_createDisputeProductNotReceived")
    assert dispute.reason == "product_not_received"
    (withdrawn,) = dispute.balance_transactions
    assert (withdrawn.amount, withdrawn.fee, withdrawn.net) == (-1000, 1500, -2500)
    body = body_of(
        stripe_client.v1.disputes.retrieve(dispute.id, {"expand": ["charge.refunds", "payment_intent.latest_charge"]})
    )
    assert body["charge"]["disputed"] is True
    assert body["payment_intent"]["latest_charge"]["id"] == body["charge"]["id"]
    transactions = stripe_client.v1.balance_transactions.list({"source": dispute.id})
    assert [one.id for one in transactions.data] == [withdrawn.id]
    by_charge = stripe_client.v1.disputes.list({"charge": body["charge"]["id"], "created": {"gte": dispute.created}})
    assert [one.id for one in by_charge.data] == [dispute.id]


def test_a_dispute_that_is_closed_is_lost(stripe_client: stripe.StripeClient) -> None:
    dispute = disputed(stripe_client)
    closed = checked(stripe_client.v1.disputes.close(dispute.id, {}, {"idempotency_key": f"close-{dispute.id}"}))
    assert closed.status == "lost"
    again = stripe_client.v1.disputes.close(dispute.id, {}, {"idempotency_key": f"close-{dispute.id}"})
    assert body_of(again) == body_of(closed)
    with refused(param="id"):
        stripe_client.v1.disputes.close(dispute.id)
    with refused(code=None):
        stripe_client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})


def test_an_inquiry_can_become_a_dispute(stripe_client: stripe.StripeClient) -> None:
    inquiry = disputed(stripe_client, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert inquiry.balance_transactions == []
    answered = stripe_client.v1.disputes.update(
        inquiry.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    )
    assert checked(answered).status == "warning_under_review"
    escalated = decided(stripe_client, inquiry, "needs_response")
    assert len(escalated.balance_transactions) == 1


def test_a_disputed_charge_is_not_refunded(stripe_client: stripe.StripeClient) -> None:
    dispute = disputed(stripe_client)
    with refused(code="charge_disputed", param="charge"):
        stripe_client.v1.refunds.create({"charge": str(dispute.charge)})


def test_two_disputes_of_one_charge_are_told_apart(stripe_client: stripe.StripeClient) -> None:
    dispute = disputed(stripe_client, "pm_card_createMultipleDisputes", count=2)
    page = stripe_client.v1.disputes.list({"charge": str(dispute.charge)})
    assert [one.amount for one in page.data] == [500, 500]


def test_staged_evidence_of_every_kind_comes_back_as_it_was_sent(stripe_client: stripe.StripeClient) -> None:
    dispute = disputed(stripe_client)
    transaction = {"charge": "ch_0", "customer_purchase_ip": "203.0.113.7", "shipping_address": {"city": "Köln"}}
    evidence: Any = {
        "appeal": {"card": {"reason_for_filing": "because", "supporting_files": ["file_1"]}},
        "enhanced_evidence": {
            "mastercard_compliance": {"fee_acknowledged": True},
            "visa_compelling_evidence_3": {
                "disputed_transaction": {"merchandise_or_services": "services"},
                "prior_undisputed_transactions": [transaction, transaction],
            },
        },
        "receipt": "file_2",
        "shipping_tracking_number": "1Z",
    }
    kept = checked(stripe_client.v1.disputes.update(dispute.id, {"evidence": evidence, "submit": False}))
    sent = body_of(kept)["evidence"]
    assert sent["appeal"]["card"] == evidence["appeal"]["card"]
    earlier = sent["enhanced_evidence"]["visa_compelling_evidence_3"]["prior_undisputed_transactions"]
    assert [one["shipping_address"]["city"] for one in earlier] == ["Köln", "Köln"]
    assert (kept.status, kept.evidence_details.submission_count) == ("needs_response", 0)
    taken_back: Any = {"evidence": {"receipt": "", "appeal": ""}, "submit": False}
    cleared = checked(stripe_client.v1.disputes.update(dispute.id, taken_back))
    assert (cleared.evidence.receipt, cleared.evidence.appeal) == (None, None)
    hearsay: Any = {"evidence": {"hearsay": "x"}}
    with refused(code="parameter_unknown", param="evidence[hearsay]"):
        stripe_client.v1.disputes.update(dispute.id, hearsay)


def test_another_organisation_sees_no_dispute(
    stripe_client: stripe.StripeClient, stranger: stripe.StripeClient, server: RunningServer
) -> None:
    dispute = disputed(stripe_client)
    with refused(status=404, code="resource_missing", param="id"):
        stranger.v1.disputes.retrieve(dispute.id)
    with refused(status=404, code="resource_missing", param="id"):
        stranger.v1.disputes.update(dispute.id, {"metadata": {"a": "b"}})
    with refused(status=404, code="resource_missing", param="id"):
        stranger.v1.disputes.close(dispute.id)
    assert stranger.v1.disputes.list({"charge": str(dispute.charge)}).data == []
    assert server.raw("POST", "/v1/disputes", body=b"").status == 405
