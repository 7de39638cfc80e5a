"""Payments of a wallet: all their money moves in that wallet's accounts, and the service fee goes to the main one."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bursar.http.call import Effect, Staged
from bursar.ledger.tables import ledger_postings
from bursar.methods.schemas import PaymentMethodData
from bursar.payments.params import CardOptionsParams, IntentParams, MethodOptionsParams
from bursar.payments.rules import service_fee_of_capture
from bursar.payments.tables import charges, payment_intents
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payments.bank import fee_of
from tests.payments.harness import World, run, world_on
from tests.payments.life_books import check_closed_books
from tests.payments.objects import intent
from tests.payments.waiting import URL, attempt_of

WALLET = "wlt_shoes"
FEE = 130


@pytest.fixture
def world() -> Iterator[World]:
    with world_on(Database("memory", MEMORY_URL)) as made:
        yield made
        check_closed_books(made.shop)


async def pay(world: World, **more: Any) -> str:
    wanted: dict[str, Any] = {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
    params = IntentParams(**(wanted | more))
    call = world.shop.call()
    made = await world.shop.payments.create(
        call, params, wallet=WALLET, service_fee_minor=FEE, transaction_id="txn_of_session"
    )
    effect = await committed(world, made)
    assert effect.error is None
    return str(getattr(effect.result, "id"))  # noqa: B009 - of an intent


async def committed(world: World, made: Effect | Staged) -> Effect:
    if isinstance(made, Staged):
        await world.store.commit(made.unit)
        made = await made.finish()
    await world.store.commit(made.unit)
    return made


def sums(world: World) -> dict[str, int]:
    """Of all that wallets have, by account and without the day on which it becomes available."""
    found: dict[str, int] = {}
    query = select(ledger_postings.c.account, ledger_postings.c.amount_minor)
    for account, amount in world.shop.read(lambda connection: connection.execute(query).all()):
        if account.startswith("wallet:"):
            name = account.partition(":pending:")[0] if ":pending:" in account else account
            found[name] = found.get(name, 0) + amount
    return {name: amount for name, amount in found.items() if amount}


def test_a_sale_is_the_wallets_but_for_the_fee(world: World) -> None:
    intent_id = run(pay(world))
    row = world.shop.read(lambda connection: connection.execute(select(payment_intents)).one())
    assert (row.id, row.wallet, row.service_fee_minor, row.transaction_id) == (intent_id, WALLET, FEE, "txn_of_session")
    assert world.shop.read(lambda connection: connection.execute(select(charges.c.wallet)).scalar_one()) == WALLET
    assert sums(world) == {f"wallet:{WALLET}:usd": 2000 - fee_of(2000) - FEE, "wallet:main:usd": FEE}


def test_what_goes_back_comes_from_the_wallet(world: World) -> None:
    async def play() -> None:
        intent_id = await pay(world)
        before = sums(world)
        await world.shop.post("/v1/refunds", {"payment_intent": intent_id, "amount": 500})
        assert sums(world) == before | {f"wallet:{WALLET}:usd:available": -500}

    run(play())


@pytest.mark.parametrize("ends", ["canceled", "expired"])
def test_a_hold_is_the_wallets_until_it_is_released(world: World, ends: str) -> None:
    async def play() -> None:
        intent_id = await pay(world, capture_method="manual")
        assert sums(world) == {f"wallet:{WALLET}:usd:authorised": 2000}
        if ends == "canceled":
            await world.shop.post(f"{URL}/{intent_id}/cancel")
        else:
            world.clock.advance(8 * 86_400)
            await world.shop.expire()
        assert sums(world) == {}

    run(play())


def test_a_hold_that_is_captured_in_parts_takes_the_fee_in_parts(world: World) -> None:
    async def play() -> None:
        options = MethodOptionsParams(card=CardOptionsParams(request_multicapture="if_available"))
        intent_id = await pay(world, capture_method="manual", payment_method_options=options)
        for amount, final in ((500, "false"), (700, "false"), (800, "true")):
            form = {"amount_to_capture": amount, "final_capture": final}
            assert (await world.shop.post(f"{URL}/{intent_id}/capture", form)).status == 200
        fees = fee_of(500) + fee_of(700) + fee_of(800)
        assert sums(world) == {f"wallet:{WALLET}:usd": 2000 - fees - FEE, "wallet:main:usd": FEE}

    run(play())


def test_an_approval_that_the_resolver_finds_is_the_wallets_too(world: World) -> None:
    async def play() -> None:
        world.bank.script("lost_answer", "not_sent")
        intent_id = await pay(world)
        world.restart()
        await world.later(30)
        assert world.shop.intent(intent_id)["status"] == "succeeded"
        assert sums(world) == {f"wallet:{WALLET}:usd": 2000 - fee_of(2000) - FEE, "wallet:main:usd": FEE}

    run(play())


def test_an_approval_that_the_bank_tells_of_is_the_wallets_too(world: World) -> None:
    async def play() -> None:
        data = PaymentMethodData(type="upi")
        wanted = IntentParams(amount=2000, currency="inr", confirm=True, payment_method_data=data)
        made = await world.shop.payments.create(world.shop.call(), wanted, wallet=WALLET, service_fee_minor=FEE)
        effect = await committed(world, made)
        reference = attempt_of(world.shop, getattr(effect.result, "id"))  # noqa: B009
        world.bank.act(reference, "approve")
        await world.shop.hear(reference, "authorization_approved")
        assert sums(world) == {f"wallet:{WALLET}:inr": 2000 - fee_of(2000) - FEE, "wallet:main:inr": FEE}

    run(play())


def test_what_nobody_attributed_is_the_main_wallets_and_stored_as_nothing(world: World) -> None:
    run(world.shop.create(confirm="true", payment_method="pm_card_visa"))
    row = world.shop.read(lambda connection: connection.execute(select(payment_intents)).one())
    assert (row.wallet, row.service_fee_minor, row.transaction_id) == (None, None, None)
    assert set(sums(world)) == {"wallet:main:usd"}


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.lists(st.integers(1, 10**6), max_size=8))
def test_the_parts_of_a_fee_add_up_and_never_exceed_what_is_captured(
    amount: int, fee: int, captures: list[int]
) -> None:
    fee, taken, received = min(fee, amount), 0, 0
    for wanted in captures:
        part = min(wanted, amount - received)
        share = service_fee_of_capture(fee, intent(amount=amount, amount_received=received), part)
        assert 0 <= share <= part or part == 0
        taken, received = taken + share, received + part
    assert taken == fee * received // amount
    assert received < amount or taken == fee
