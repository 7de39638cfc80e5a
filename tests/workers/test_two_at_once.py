"""A process that slept past its lease does what another does already: once is what comes of it."""

import asyncio

import pytest

from bursar.connectors.contract import Void
from tests.databases import Database, on
from tests.payment_sessions.platform import town_on
from tests.payments.harness import run

EACH = 4
NINE_DAYS_SECONDS = 9 * 86_400


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_two_that_look_at_the_same_moment_end_each_session_and_release_each_payment_once(database: Database) -> None:
    with town_on(database) as town:
        first, second = town.platform, town.another_process()
        traces = [run(first.open(town.payee)) for _ in range(EACH)]
        intents = [run(first.authorised()) for _ in range(EACH)]
        town.clock.advance(NINE_DAYS_SECONDS)

        async def both() -> None:
            await asyncio.gather(first.ends.end_due(), second.ends.end_due(), first.expire(), second.expire())

        run(both())
        assert [run(first.look_at(trace))["status"] for trace in traces] == ["expired"] * EACH
        assert [first.intent(intent)["status"] for intent in intents] == ["canceled"] * EACH
        assert sum(isinstance(order, Void) for order in town.bank.calls) == EACH
        for intent in intents:
            assert first.told(intent).count("payment_intent.canceled") == 1
            assert first.told(first.intent(intent)["latest_charge"]).count("charge.expired") == 1
        assert [run(one.ends.end_due()) + run(one.expire()) for one in (first, second)] == [0, 0]
