"""Disputes between the bank, the books and the charge, without HTTP."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from bursar.disputes.evidence import EvidenceParams
from bursar.disputes.schemas import Dispute, DisputeUpdateParams
from bursar.http.params import Params
from bursar.kit.errors import Unavailable
from bursar.refunds.schemas import RefundParams
from piggybank.requests import Acceptance
from tests.databases import sqlite_database
from tests.piggybank.harness import MERCHANT
from tests.refunds.harness import (
    DISPUTED,
    DISPUTED_TWICE,
    INQUIRED,
    Bench,
    Paid,
    bench_on,
    call,
    refused,
)

Scenario = Callable[[Bench], Coroutine[Any, Any, None]]
FEE = 1500


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    def runs(scenario: Scenario) -> None:
        with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
            asyncio.run(scenario(bench))
            assert bench.findings() == []

    return runs


async def disputed(bench: Bench, number: str = DISPUTED) -> tuple[Paid, Dispute]:
    paid = await bench.pay(number)
    bench.pass_time(2)
    await bench.deliver_news()
    return paid, bench.all_disputes()[0]


async def submit(bench: Bench, dispute: Dispute, text: str, **fields: Any) -> Dispute:
    params = DisputeUpdateParams(evidence=EvidenceParams(uncategorized_text=text), **fields)
    effect = await bench.answered(await bench.disputes.update(call(dispute=dispute.id), params))
    if effect.error is not None:
        raise effect.error
    assert isinstance(effect.result, Dispute)
    return effect.result


async def decided(bench: Bench) -> Dispute:
    bench.pass_time(2)
    await bench.deliver_news()
    found: Dispute = bench.all_disputes()[0]
    return found


def test_a_dispute_takes_amount_and_fee(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, dispute = await disputed(bench)
        assert (dispute.status, dispute.amount, dispute.reason) == ("needs_response", 1000, "fraudulent")
        (withdrawn,) = dispute.balance_transactions
        assert (withdrawn.amount, withdrawn.fee, withdrawn.source) == (-1000, FEE, dispute.id)
        charge = bench.charge(paid)
        assert (charge.charge.disputed, charge.disputed_minor, charge.left_minor) == (True, 1000, 0)
        assert bench.available() == 1000 - 15 - 1000 - FEE
        assert bench.told() == ["charge.dispute.created", "charge.updated", "charge.dispute.funds_withdrawn"]
        async with refused("charge_disputed", 400, "charge"):
            await bench.refund(paid, 1)

    run(scenario)


def test_evidence_that_wins_brings_amount_and_fee_back(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, dispute = await disputed(bench)
        reviewed = await submit(bench, dispute, "winning_evidence")
        details = reviewed.evidence_details
        assert (reviewed.status, details.submission_count, details.has_evidence) == ("under_review", 1, True)
        assert details.submission_method == "manual"
        won = await decided(bench)
        assert (won.status, len(won.balance_transactions)) == ("won", 2)
        assert (bench.charge(paid).disputed_minor, bench.available()) == (0, 1000 - 15)
        assert bench.told()[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
        assert (await bench.refund(paid)).status == "succeeded", "what came back can be refunded"

    run(scenario)


def test_evidence_that_loses_leaves_it_as_it_is(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, dispute = await disputed(bench)
        await submit(bench, dispute, "losing_evidence")
        assert (await decided(bench)).status == "lost"
        assert bench.charge(paid).disputed_minor == 1000
        assert bench.told()[-1] == "charge.dispute.closed"
        async with refused(None):
            await submit(bench, dispute, "winning_evidence")

    run(scenario)


def test_a_dispute_that_is_given_up_is_lost(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        effect = await bench.answered(await bench.disputes.close(call(dispute=dispute.id), Params()))
        assert getattr(effect.result, "status", None) == "lost"
        before = bench.told()
        await bench.deliver_news()
        assert bench.told() == before, "the bank's own message says nothing new"
        async with refused(None):
            await bench.disputes.close(call(dispute=dispute.id), Params())

    run(scenario)


def test_an_inquiry_moves_no_money_until_it_is_escalated(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, dispute = await disputed(bench, INQUIRED)
        assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
        assert (dispute.is_charge_refundable, bench.charge(paid).charge.disputed) == (True, True)
        assert bench.available() == 1000 - 15
        await bench.refund(paid, 300)
        reviewed = await submit(bench, dispute, "escalate_inquiry_evidence")
        assert reviewed.status == "warning_under_review"
        escalated = await decided(bench)
        assert (escalated.status, escalated.amount, escalated.is_charge_refundable) == ("needs_response", 700, False)
        assert bench.charge(paid).left_minor == 0
        assert bench.available() == 1000 - 15 - 300 - 700 - FEE

    run(scenario)


def test_an_inquiry_that_is_answered_is_closed(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, dispute = await disputed(bench, INQUIRED)
        await submit(bench, dispute, "winning_evidence")
        closed = await decided(bench)
        assert (closed.status, closed.balance_transactions) == ("warning_closed", [])
        assert bench.charge(paid).disputed_minor == 0

    run(scenario)


def test_two_disputes_of_one_charge_share_what_there_is(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid, _ = await disputed(bench, DISPUTED_TWICE)
        assert [dispute.amount for dispute in bench.all_disputes()] == [500, 500]
        assert bench.charge(paid).disputed_minor == 1000

    run(scenario)


def test_evidence_can_wait_and_be_submitted_later(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        staged = await submit(bench, dispute, "winning_evidence", submit=False, metadata={"case": "7"})
        assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
        assert staged.evidence_details.submission_count == 0
        effect = await bench.answered(
            await bench.disputes.update(call(dispute=dispute.id), DisputeUpdateParams(submit=True))
        )
        assert getattr(effect.result, "status", None) == "under_review"
        assert (await decided(bench)).status == "won"
        assert bench.all_disputes()[0].metadata == {"case": "7"}

    run(scenario)


def test_evidence_is_kept_while_the_bank_is_away_and_sent_when_the_request_is_resumed(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        bench.bank.disputes_are_down = True
        with pytest.raises(Unavailable):
            await submit(bench, dispute, "winning_evidence")
        kept = bench.all_disputes()[0]
        assert (kept.status, kept.evidence.uncategorized_text) == ("needs_response", "winning_evidence")
        assert await bench.disputes.resume_update(call(), dispute.id) is None
        bench.bank.disputes_are_down = False
        effect = await bench.disputes.resume_update(call(), dispute.id)
        assert effect is not None and getattr(effect.result, "status", None) == "under_review"
        again = await bench.disputes.resume_update(call(), dispute.id)
        assert again is not None and getattr(again.result, "status", None) == "under_review"
        assert [record.kind for record in bench.house.records()].count("dispute") == 2, "opened and read, once each"

    run(scenario)


def test_an_acceptance_is_resumed_until_the_bank_has_it(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        bench.bank.disputes_are_down = True
        with pytest.raises(Unavailable):
            await bench.answered(await bench.disputes.close(call(dispute=dispute.id), Params()))
        assert await bench.disputes.resume_close(call(), dispute.id) is None
        bench.bank.disputes_are_down = False
        for _ in range(2):
            effect = await bench.disputes.resume_close(call(), dispute.id)
            assert effect is not None and getattr(effect.result, "status", None) == "lost"

    run(scenario)


def test_what_the_bank_refuses_is_an_error_and_not_a_state(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        bench.house.disputes.accept(bench.house.told()[0]["data"]["dispute"]["id"], Acceptance(merchant=MERCHANT))
        async with refused(None):  # it was lost meanwhile, and the message of that is still on its way
            await submit(bench, dispute, "winning_evidence")
        assert bench.all_disputes()[0].status == "needs_response"
        await bench.deliver_news()
        assert bench.all_disputes()[0].status == "lost"

    run(scenario)


def test_a_dispute_waits_for_the_refund_that_it_thwarts(run: Callable[[Scenario], None]) -> None:
    """Refunds that are under way are kept of the charge, so that both together are never more than was captured."""

    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(DISPUTED)
        staged = await bench.refunds.create(call(), RefundParams(charge=paid.charge_id))
        await bench.store.commit(staged.unit)
        bench.pass_time(2)
        (opened,) = bench.news()
        await bench.deliver(opened)
        assert bench.all_disputes() == []
        effect = await staged.finish()
        assert getattr(effect.result, "status", None) == "failed", "the bank has the money no more"
        await bench.process_all()
        charge = bench.charge(paid)
        assert (charge.disputed_minor, charge.refunded_minor) == (1000, 0)

    run(scenario)


def test_another_organisation_does_not_find_a_dispute(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        _, dispute = await disputed(bench)
        for foreign in (call(org_id="org_2", dispute=dispute.id), call(livemode=1, dispute=dispute.id)):
            async with refused("resource_missing", 404, "id"):
                await bench.disputes.retrieve(foreign)
            async with refused("resource_missing", 404, "id"):
                await bench.disputes.close(foreign, Params())
            async with refused("resource_missing", 404, "id"):
                await bench.disputes.update(foreign, DisputeUpdateParams())

    run(scenario)
