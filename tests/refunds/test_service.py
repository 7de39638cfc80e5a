"""Refunds between the bank, the books and the charge, without HTTP."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.connectors.contract import Decline, Order, Outcome, Refund
from bursar.kit.errors import RequestError
from bursar.payments import charge_repository
from bursar.refunds.schemas import RefundParams, RefundUpdateParams
from bursar.store.errors import RowsExpected
from bursar.store.unit import Unit
from tests.databases import Database, on, sqlite_database
from tests.refunds.harness import (
    FAILING_REFUND,
    ORG,
    PENDING_REFUND,
    Bench,
    Paid,
    bench_on,
    call,
    not_sent,
    refused,
    unreachable,
)

Scenario = Callable[[Bench], Coroutine[Any, Any, None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Scenario], None]:
    def runs(scenario: Scenario) -> None:
        with bench_on(sqlite_database(tmp_path), tmp_path / "house") as bench:
            asyncio.run(scenario(bench))
            assert bench.findings() == []
            _assert_in_step(bench)

    return runs


def _assert_in_step(bench: Bench) -> None:
    """L6, and that the charge, its row, the refunds and the bank all say the same."""
    by_charge: dict[str, Counter[str]] = {}
    for refund in bench.all_refunds():
        by_charge.setdefault(refund.charge, Counter())[refund.status] += refund.amount
    for charge_id, sums in by_charge.items():
        stored = bench.charge(Paid(charge_id, "", "", ""))
        assert stored.charge.amount_refunded == sums["succeeded"]
        assert stored.refunded_minor == sums["succeeded"] + sums["pending"]
        assert stored.refunded_minor + stored.disputed_minor <= stored.charge.amount_captured


def test_all_that_is_left_is_refunded_where_no_amount_is_named(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()
        before = bench.available()
        first = await bench.refund(paid, 300)
        second = await bench.refund(paid, reason="requested_by_customer", metadata={"order": "7"})
        assert [(r.amount, r.status) for r in (first, second)] == [(300, "succeeded"), (700, "succeeded")]
        assert (second.reason, second.metadata) == ("requested_by_customer", {"order": "7"})
        assert second.destination_details is not None and second.destination_details.card.reference
        charge = bench.charge(paid).charge
        assert (charge.amount_refunded, charge.refunded) == (1000, True)
        assert bench.intent(paid).amount_received == 1000, "a refund changes nothing about what was received"
        assert bench.available() == before - 1000
        assert bench.told() == ["refund.created", "charge.refunded", "refund.updated"] * 2
        async with refused("charge_already_refunded"):
            await bench.refund(paid)

    run(scenario)


def test_a_pending_refund_waits_for_the_banks_word(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(PENDING_REFUND)
        before = bench.available()
        refund = await bench.refund(paid, 400)
        assert (refund.status, refund.pending_reason, refund.balance_transaction) == ("pending", "processing", None)
        assert (bench.available(), bench.charge(paid).charge.amount_refunded) == (before, 0)
        async with refused("amount_too_large"):
            await bench.refund(paid, 601)
        bench.pass_time(2)
        await bench.deliver_news()
        after = (await bench.refunds.find(call(), refund.id)).refund
        assert (after.status, after.pending_reason) == ("succeeded", None)
        assert after.balance_transaction is not None
        assert (bench.available(), bench.charge(paid).charge.amount_refunded) == (before - 400, 400)

    run(scenario)


def test_a_refund_that_fails_later_gives_the_money_back(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(FAILING_REFUND)
        before = bench.available()
        refund = await bench.refund(paid)
        assert (refund.status, bench.charge(paid).charge.refunded) == ("succeeded", True)
        bench.pass_time(2)
        await bench.deliver_news()
        after = (await bench.refunds.find(call(), refund.id)).refund
        assert (after.status, after.failure_reason) == ("failed", "unknown")
        assert after.failure_balance_transaction not in (None, after.balance_transaction)
        charge = bench.charge(paid)
        assert (charge.charge.refunded, charge.charge.amount_refunded, charge.refunded_minor) == (False, 0, 0)
        assert bench.available() == before
        assert bench.told()[-2:] == ["charge.updated", "refund.failed"]
        assert (await bench.refund(paid)).status == "succeeded", "what came back can be refunded again"

    run(scenario)


def test_what_the_bank_declines_fails_and_is_free_again(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()
        decline = Outcome(kind="declined", decline=Decline(code="insufficient_funds"))
        bench.bank.fault = lambda order: decline if isinstance(order, Refund) else None
        refund = await bench.refund(paid, 400)
        assert (refund.status, refund.failure_reason) == ("failed", "insufficient_funds")
        assert (refund.balance_transaction, refund.failure_balance_transaction) == (None, None)
        assert bench.told() == ["refund.created", "refund.failed"]
        bench.bank.fault = None
        assert (await bench.refund(paid)).amount == 1000

    run(scenario)


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("fault", [not_sent, unreachable])
def test_a_refund_whose_reply_is_lost_is_pending_until_the_resolver_knows(
    run: Callable[[Scenario], None], fault: Callable[[Order], Outcome], arrived: bool
) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()

        def losing(order: Order) -> Outcome:
            if arrived and isinstance(order, Refund):
                bench.bank.answer(order)
            return fault(order)

        bench.bank.fault = losing
        refund = await bench.refund(paid)
        assert refund.status == "pending"
        bench.clock.advance(5)
        await bench.resolver.resolve_due()
        assert (await bench.refunds.find(call(), refund.id)).refund.status == "pending", "nobody guesses"
        bench.bank.fault = None
        bench.clock.advance(60)
        await bench.resolver.resolve_due()
        assert (await bench.refunds.find(call(), refund.id)).refund.status == "succeeded"
        assert bench.charge(paid).charge.refunded
        assert bench.told() == ["refund.created", "charge.refunded", "refund.updated"]
        assert [record.kind for record in bench.house.records()].count("refund") == 1

    run(scenario)


def test_a_request_that_died_after_its_first_commit_is_resumed(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()
        staged = await bench.refunds.create(call(), RefundParams(charge=paid.charge_id))
        await bench.store.commit(staged.unit)
        assert await bench.refunds.resume(call(), staged.attempt_id) is None
        bench.clock.advance(10)
        await bench.resolver.resolve_due()
        effect = await bench.refunds.resume(call(), staged.attempt_id)
        assert effect is not None and getattr(effect.result, "status", None) == "succeeded"
        with pytest.raises(RowsExpected):  # whoever wakes up later holds a fence that is over
            await staged.finish()
        assert bench.charge(paid).charge.amount_refunded == 1000

    run(scenario)


@pytest.mark.parametrize("database", on("memory", "sqlite", "postgresql"), indirect=True)
def test_of_fifty_refunds_at_once_as_many_succeed_as_there_is_money_for(database: Database, tmp_path: Path) -> None:
    async def refund(bench: Bench, paid: Paid) -> str:
        for _ in range(5):  # as the execution of a request does
            try:
                return (await bench.refund(paid, 90)).status
            except RowsExpected:
                continue
            except RequestError as refusal:
                return str(refusal.code)
        return "given up"

    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(amount=1000)
        ends = Counter(await asyncio.gather(*(refund(bench, paid) for _ in range(50))))
        assert ends == {"succeeded": 11, "amount_too_large": 39}
        assert (await bench.refund(paid)).amount == 10
        assert bench.charge(paid).charge.refunded
        assert bench.told().count("charge.refunded") == 12

    with bench_on(database, tmp_path / "house", writers=1 if database.kind != "postgresql" else 2) as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []
        _assert_in_step(bench)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["4242424242424242", PENDING_REFUND, FAILING_REFUND]),
    st.lists(st.tuples(st.integers(1, 700) | st.none(), st.sampled_from(["", "lost", "later"])), max_size=6),
)
def test_whatever_is_refunded_in_whatever_order_the_charge_and_the_books_agree(
    tmp_path_factory: pytest.TempPathFactory, number: str, steps: list[tuple[int | None, str]]
) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(number)
        before = bench.available()
        for amount, what in steps:
            bench.bank.fault = unreachable if what == "lost" else None
            left = bench.charge(paid).left_minor
            try:
                await bench.refund(paid, amount)
            except RequestError:
                assert left == 0 or (amount or 0) > left
            _assert_in_step(bench)
            if what == "later":
                bench.pass_time(2)
                await bench.deliver_until_taken(bench.news())
                _assert_in_step(bench)
        bench.bank.fault = None
        for _ in range(3):  # what the bank gets only now is settled some time after that
            bench.pass_time(60)
            await bench.resolver.resolve_due()
            bench.pass_time(2)
            await bench.deliver_until_taken(bench.news())
        refunds = bench.all_refunds()
        assert {refund.status for refund in refunds} <= {"succeeded", "failed"}
        back = sum(refund.amount for refund in refunds if refund.status == "succeeded")
        assert bench.available() == before - back
        about = bench.house.state.find_authorization(paid.authorization, "org_1:test")
        assert about is not None and about.refunded == back

    folder = tmp_path_factory.mktemp("refunds")
    with bench_on(sqlite_database(folder), folder / "house") as bench:
        asyncio.run(scenario(bench))
        assert bench.findings() == []
        _assert_in_step(bench)


def test_whoever_read_the_charge_before_a_refund_was_kept_of_it_cannot_overwrite_that(
    run: Callable[[Scenario], None],
) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()
        before = bench.charge(paid)
        staged = await bench.refunds.create(call(), RefundParams(charge=paid.charge_id, amount=400))
        await bench.store.commit(staged.unit)
        with pytest.raises(RowsExpected):
            await bench.store.commit(Unit(charge_repository.update(ORG, 0, before, before)))
        assert bench.charge(paid).left_minor == 600
        await staged.finish()

    run(scenario)


def test_another_organisation_finds_neither_charge_nor_refund(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay()
        refund = await bench.refund(paid, 1)
        for foreign in (call(org_id="org_2"), call(livemode=1)):
            async with refused("resource_missing", 404, "charge"):
                await bench.refunds.create(foreign, RefundParams(charge=paid.charge_id))
            async with refused("resource_missing", 404, "payment_intent"):
                await bench.refunds.create(foreign, RefundParams(payment_intent=paid.intent_id))
            async with refused("resource_missing", 404, "id"):
                await bench.refunds.find(foreign, refund.id)

    run(scenario)


def test_what_is_held_and_not_captured_is_for_canceling(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        paid = await bench.pay(captured=False)
        for params in (RefundParams(charge=paid.charge_id), RefundParams(payment_intent=paid.intent_id)):
            async with refused("charge_not_refundable", 400, "charge"):
                await bench.refunds.create(call(), params)

    run(scenario)


def test_the_metadata_of_a_refund_can_be_changed(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        refund = await bench.refund(await bench.pay(), metadata={"a": "1", "b": "2"})
        here = call(refund=refund.id)
        effect = await bench.answered(
            await bench.refunds.update(here, RefundUpdateParams(metadata={"a": "", "c": "3"}))
        )
        assert getattr(effect.result, "metadata", None) == {"b": "2", "c": "3"}
        assert bench.told()[-1] == "refund.updated"
        unchanged = await bench.refunds.update(here, RefundUpdateParams())
        assert unchanged.unit.changes == []

    run(scenario)


def test_only_a_refund_that_waits_for_the_customer_can_be_canceled(run: Callable[[Scenario], None]) -> None:
    async def scenario(bench: Bench) -> None:
        refund = await bench.refund(await bench.pay(), 1)
        async with refused(None, 400, "id"):
            await bench.refunds.cancel(call(refund=refund.id), RefundUpdateParams())

    run(scenario)
