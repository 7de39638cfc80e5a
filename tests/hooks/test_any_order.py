"""Messages tripled, shuffled and late lead to the same end as those that come once and in order."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bursar.refunds.schemas import RefundParams
from piggybank.requests import Acceptance, Evidence, Refused
from tests.databases import Database, sqlite_database
from tests.piggybank.harness import MERCHANT, VISA, House
from tests.refunds.harness import (
    DISPUTED,
    DISPUTED_TWICE,
    FAILING_REFUND,
    INQUIRED,
    PENDING_REFUND,
    WARNED,
    Bench,
    Message,
    Paid,
    call,
    sqlite_copy,
)
from tests.store.harness import opened

PAYMENTS = 150
MESSAGES_MIN = 300
CARDS = (VISA, PENDING_REFUND, FAILING_REFUND, DISPUTED, INQUIRED, DISPUTED_TWICE, WARNED)
WORDS = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "what decides nothing", "accept", "")


async def live(bench: Bench, chance: random.Random) -> list[Paid]:
    """What merchants, cardholders and the bank do, while none of the bank's messages gets through."""
    payments = []
    for number in range(PAYMENTS):
        card = CARDS[number % len(CARDS)]
        paid = await bench.pay(card, captured=chance.random() > 0.1 or card != VISA)
        payments.append(paid)
        if card in (PENDING_REFUND, FAILING_REFUND) or chance.random() < 0.2:
            for _ in range(chance.randint(1, 3)):
                await _refund(bench, paid, chance.randint(1, 500))
    for _ in range(3):
        bench.pass_time(2)
        for message in bench.house.told():
            dispute = message["data"].get("dispute")
            if dispute is not None and chance.random() < 0.8:
                _answer(bench, dispute["id"], chance.choice(WORDS))
        bench.pass_time(2)
    bench.pass_time(8 * 86_400)  # authorisations end by then, and the time to answer disputes too
    return payments


async def _refund(bench: Bench, paid: Paid, amount: int) -> None:
    left = bench.charge(paid).left_minor
    if left:
        await bench.answered(
            await bench.refunds.create(call(), RefundParams(charge=paid.charge_id, amount=min(left, amount)))
        )


def _answer(bench: Bench, dispute_id: str, word: str) -> None:
    try:
        if word == "accept":
            bench.house.disputes.accept(dispute_id, Acceptance(merchant=MERCHANT))
        elif word:
            bench.house.disputes.submit_evidence(dispute_id, Evidence(merchant=MERCHANT, text=word))
    except Refused:
        return  # it is decided already


def end_state(bench: Bench, payments: list[Paid]) -> dict[str, Any]:
    """All that merchants and the books see, but for ids and times of what the messages made."""
    state: dict[str, Any] = {"available": bench.available(), "refunds": {}, "disputes": {}, "charges": {}}
    for refund in bench.all_refunds():
        state["refunds"][refund.id] = (refund.status, refund.failure_reason, refund.amount)
    for dispute in bench.all_disputes():
        moved = [(one.amount, one.fee) for one in dispute.balance_transactions]
        shown = (dispute.amount, dispute.status, dispute.reason, moved)
        state["disputes"].setdefault(dispute.charge, []).append(shown)
        state["disputes"][dispute.charge].sort()
    for paid in payments:
        charge, intent = bench.charge(paid), bench.intent(paid)
        state["charges"][paid.charge_id] = (
            charge.charge.amount_refunded, charge.charge.refunded, charge.charge.disputed,
            charge.refunded_minor, charge.disputed_minor, intent.status, intent.cancellation_reason,
        )  # fmt: skip
        assert charge.refunded_minor + charge.disputed_minor <= charge.charge.amount_captured, "L6"
    return state


@pytest.mark.parametrize("seed", range(3))
def test_tripled_shuffled_and_late_messages_lead_to_the_same_end(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same accidents each time
    house = House(tmp_path / "house")
    first = sqlite_database(tmp_path)
    with opened(first) as store:
        bench = Bench(store, house)
        payments = asyncio.run(live(bench, chance))
        messages = bench.news()
    second = sqlite_copy(tmp_path / "bursar.db", tmp_path / "second.db")
    in_order = _delivered(first, house, messages, payments)
    shuffled = messages * 3
    chance.shuffle(shuffled)
    assert len(shuffled) >= MESSAGES_MIN
    assert _delivered(second, house, shuffled, payments, late_seconds=3600) == in_order
    house.close()


def _delivered(
    database: Database, house: House, messages: list[Message], payments: list[Paid], late_seconds: int = 0
) -> dict[str, Any]:
    with opened(database) as store:
        bench = Bench(store, house)
        bench.clock.advance(late_seconds)
        asyncio.run(bench.deliver_until_taken(messages))
        assert bench.findings() == []
        assert [state for _, state in bench.inbox()].count("unmatched") == 0
        assert len(bench.inbox()) == len({body for _, body in messages})
        return end_state(bench, payments)
