"""Many who pay one session at the same moment, in several processes: it is paid once."""

import asyncio

import pytest
from sqlalchemy import func, select

from bursar.ledger.tables import ledger_postings
from bursar.payment_sessions.tables import transactions
from tests.databases import Database, on
from tests.payment_sessions.platform import Town, by_card, from_wallet, town_on
from tests.payments.harness import Reply, run

AT_ONCE = 50
PAYERS = 13  # each tries at most four times at once: the fifth try of a PIN would have to wait


async def pay_at_once(town: Town, trace: str, *, cards: bool, wallets: bool) -> list[Reply]:
    processes = [town.platform, town.another_process()]

    async def accept(number: int) -> Reply:
        process = processes[number % len(processes)]
        by_wallet = wallets and (not cards or number % 3 > 0)
        body = from_wallet(town.payers[number % PAYERS]) if by_wallet else by_card()
        return await process.accept(trace, body, f"key-{number}")

    return list(await asyncio.gather(*(accept(number) for number in range(AT_ONCE))))


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
@pytest.mark.parametrize(("cards", "wallets"), [(True, True), (True, False), (False, True)])
def test_of_fifty_payers_at_once_one_pays(database: Database, cards: bool, wallets: bool) -> None:
    with town_on(database, payers=PAYERS, writers=2 if database.kind == "postgresql" else 1) as town:
        before = sum(map(town.platform.available, town.payers))
        trace = run(town.platform.open(town.payee))
        replies = run(pay_at_once(town, trace, cards=cards, wallets=wallets))
        won = [reply for reply in replies if reply.status == 200]
        assert {reply.status for reply in replies} <= {200, 409}, {reply.body for reply in replies}
        assert len({reply.json["transaction"]["code"] for reply in won}) == 1
        lost = {reply.error["code"] for reply in replies if reply.status == 409}
        assert lost <= {"session_paid", "session_in_payment"}
        taken = before - sum(map(town.platform.available, town.payers))
        captured = sum(operation.captured_minor for operation in town.bank.journal)
        assert (taken, captured) in ((2500, 0), (0, 2500))
        assert run(town.platform.look_at(trace))["status"] == "paid"
        assert town.platform.available(town.payee) + town.platform.pending(town.payee) + _fees(town) == 2500
        assert _settled(town) == (2 if taken else 0)


def _fees(town: Town) -> int:
    query = select(func.coalesce(func.sum(ledger_postings.c.amount_minor), 0)).where(
        ledger_postings.c.org_id == town.payee.org_id, ledger_postings.c.account.like("acquirer:%:fees")
    )
    return int(town.store.read_blocking(lambda connection: connection.execute(query).scalar_one()))


def _settled(town: Town) -> int:
    query = select(func.count()).where(transactions.c.state == "captured")
    return int(town.store.read_blocking(lambda connection: connection.execute(query).scalar_one()))


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_a_wallet_that_pays_many_sessions_at_once_never_pays_more_than_it_has(database: Database) -> None:
    with town_on(database, writers=2 if database.kind == "postgresql" else 1) as town:
        (payer,) = town.payers
        other = town.another_process()

        async def scenario() -> list[Reply]:
            traces = [await town.platform.open(town.payee, amount=4000) for _ in range(4)]
            processes = [town.platform, other]
            works = [
                processes[number % 2].accept(trace, from_wallet(payer, totalAmount=4000))
                for number, trace in enumerate(traces)
            ]
            return list(await asyncio.gather(*works))

        replies = run(scenario())
        assert [reply.status for reply in replies].count(200) == 2, [reply.body for reply in replies]
        assert {reply.error["code"] for reply in replies if reply.status != 200} == {"insufficient_balance"}
        assert (town.platform.available(payer), town.platform.available(town.payee)) == (2000, 8000)
