"""The way to the bank and back: what is sent, what is sent again, and what is never taken for something else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bursar.attempts import commands
from bursar.connectors.contract import Authorize, Capture, Card, Complete, Increment, Inquire, Refund, Void
from tests.attempts.harness import ORG, Attempts
from tests.databases import Database, on
from tests.payments.bank import Accident
from tests.vault.harness import opened

pytestmark = pytest.mark.parametrize("database", on("sqlite"), indirect=True)
CARD = Card(number="4242424242424242", exp_month=12, exp_year=2034, cvc="737", name="Ada", postal_code="50667")


@pytest.fixture
def bench(database: Database) -> Iterator[Attempts]:
    with opened(database) as store:
        yield Attempts(store)


def test_an_authorisation_carries_all_that_was_asked_for(bench: Attempts) -> None:
    async def scenario() -> None:
        wanted: dict[str, Any] = {
            "capture": False,
            "off_session": True,
            "authentication": "any",
            "save_for_later": True,
            "agreed_before": True,
            "partial_captures": True,
            "descriptor": "BOOKS",
        }
        made = await bench.prepare(**wanted)
        await bench.commands.carry_out(made, CARD)
        (order,) = bench.bank.calls
        assert isinstance(order, Authorize)
        assert (order.operation_id, order.amount_minor, order.currency, order.method) == (made.id, 2000, "usd", CARD)
        assert {name: getattr(order, name) for name in wanted} == wanted
        assert order.account.merchant == f"{ORG}:test"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kind", "order_type", "member", "value"),
    [
        ("complete", Complete, "authentication", "failed"),
        ("capture", Capture, "final", False),
        ("increment", Increment, "amount_minor", 2000),
        ("refund", Refund, "amount_minor", 2000),
        ("void", Void, "reverses", None),
    ],
)
def test_what_follows_names_the_authorisation(
    bench: Attempts, kind: str, order_type: type, member: str, value: object
) -> None:
    async def scenario() -> None:
        made = await bench.prepare(kind, bank_reference="ba_1", authenticated=False, final=False)  # type: ignore[arg-type]
        await bench.commands.carry_out(made, None)
        (order,) = bench.bank.calls
        assert type(order) is order_type
        assert (order.operation_id, order.bank_reference) == (made.id, "ba_1")  # type: ignore[union-attr]
        assert getattr(order, member) == value

    asyncio.run(scenario())


def test_an_order_that_was_not_sent_is_sent_again_and_may_then_fail(
    bench: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(commands, "NOT_SENT_WAITS_SECONDS", (0, 0))
        bench.bank.script("not_sent", "not_sent", "none")
        assert (await bench.commands.carry_out(await bench.prepare(), CARD)).kind == "succeeded"
        bench.bank.script("not_sent", "not_sent", "not_sent")
        assert (await bench.commands.carry_out(await bench.prepare(), CARD)).kind == "not_sent"
        assert not [one for one in bench.bank.calls if isinstance(one, Inquire)]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("accidents", "kind", "calls"),
    [
        (("lost_answer",), "succeeded", [Authorize, Inquire]),
        (("lost_order",), "succeeded", [Authorize, Inquire, Authorize]),
        (("lost_answer", "not_sent"), "unknown", [Authorize, Inquire]),
        (("lost_answer", "lost_answer"), "succeeded", [Authorize, Inquire, Inquire]),
        (("lost_answer", "lost_answer", "lost_answer"), "unknown", [Authorize, Inquire, Inquire]),
        (("lost_order", "none", "not_sent"), "unknown", [Authorize, Inquire, Authorize]),
        (("lost_order", "none", "lost_answer"), "unknown", [Authorize, Inquire, Authorize]),
        (("not_sent",), "not_sent", [Authorize]),
    ],
)
def test_only_what_surely_did_not_happen_may_fail(
    bench: Attempts, accidents: tuple[Accident, ...], kind: str, calls: list[type]
) -> None:
    """Once an order may have arrived, that a later call was not sent says nothing."""

    async def scenario() -> None:
        bench.bank.script(*accidents)
        outcome = await bench.commands.carry_out(await bench.prepare(), CARD)
        assert outcome.kind == kind
        assert [type(one) for one in bench.bank.calls] == calls

    asyncio.run(scenario())


def test_the_code_of_a_card_goes_with_its_own_request_only(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare(exp_month=12, exp_year=2034, name="Ada")
        bench.bank.script("lost_order")
        await bench.commands.carry_out(made, CARD)
        await bench.commands.find_out(await bench.prepare(exp_month=12, exp_year=2034, name="Ada"))
        first, again, resolved = [one.method for one in bench.bank.calls if isinstance(one, Authorize)]
        assert first == again == CARD
        assert isinstance(resolved, Card)
        assert (resolved.number, resolved.name, resolved.cvc) == (CARD.number, "Ada", None)

    asyncio.run(scenario())


def test_an_inquiry_changes_nothing(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        assert (await bench.commands.inquire(made)).kind == "absent"
        await bench.commands.carry_out(made, CARD)
        before = list(bench.bank.journal)
        assert (await bench.commands.inquire(made)).kind == "succeeded"
        bench.bank.is_down = True
        assert (await bench.commands.inquire(made)).kind == "unknown"
        assert bench.bank.journal == before

    asyncio.run(scenario())


def test_a_reversal_counts_only_when_the_bank_has_acknowledged_it(bench: Attempts) -> None:
    async def scenario() -> None:
        made = await bench.prepare()
        for accident in ("not_sent", "lost_order", "lost_answer"):
            bench.bank.script(accident)
            assert (await bench.commands.reverse(made)).kind == "unknown"
        outcome = await bench.commands.reverse(made)
        assert (outcome.kind, outcome.reversed) == ("declined", True)

    asyncio.run(scenario())
