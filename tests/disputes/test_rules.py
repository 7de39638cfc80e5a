"""How a dispute goes on, whatever the order in which its messages come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.connectors.contract import BankDispute
from bursar.disputes import rules
from bursar.disputes.evidence import CompellingEvidence, EarlierTransaction, EnhancedEvidence, Evidence, EvidenceParams
from bursar.disputes.schemas import Dispute, DisputeUpdateParams
from bursar.kit.errors import InvalidRequest
from tests.refunds.test_rules import charge

STATUSES = ("open", "under_review", "won", "lost")


def told(status: Any = "open", *, inquiry: bool = False, amount: int = 1000) -> BankDispute:
    return BankDispute(
        dispute_id="dp_1", bank_reference="auth_1", status=status, inquiry=inquiry, amount_minor=amount,
        currency="usd", reason="fraudulent", fee_minor=0 if inquiry else 1500, evidence_due=100,
    )  # fmt: skip


def dispute(status: Any = "needs_response", **fields: Any) -> Dispute:
    made = rules.opened(told(inquiry=status in rules.INQUIRIES), charge(), "du_1", 0)
    made.status = status
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("status", "inquiry", "expected"),
    [
        ("open", False, "needs_response"),
        ("under_review", False, "under_review"),
        ("won", False, "won"),
        ("lost", False, "lost"),
        ("open", True, "warning_needs_response"),
        ("under_review", True, "warning_under_review"),
        ("won", True, "warning_closed"),
        ("lost", True, "warning_closed"),
    ],
)
def test_each_state_at_the_bank_has_its_status(status: str, inquiry: bool, expected: str) -> None:
    assert rules.status_of(told(status, inquiry=inquiry)) == expected


@given(st.sampled_from(STATUSES), st.booleans(), st.sampled_from(STATUSES), st.booleans())
def test_of_two_messages_one_is_the_newer_or_the_bank_is_asked(
    first: str, first_inquiry: bool, second: str, second_inquiry: bool
) -> None:
    earlier, later = told(first, inquiry=first_inquiry), told(second, inquiry=second_inquiry)
    there = rules.compare(dispute(rules.status_of(earlier)), later)
    back = rules.compare(dispute(rules.status_of(later)), earlier)
    if rules.status_of(earlier) == rules.status_of(later):
        assert (there, back) == ("known", "known")
    else:
        assert sorted((there, back)) in (["contradictory", "new"], ["contradictory", "contradictory"])
    assert rules.compare(None, later) == "new"


@given(st.integers(1, 2000), st.integers(0, 2000), st.sampled_from(STATUSES), st.booleans())
def test_no_more_is_taken_back_than_there_is(amount: int, left: int, status: str, inquiry: bool) -> None:
    fits = rules.fits(told(status, inquiry=inquiry, amount=amount), 0, left)
    assert fits == (inquiry or status == "won" or amount <= left)


def test_what_was_taken_already_is_not_taken_twice() -> None:
    assert rules.fits(told("lost", amount=1000), 1000, 0)


def test_evidence_is_submitted_unless_it_shall_wait() -> None:
    evidence = EvidenceParams(uncategorized_text="a")
    assert rules.is_submitted(DisputeUpdateParams(evidence=evidence))
    assert rules.is_submitted(DisputeUpdateParams(submit=True))
    assert not rules.is_submitted(DisputeUpdateParams(evidence=evidence, submit=False))
    assert not rules.is_submitted(DisputeUpdateParams(metadata={"a": "b"}))


@pytest.mark.parametrize("status", ["won", "lost", "warning_closed", "under_review", "warning_under_review"])
def test_evidence_comes_too_late_once_the_bank_reads_or_has_decided(status: str) -> None:
    before, params = dispute(status), DisputeUpdateParams(evidence=EvidenceParams(uncategorized_text="a"))
    with pytest.raises(InvalidRequest):
        rules.check_evidence(before, rules.described(before, params), params)
    rules.check_evidence(before, before, DisputeUpdateParams(metadata={"a": "b"}))


def test_there_must_be_evidence_to_submit() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.check_evidence(dispute(), dispute(), DisputeUpdateParams(submit=True))
    assert caught.value.param == "evidence"


def test_evidence_is_added_and_taken_back_field_by_field() -> None:
    params = EvidenceParams(customer_name="Jenny", receipt="file_1")
    first = params.applied_to(Evidence(uncategorized_text="kept"))
    assert (first.customer_name, first.receipt, first.uncategorized_text) == ("Jenny", "file_1", "kept")
    second = EvidenceParams(customer_name="").applied_to(first)
    assert (second.customer_name, second.receipt) == (None, "file_1")
    enhanced = EnhancedEvidence(
        visa_compelling_evidence_3=CompellingEvidence(prior_undisputed_transactions=[EarlierTransaction(charge="ch_0")])
    )
    third = EvidenceParams(enhanced_evidence=enhanced).applied_to(second)
    assert set(third.texts()) == {"enhanced_evidence", "receipt", "uncategorized_text"}
    assert EvidenceParams(enhanced_evidence=None).applied_to(third).enhanced_evidence == EnhancedEvidence()


def test_all_evidence_together_has_a_limit() -> None:
    names = (
        "access_activity_log",
        "billing_address",
        "cancellation_rebuttal",
        "customer_name",
        "product_description",
        "refund_policy_disclosure",
        "service_date",
        "shipping_address",
    )
    texts: Any = dict.fromkeys(names, "x" * 20_000)
    params = EvidenceParams(**texts)
    with pytest.raises(InvalidRequest) as caught:
        rules.described(dispute(), DisputeUpdateParams(evidence=params))
    assert caught.value.param == "evidence"


def test_only_who_has_not_answered_yet_is_past_due() -> None:
    late = rules.moved(dispute(), told(), 0)
    assert rules.as_of(late, 101).evidence_details.past_due
    assert not rules.as_of(late, 100).evidence_details.past_due
    assert not rules.as_of(rules.moved(late, told("under_review"), 0), 101).evidence_details.past_due


def test_only_inquiries_leave_a_charge_refundable() -> None:
    assert rules.moved(dispute("warning_needs_response"), told("under_review", inquiry=True), 5).is_charge_refundable
    assert not rules.moved(
        dispute("warning_needs_response"), told("under_review", inquiry=True), 0
    ).is_charge_refundable
    assert not rules.moved(dispute("warning_under_review"), told(), 5).is_charge_refundable
