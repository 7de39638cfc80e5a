"""Who may settle an attempt: on every database, whoever holds its fence and nobody else."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from bursar.attempts import repository, rules
from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import Outcome
from bursar.store.errors import RowsExpected
from bursar.store.unit import Change, Unit
from tests.attempts.harness import ORG, Attempts
from tests.databases import Database, on
from tests.payments.bank import fee_of
from tests.payments.objects import approved
from tests.vault.harness import opened

pytestmark = pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb"), indirect=True)
CLAIMS = 20


@pytest.fixture
def bench(database: Database) -> Iterator[Attempts]:
    with opened(database, writers=1 if database.kind == "sqlite" else 2) as store:
        yield Attempts(store)


async def change(bench: Attempts, one: Change) -> bool:
    """Whether it was the one who could."""
    try:
        await bench.store.commit(Unit([one]))
    except RowsExpected:
        return False
    return True


def claimed(attempt: Attempt, until: int) -> Attempt:
    return msgspec.structs.replace(attempt, fence=attempt.fence + 1, next_look=until)


def test_an_attempt_is_read_as_it_was_written(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare(capture=False, notes={"return_url": "https://example.com/ü"})
        assert await bench.found(made) == made
        assert made.order.idempotency_key == "key" and made.order.address == "192.0.2.7"

    asyncio.run(scenario())


def test_of_many_who_claim_an_attempt_at_once_one_gets_it(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        claims = [repository.claiming(made, bench.clock.now_microseconds() + number) for number in range(CLAIMS)]
        won = await asyncio.gather(*(change(bench, claim) for claim in claims))
        assert sum(won) == 1
        assert (await bench.found(made)).fence == 2

    asyncio.run(scenario())


def test_whoever_was_taken_over_can_neither_settle_nor_postpone(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        until = rules.leased_until(bench.clock.now_microseconds(), rules.RESOLVER_LEASE_SECONDS)
        assert await change(bench, repository.claiming(made, until))
        assert not await change(bench, repository.settling(made, approved()))
        assert not await change(bench, repository.postponing(made, "unknown", until))
        assert not await change(bench, repository.claiming(made, until))
        taken = claimed(made, until)
        assert await change(bench, repository.settling(taken, approved(fee_minor=fee_of(2000))))
        stored = await bench.found(made)
        assert (stored.state, stored.next_look, stored.bank_reference) == ("succeeded", None, "ba_1")
        assert stored.outcome == approved(fee_minor=fee_of(2000))

    asyncio.run(scenario())


def test_an_attempt_ends_once(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        ends = [approved(), Outcome(kind="declined"), Outcome(kind="not_sent")]
        ended = await asyncio.gather(*(change(bench, repository.settling(made, end)) for end in ends))
        assert sum(ended) == 1
        assert not await change(bench, repository.settling(made, approved()))
        assert not await change(bench, repository.claiming(await bench.found(made), 1))

    asyncio.run(scenario())


def test_what_is_postponed_is_tried_once_more_and_due_at_its_time(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        await bench.conclude(made, Outcome(kind="unknown"))
        stored = await bench.found(made)
        assert (stored.state, stored.tries, stored.is_open) == ("unknown", 1, True)
        assert stored.next_look is not None

        def due(at: int) -> list[str]:
            found = bench.store.read_blocking(lambda connection: repository.find_due(connection, at, 10))
            return [one.id for one in found]

        assert due(stored.next_look - 1) == []
        assert due(stored.next_look) == [made.id]

    asyncio.run(scenario())


def test_those_who_watch_see_what_is_open_and_nothing_else(bench: Attempts) -> None:
    async def scenario() -> None:
        waiting, lost, done = [await bench.prepare() for _ in range(3)]
        await bench.conclude(lost, Outcome(kind="unknown"))
        await bench.conclude(done, approved())
        found = bench.store.read_blocking(lambda connection: repository.find_open(connection, ORG))
        assert {one.id: one.state for one in found} == {waiting.id: "prepared", lost.id: "unknown"}
        assert repository.states(found) == {"prepared": 1, "unknown": 1}
        others = bench.store.read_blocking(lambda connection: repository.find_open(connection, "acct_other"))
        assert others == []

    asyncio.run(scenario())


def test_a_later_word_of_the_bank_ends_what_was_pending_once(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare("refund", bank_reference="ba_1")
        await bench.conclude(made, Outcome(kind="pending"))
        pending = await bench.found(made)
        # It is asked about, should the bank never tell.
        assert pending.state == "pending" and pending.next_look is not None and not pending.is_open
        told = [repository.concluding(pending, "succeeded"), repository.concluding(pending, "failed")]
        assert sum(await asyncio.gather(*(change(bench, one) for one in told))) == 1
        assert (await bench.found(made)).next_look is None

    asyncio.run(scenario())
