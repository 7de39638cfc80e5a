"""What nobody finished is driven to its end, by one process at a time, and never by guessing."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from bursar.attempts import repository, rules
from bursar.connectors.contract import Card, Inquire, Outcome, Void
from bursar.kit.errors import BursarError
from bursar.store.errors import RowsExpected
from bursar.store.unit import Unit
from tests.attempts.harness import Attempts, call
from tests.databases import Database, on
from tests.payments.bank import CHALLENGED, DECLINED
from tests.vault.harness import opened

MINUTES = 60
ONE_KIND = pytest.mark.parametrize("database", on("sqlite"), indirect=True)
SERVERS_TOO = pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb"), indirect=True)


@pytest.fixture
def bench(database: Database) -> Iterator[Attempts]:
    with opened(database, writers=1 if database.kind == "sqlite" else 2) as store:
        yield Attempts(store)


def kinds(bench: Attempts) -> list[str]:
    """What the bank was asked, in order."""
    return ["reverse" if isinstance(one, Void) and one.reverses else type(one).__name__ for one in bench.bank.calls]


@SERVERS_TOO
def test_a_lost_answer_is_asked_for_and_told_to_whom_it_concerns(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("lost_answer", "not_sent")
        assert (await bench.commands.carry_out(made, _card(bench))).kind == "unknown"
        assert await bench.later(1) == 0, "its holder may still be at it"
        assert await bench.later(9) == 1
        assert kinds(bench) == ["Authorize", "Inquire", "Inquire"]
        assert [outcome.kind for _, outcome in bench.subject.settled] == ["succeeded"]
        assert (await bench.found(made)).state == "succeeded"
        assert bench.open() == []

    asyncio.run(scenario())


@ONE_KIND
@pytest.mark.parametrize(("number", "state"), [(DECLINED, "declined"), (CHALLENGED, "succeeded")])
def test_what_the_bank_never_got_is_sent_again_under_its_reference(bench: Attempts, number: str, state: str) -> None:
    async def scenario() -> None:
        bench.cards["pm_1"] = number
        made = await bench.prepare()
        await bench.later(10)
        assert kinds(bench) == ["Inquire", "Authorize"]
        assert {one.operation_id for one in bench.bank.calls} == {made.id}
        assert (await bench.found(made)).state == state

    asyncio.run(scenario())


@ONE_KIND
def test_an_order_that_arrives_late_after_all_counts_once(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("delayed", "lost_order")
        await bench.commands.carry_out(made, _card(bench))
        await bench.later(10)
        bench.bank.arrive()
        (authorization,) = bench.bank.authorizations_of([made.id])
        assert authorization.kept_minor == 2000

    asyncio.run(scenario())


@ONE_KIND
def test_while_the_bank_is_away_it_is_asked_again_and_nothing_is_guessed(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.is_down = True
        for tries in range(1, 12):
            assert await bench.later(rules.RESOLVER_LEASE_SECONDS + 1) == 1
            stored = await bench.found(made)
            assert (stored.state, stored.tries) == ("unknown", tries)
        assert bench.subject.settled == []
        bench.bank.is_down = False
        await bench.later(rules.LOOK_SECONDS_MAX)
        assert (await bench.found(made)).state == "succeeded"

    asyncio.run(scenario())


@ONE_KIND
@pytest.mark.parametrize("kind", ["capture", "void", "refund", "increment"])
def test_what_follows_an_authorisation_is_never_reversed_however_old(bench: Attempts, kind: str) -> None:
    async def scenario() -> None:
        paid = await bench.prepare(capture=False)
        outcome = await bench.commands.carry_out(paid, _card(bench))
        await bench.conclude(paid, outcome)
        bank_reference = outcome.bank_reference
        if kind == "refund":
            capture = await bench.prepare("capture", bank_reference=bank_reference)
            await bench.conclude(capture, await bench.commands.carry_out(capture, None))
        amount = 3000 if kind == "increment" else 2000
        made = await bench.prepare(kind, amount, bank_reference=bank_reference)  # type: ignore[arg-type]
        bench.bank.calls.clear()
        await bench.later(60 * MINUTES)
        reversed_ids = [one.reverses for one in bench.bank.calls if isinstance(one, Void)]
        assert made.id not in reversed_ids
        assert (await bench.found(made)).state == "succeeded"

    asyncio.run(scenario())


@SERVERS_TOO
def test_after_a_quarter_of_an_hour_an_authorisation_must_not_stand(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("lost_answer", "not_sent")
        await bench.commands.carry_out(made, _card(bench))
        await bench.later(16 * MINUTES)
        (authorization,) = bench.bank.authorizations_of([made.id])
        assert authorization.is_reversed
        assert [(outcome.kind, outcome.reversed) for _, outcome in bench.subject.settled] == [("declined", True)]
        assert (await bench.found(made)).state == "reversed"

    asyncio.run(scenario())


@ONE_KIND
def test_a_reversal_without_an_answer_is_repeated_until_there_is_one(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("not_sent", "lost_order", "lost_answer")
        bench.clock.advance(16 * MINUTES)
        for _ in range(3):
            await bench.later(rules.LOOK_SECONDS_MAX + 1)
            assert (await bench.found(made)).state == "reversing"
            assert bench.subject.settled == []
        await bench.later(rules.LOOK_SECONDS_MAX + 1)
        assert kinds(bench) == ["reverse"] * 4
        # Each under a reference of its own: a bank answers one that it knows without acting again.
        assert len({one.operation_id for one in bench.bank.calls}) == 4
        assert (await bench.found(made)).state == "reversed"
        assert len(bench.subject.settled) == 1

    asyncio.run(scenario())


@ONE_KIND
def test_what_was_barred_is_declined_when_it_arrives(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("delayed", "not_sent")
        await bench.commands.carry_out(made, _card(bench))
        await bench.later(16 * MINUTES)
        bench.bank.arrive()
        operation = bench.bank.operation(made.id)
        assert operation is not None and operation.outcome.kind == "declined"

    asyncio.run(scenario())


@ONE_KIND
def test_an_approval_that_overtakes_its_reversal_is_reversed_again(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("lost_answer", "not_sent")
        await bench.commands.carry_out(made, _card(bench))
        await bench.later(16 * MINUTES)
        assert bench.bank.approve_late() == 1
        (authorization,) = bench.bank.authorizations_of([made.id])
        assert authorization.kept_minor == 2000
        await bench.later(rules.CHECK_REVERSAL_SECONDS)
        assert (await bench.found(made)).state == "reversing"
        await bench.later(1)
        assert authorization.is_reversed
        assert (await bench.found(made)).next_look is None
        # The subject was told its end, and there is no second one.
        assert len(bench.subject.settled) == 1

    asyncio.run(scenario())


@ONE_KIND
def test_a_reversal_is_checked_until_the_bank_answers_and_then_left_alone(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        await bench.later(16 * MINUTES)
        bench.bank.script("lost_answer", "lost_answer", "not_sent")
        for _ in range(2):
            await bench.later(rules.CHECK_REVERSAL_SECONDS)
            assert (await bench.found(made)).next_look is not None
        await bench.later(rules.CHECK_REVERSAL_SECONDS)
        stored = await bench.found(made)
        assert (stored.state, stored.next_look) == ("reversed", None)
        assert isinstance(bench.bank.calls[-1], Inquire)
        assert await bench.later(60 * MINUTES) == 0

    asyncio.run(scenario())


@ONE_KIND
def test_a_card_that_left_the_vault_is_never_charged(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        bench.cards.clear()
        await bench.later(10)
        assert kinds(bench) == ["Inquire", "reverse"]
        assert (await bench.found(made)).state == "reversed"

    asyncio.run(scenario())


@ONE_KIND
def test_what_an_inquiry_finds_reversed_has_not_succeeded(bench: Attempts) -> None:
    """A reversal was carried out, and whoever asked for it died before that was durable."""

    async def scenario() -> None:
        made = await bench.prepare()
        bench.bank.script("lost_answer", "not_sent")
        await bench.commands.carry_out(made, _card(bench))
        (authorization,) = bench.bank.authorizations_of([made.id])
        authorization.is_reversed = True
        await bench.later(10)
        assert (await bench.found(made)).state == "reversed"
        assert [(outcome.kind, outcome.reversed) for _, outcome in bench.subject.settled] == [("declined", True)]

    asyncio.run(scenario())


@SERVERS_TOO
def test_of_two_resolvers_at_once_one_asks_and_settles(bench: Attempts) -> None:
    async def scenario() -> None:
        made = [await bench.prepare() for _ in range(8)]
        other = bench.again()
        bench.clock.advance(10)
        await asyncio.gather(bench.resolver.resolve_due(), other.resolver.resolve_due())
        settled = [attempt_id for attempt_id, _ in bench.subject.settled + other.subject.settled]
        assert sorted(settled) == [one.id for one in made]
        assert kinds(bench).count("Inquire") == len(made)

    asyncio.run(scenario())


@SERVERS_TOO
def test_whoever_was_paused_beyond_its_lease_is_fenced(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        other = bench.again()
        bench.clock.advance(10)
        bench.bank.script("slow_answer")
        paused = asyncio.create_task(bench.resolver.resolve(made))
        await bench.bank.holds_somebody_up.wait()
        assert await other.later(rules.RESOLVER_LEASE_SECONDS) == 1
        bench.bank.let_go()
        with pytest.raises(RowsExpected):
            await paused
        assert len(other.subject.settled) == 1
        stored = await bench.found(made)
        assert (stored.state, stored.fence) == ("succeeded", 3)

    asyncio.run(scenario())


@ONE_KIND
def test_a_request_that_is_slower_than_its_lease_cannot_settle(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        await bench.later(10)
        with pytest.raises(RowsExpected):
            await bench.conclude(made, Outcome(kind="declined"))
        assert (await bench.found(made)).state == "succeeded"

    asyncio.run(scenario())


@ONE_KIND
def test_a_subject_that_changes_meanwhile_is_settled_from_what_it_is_now(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        stale = repository.settling(made, Outcome(kind="declined"))
        settle = bench.subject.settle

        async def overtaken(attempt: object, outcome: Outcome) -> object:
            effect = await settle(attempt, outcome)  # type: ignore[arg-type]
            if len(bench.subject.settled) < 3:
                effect.unit.changes.append(stale)  # it names a fence that is gone, so nothing of the unit is kept
            return effect

        bench.subject.settle = overtaken  # type: ignore[method-assign, assignment]
        await bench.later(10)
        assert len(bench.subject.settled) == 3
        assert (await bench.found(made)).state == "succeeded"

    asyncio.run(scenario())


@ONE_KIND
@pytest.mark.parametrize("problem", [BursarError("no such connector"), AssertionError("a defect"), KeyError("sub")])
def test_one_that_cannot_be_settled_keeps_no_other_open(
    bench: Attempts, problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        made = [await bench.prepare() for _ in range(3)]
        bench.subject.refusals = [problem]
        with caplog.at_level(logging.ERROR):
            await bench.later(10)
        assert "an attempt cannot be settled" in caplog.text
        states = [(await bench.found(one)).state for one in made]
        assert sorted(states) == ["prepared", "succeeded", "succeeded"]
        await bench.later(rules.RESOLVER_LEASE_SECONDS)
        assert bench.open() == []

    asyncio.run(scenario())


@ONE_KIND
def test_the_resolver_goes_on_after_a_defect(bench: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        looks = 0
        find_due = repository.find_due

        def broken_once(*arguments: object) -> object:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise ValueError("a row that cannot be read")
            return find_due(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(repository, "find_due", broken_once)
        monkeypatch.setattr("bursar.attempts.resolver.POLL_SECONDS", 0.001)
        bench.clock.advance(10)
        running = asyncio.create_task(bench.resolver.run())
        async with asyncio.timeout(10):
            while (await bench.found(made)).is_open:
                assert not running.done()
        running.cancel()

    asyncio.run(scenario())


@ONE_KIND
def test_a_look_takes_a_bounded_number_and_the_longest_overdue_first(bench: Attempts) -> None:
    async def scenario() -> None:
        first = await bench.prepare()
        bench.clock.advance(1)
        changes = []
        for _ in range(300):
            _, change = bench.service.prepare(call(), "authorize", "sub_1", first.order, 2000, "usd")
            changes.append(change)
        await bench.store.commit(Unit(changes))
        bench.clock.advance(10)
        due = bench.store.read_blocking(
            lambda connection: repository.find_due(connection, bench.clock.now_microseconds(), 256)
        )
        assert (len(due), due[0].id) == (256, first.id)

    asyncio.run(scenario())


def _card(bench: Attempts) -> Card:
    return Card(number=bench.cards["pm_1"], exp_month=12, exp_year=2034, cvc="737")
