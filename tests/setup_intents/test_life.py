"""Whatever happens to a setup, in whatever order: what must hold after every step of it."""

import asyncio
from contextlib import suppress
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.kit.errors import RequestError
from bursar.setup_intents.schemas import SetupIntent, SetupStatus
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.setup_intents.harness import APPROVED, CHALLENGE, NOT_SENT, UNKNOWN, Bench, bench, declined

ANSWERS = (APPROVED, CHALLENGE, NOT_SENT, UNKNOWN, declined("do_not_honor"))
AFTER_THE_PAGE = (APPROVED, UNKNOWN, declined("three_ds_failed"), declined("insufficient_funds"))
FINAL = ("succeeded", "canceled")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("confirm"), st.sampled_from(ANSWERS)),
        st.tuples(st.just("click"), st.sampled_from(AFTER_THE_PAGE)),
        st.tuples(st.just("resolve"), st.sampled_from(AFTER_THE_PAGE)),
        st.tuples(st.sampled_from(("cancel", "card", "same card", "no card", "describe")), st.none()),
    ),
    max_size=12,
)


@given(steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_setup_never_contradicts_itself(steps: list[Any]) -> None:
    async def play(tools: Bench) -> None:
        setup = await tools.create(payment_method="pm_card_visa", customer=await tools.customer())
        pages: list[SetupIntent] = []
        for name, answer in steps:
            before = tools.stored(setup.id).setup
            await take(tools, setup.id, name, answer, pages)
            tools.bank.answers.clear()
            after = check(tools, setup.id)
            if before.status in FINAL:
                assert after.status == before.status
            if after.next_action is not None and after.next_action != before.next_action:
                pages.append(after)

    with bench(Database("memory", MEMORY_URL), pending_seconds_max=0) as tools:
        asyncio.run(play(tools))


async def take(tools: Bench, setup_id: str, name: str, answer: Any, pages: list[SetupIntent]) -> None:
    """One step, as far as it is allowed."""
    with suppress(RequestError):
        if name == "confirm":
            await tools.confirm(setup_id, answer)
        elif name == "click" and pages:
            # The page that was opened last; now and then it belongs to a try that is over.
            await tools.click(pages[-1], answer)
        elif name == "resolve":
            await tools.resolve(*[answer] * 3)
        elif name == "cancel":
            await tools.cancel(setup_id)
        elif name == "card":
            await tools.update(setup_id, payment_method="pm_card_mastercard")
        elif name == "same card":
            await tools.update(setup_id, payment_method=tools.stored(setup_id).setup.payment_method or "")
        elif name == "no card":
            await tools.update(setup_id, payment_method="")
        elif name == "describe":
            await tools.update(setup_id, description="changed", metadata={"k": str(len(pages))})


def check(tools: Bench, setup_id: str) -> SetupIntent:
    stored = tools.stored(setup_id)
    setup, told = stored.setup, tools.told(setup_id)
    assert setup.status in get_args(SetupStatus)
    assert (setup.status == "processing") == (stored.attempt_id is not None)
    assert (setup.status == "requires_action") == (stored.authentication_id is not None)
    assert (setup.status == "requires_action") == (setup.next_action is not None)
    assert setup.status in ("requires_payment_method", "canceled") or setup.payment_method is not None
    assert setup.status != "requires_payment_method" or setup.payment_method is None
    assert told.count("setup_intent.succeeded") == (setup.status == "succeeded")
    assert told.count("setup_intent.canceled") == (setup.status == "canceled")
    if setup.payment_method is not None:
        assert tools.agreed(setup.payment_method) == (setup.status == "succeeded")
    return setup
