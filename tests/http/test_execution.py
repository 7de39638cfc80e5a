"""A write is carried out once: with its key, without it, when it asks somebody outside, and when it dies in between."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from bursar.events.tables import events
from bursar.http import execution, idempotency
from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.execution import REPEATS_MAX, Execution
from bursar.http.expand import Expansion
from bursar.http.idempotency import CLAIMED, idempotency_keys
from bursar.http.params import Params
from bursar.http.responses import Answer
from bursar.kit.clock import ManualClock
from bursar.kit.errors import CardError, Conflict, IdempotencyMismatch, InvalidRequest, RequestError
from bursar.store.errors import RowsExpected, StoreUnavailable
from bursar.store.log import Entry
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from tests.databases import Database, on
from tests.vault.harness import opened

pytestmark = pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb"), indirect=True)
ORG = "acct_execution"
PATH = "/v1/things"
ANSWER_SECONDS_MAX = 20.0


class Thing(msgspec.Struct):
    id: str
    secret: str = "for the merchant only"
    object: str = "thing"
    part: str | None = None


class ThingParams(Params):
    name: str = "a"


class Died(BaseException):
    """The process ends here."""


@dataclass
class Outside:
    """Somebody who is asked, such as a bank. What it has done stays done when whoever asked it dies."""

    asked: list[str] = field(default_factory=list)
    dies: int = 0
    error: RequestError | None = None
    waits: asyncio.Event | None = None
    ends: dict[str, Effect] = field(default_factory=dict)

    async def ask(self, attempt_id: str) -> Effect:
        self.asked.append(attempt_id)
        if self.waits is not None:
            await self.waits.wait()
        if self.dies:
            self.dies -= 1
            raise Died
        return Effect(Thing(attempt_id), Unit([], [told("thing.ended", attempt_id)]), error=self.error)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return self.ends.get(attempt_id)


@dataclass
class Bench:
    store: Store
    clock: ManualClock
    execution: Execution
    outside: Outside

    def again(self) -> "Bench":
        """Another process, or this one after a crash."""
        return Bench(self.store, self.clock, Execution(self.store, self.clock, None, b"key"), self.outside)

    async def post(
        self,
        handler: Callable[[Call, ThingParams], Awaitable[Any]],
        key: str | None = "k",
        *,
        name: str = "a",
        kind: str = "secret",
        expand: list[str] | None = None,
    ) -> Answer:
        endpoint = Endpoint(
            "POST",
            PATH,
            handler,
            "Make a thing",
            "customers.write",
            Thing,
            ThingParams,
            expandable={"part": Expansion()},
            publishable=True,
            public_view=lambda thing: {"id": thing["id"]},
            resume=self.outside.resume,
        )
        call = Call(Principal(ORG, 0, "key_1", kind), "req_1", None, key)
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            return await self.execution.once(endpoint, call, ThingParams(name=name, expand=expand or []), PATH)

    async def staged(self, call: Call, params: ThingParams) -> Staged:
        unit = Unit([], [told("thing.begun", params.name)])
        return Staged(unit, params.name, lambda: self.outside.ask(params.name))

    def log(self) -> list[str]:
        query = select(events.c.event_type).where(events.c.org_id == ORG).order_by(events.c.id)
        return self.store.read_blocking(lambda connection: list(connection.execute(query).scalars()))

    def kept(self) -> dict[str, tuple[int, str]]:
        query = select(idempotency_keys).where(idempotency_keys.c.org_id == ORG)
        rows = self.store.read_blocking(lambda connection: connection.execute(query).all())
        return {row.idempotency_key: (row.status, row.body) for row in rows}


@pytest.fixture
def bench(database: Database) -> Iterator[Bench]:
    with opened(database) as store:
        clock = ManualClock()
        yield Bench(store, clock, Execution(store, clock, None, b"key"), Outside())


def told(event_type: str, object_id: str) -> Entry:
    return Entry(ORG, 0, event_type, object_id, b"{}")


async def plain(call: Call, params: ThingParams) -> Effect:
    return Effect(Thing(params.name), Unit([], [told("thing.made", params.name)]))


def header(answer: Answer, name: str) -> str | None:
    return dict(answer.headers).get(name.encode(), b"").decode() or None


def test_an_effect_and_its_answer_are_kept_together_and_given_again(bench: Bench) -> None:
    async def scenario() -> None:
        first = await bench.post(plain)
        second = await bench.again().post(plain)
        assert (second.status, second.body) == (first.status, first.body)
        assert header(first, "idempotent-replayed") is None
        assert (header(second, "idempotent-replayed"), header(second, "original-request")) == ("true", "req_1")
        assert bench.log() == ["thing.made"]

    asyncio.run(scenario())


def test_without_a_key_each_request_is_a_new_one(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.post(plain, None)
        await bench.post(plain, None)
        assert bench.log() == ["thing.made", "thing.made"]
        assert bench.kept() == {}

    asyncio.run(scenario())


def test_a_key_belongs_to_its_parameters(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.post(plain)
        with pytest.raises(IdempotencyMismatch):
            await bench.post(plain, name="b")
        assert bench.log() == ["thing.made"]

    asyncio.run(scenario())


def test_what_was_refused_is_not_kept_and_may_be_asked_again(bench: Bench) -> None:
    async def scenario() -> None:
        async def refusing(call: Call, params: ThingParams) -> Effect:
            raise InvalidRequest("no")

        with pytest.raises(InvalidRequest):
            await bench.post(refusing)
        assert bench.kept() == {}
        assert (await bench.post(plain)).status == 200

    asyncio.run(scenario())


def test_a_decline_is_something_that_happened(bench: Bench) -> None:
    """Its effect is kept, its answer is an error, and the error is given again."""

    async def scenario() -> None:
        async def declined(call: Call, params: ThingParams) -> Effect:
            effect = await plain(call, params)
            effect.error = CardError("declined", code="card_declined", extras={"payment_intent": Thing("a")})
            return effect

        first = await bench.post(declined)
        second = await bench.again().post(declined)
        assert first.status == second.status == 402
        assert first.body == second.body
        assert json.loads(first.body)["error"]["payment_intent"]["secret"]
        assert (header(second, "idempotent-replayed"), header(second, "stripe-should-retry")) == ("true", "false")
        assert bench.log() == ["thing.made"]

    asyncio.run(scenario())


def test_somebody_outside_is_asked_after_the_first_commit_and_once(bench: Bench) -> None:
    async def scenario() -> None:
        seen: list[tuple[list[str], dict[str, tuple[int, str]]]] = []
        ask = bench.outside.ask

        async def looking(attempt_id: str) -> Effect:
            seen.append((bench.log(), bench.kept()))
            return await ask(attempt_id)

        bench.outside.ask = looking  # type: ignore[method-assign]
        first = await bench.post(bench.staged)
        assert seen == [(["thing.begun"], {"k": (CLAIMED, "a")})]
        second = await bench.again().post(bench.staged)
        assert second.body == first.body
        assert bench.kept() == {"k": (200, first.body.decode())}
        assert bench.outside.asked == ["a"]
        assert bench.log() == ["thing.begun", "thing.ended"]

    asyncio.run(scenario())


def test_a_staged_decline_is_given_again_too(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.error = CardError("declined", code="card_declined")
        first = await bench.post(bench.staged)
        second = await bench.again().post(bench.staged)
        assert (first.status, first.body) == (second.status, second.body)
        assert first.status == 402
        assert bench.outside.asked == ["a"]

    asyncio.run(scenario())


def test_after_a_crash_the_same_request_gets_the_end_and_asks_nobody_again(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.dies = 1
        with pytest.raises(Died):
            await bench.post(bench.staged)
        assert bench.kept() == {"k": (CLAIMED, "a")}
        after = bench.again()
        waiting = asyncio.create_task(after.post(after.staged))
        await asyncio.sleep(0)
        bench.outside.ends["a"] = Effect(Thing("a", secret="as it ended"), Unit())
        answer = await waiting
        assert json.loads(answer.body)["secret"] == "as it ended"
        again = await bench.again().post(bench.staged)
        assert (again.body, header(again, "idempotent-replayed")) == (answer.body, "true")
        assert bench.outside.asked == ["a"]

    asyncio.run(scenario())


def test_after_a_crash_an_end_that_was_an_error_is_told_as_one(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.dies = 1
        with pytest.raises(Died):
            await bench.post(bench.staged)
        error = CardError("declined", code="card_declined")
        bench.outside.ends["a"] = Effect(Thing("a"), Unit(), error=error)
        answers = [await bench.again().post(bench.staged) for _ in range(2)]
        assert [one.status for one in answers] == [402, 402]
        assert answers[0].body == answers[1].body

    asyncio.run(scenario())


def test_as_long_as_there_is_no_end_nobody_is_told_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(execution, "RESUME_SECONDS_MAX", 0.2)
        bench.outside.dies = 1
        with pytest.raises(Died):
            await bench.post(bench.staged)
        with pytest.raises(Conflict) as caught:
            await bench.again().post(bench.staged)
        assert caught.value.code == "idempotency_key_in_use"
        assert bench.kept() == {"k": (CLAIMED, "a")}

    asyncio.run(scenario())


def test_other_parameters_do_not_get_the_end_of_a_claimed_key(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.dies = 1
        with pytest.raises(Died):
            await bench.post(bench.staged)
        with pytest.raises(IdempotencyMismatch):
            await bench.again().post(bench.staged, name="b")
        assert bench.outside.asked == ["a"]

    asyncio.run(scenario())


def test_the_same_key_twice_at_once_is_refused_here_and_waits_elsewhere(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.waits = asyncio.Event()
        first = asyncio.create_task(bench.post(bench.staged))
        while not bench.outside.asked:  # noqa: ASYNC110 - the event is the database's
            await asyncio.sleep(0.001)
        with pytest.raises(Conflict) as caught:
            await bench.post(bench.staged)
        assert caught.value.code == "idempotency_key_in_use"
        elsewhere = asyncio.create_task(bench.again().post(bench.staged))
        await asyncio.sleep(0.01)
        bench.outside.waits.set()
        assert (await first).body == (await elsewhere).body
        assert bench.outside.asked == ["a"]

    asyncio.run(scenario())


def test_who_was_overtaken_gives_the_answer_that_the_other_kept(bench: Bench) -> None:
    async def scenario() -> None:
        bench.outside.waits = asyncio.Event()
        slow = asyncio.create_task(bench.post(bench.staged))
        while not bench.outside.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        bench.outside.ends["a"] = Effect(Thing("a", secret="settled by another"), Unit())
        elsewhere = await bench.again().post(bench.staged)
        bench.outside.waits.set()
        assert (await slow).body == elsewhere.body
        # What the overtaken one would have written is not there.
        assert bench.log() == ["thing.begun"]

    asyncio.run(scenario())


def test_a_change_that_lost_a_race_is_made_again_and_not_for_ever(bench: Bench) -> None:
    async def scenario() -> None:
        nothing = Change(idempotency.COMPLETE, {"o": ORG, "m": 0, "k": "x", "new_status": 1, "new_body": ""}, 1)
        calls = 0

        async def losing(call: Call, params: ThingParams) -> Effect:
            nonlocal calls
            calls += 1
            effect = await plain(call, params)
            effect.unit.changes += [nothing] * (calls <= losses)
            return effect

        losses = REPEATS_MAX - 1
        assert (await bench.post(losing)).status == 200
        assert (calls, bench.log()) == (REPEATS_MAX, ["thing.made"])
        calls, losses = 0, REPEATS_MAX
        with pytest.raises(RowsExpected):
            await bench.post(losing, "other")
        assert calls == REPEATS_MAX

    asyncio.run(scenario())


def test_a_race_lost_before_the_first_commit_begins_anew_and_asks_once(bench: Bench) -> None:
    async def scenario() -> None:
        nothing = Change(idempotency.COMPLETE, {"o": ORG, "m": 0, "k": "x", "new_status": 1, "new_body": ""}, 1)
        calls = 0

        async def losing_once(call: Call, params: ThingParams) -> Staged:
            nonlocal calls
            calls += 1
            staged = await bench.staged(call, params)
            staged.unit.changes += [nothing] * (calls == 1)
            return staged

        assert (await bench.post(losing_once)).status == 200
        assert (calls, bench.outside.asked) == (2, ["a"])

    asyncio.run(scenario())


def test_nobody_is_asked_when_the_first_commit_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async def failing(unit: Unit) -> None:
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(bench.store, "commit", failing)
        with pytest.raises(StoreUnavailable):
            await bench.post(bench.staged)
        assert bench.outside.asked == []

    asyncio.run(scenario())


@pytest.mark.parametrize("wish", ["other", "part.other", "a.b.c.d.e", ""])
def test_what_cannot_be_expanded_is_said_before_anybody_is_asked(bench: Bench, wish: str) -> None:
    async def scenario() -> None:
        with pytest.raises(InvalidRequest) as caught:
            await bench.post(bench.staged, expand=[wish])
        assert caught.value.param == "expand"
        assert (bench.outside.asked, bench.kept(), bench.log()) == ([], {}, [])
        assert (await bench.post(bench.staged, expand=["part"])).status == 200

    asyncio.run(scenario())


def test_a_publishable_key_sees_the_reduced_view_in_answers_and_errors(bench: Bench) -> None:
    async def scenario() -> None:
        shown = await bench.post(plain, kind="publishable")
        assert json.loads(shown.body) == {"id": "a"}

        async def declined(call: Call, params: ThingParams) -> Effect:
            effect = await plain(call, params)
            effect.error = CardError("declined", extras={"payment_intent": Thing("a"), "charge": "ch_1"})
            return effect

        error = json.loads((await bench.post(declined, "other", kind="publishable")).body)["error"]
        assert (error["payment_intent"], error["charge"]) == ({"id": "a"}, "ch_1")

        async def refusing(call: Call, params: ThingParams) -> Effect:
            raise InvalidRequest("not now", extras={"payment_intent": Thing("a")})

        with pytest.raises(InvalidRequest) as caught:
            await bench.post(refusing, "third", kind="publishable")
        assert caught.value.extras == {"payment_intent": {"id": "a"}}
        with pytest.raises(InvalidRequest) as caught:
            await bench.post(refusing, "third")
        assert caught.value.extras["payment_intent"].secret

    asyncio.run(scenario())
