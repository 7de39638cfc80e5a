"""What was paid from a wallet goes back there; what was paid by a method goes back by it."""

import asyncio

import pytest

from bursar.http.authentication import Principal
from tests.databases import Database, on
from tests.payment_sessions.platform import Town, by_card, from_wallet, town_on
from tests.payments.harness import Json, Reply, run


def refund(town: Town, named: str, key: str | None = None, org_id: str | None = None, **body: object) -> Reply:
    principal = Principal(org_id or town.payee.org_id, 0, "key_1")
    work = town.platform.send("POST", f"/api/v1/txn/{named}/refunds", body, key=key, principal=principal)
    reply: Reply = run(work)
    return reply


def captured(town: Town, org_id: str | None = None) -> Json:
    lines = run(town.platform.listed(org_id))["data"]
    return next(line for line in lines if line["session"] or line["direction"] == "debit")


@pytest.mark.parametrize("database", on("memory"), indirect=True)
def test_a_wallet_is_given_back_what_it_paid_and_no_more(database: Database) -> None:
    with town_on(database) as town:
        (payer,) = town.payers
        run(town.platform.accept(run(town.platform.open(town.payee)), from_wallet(payer)))
        line = captured(town)
        part = refund(town, line["code"], "key", amount=1000)
        assert (part.status, part.json["amount"], part.json["status"]) == (200, 1000, "succeeded")
        assert refund(town, line["code"], "key", amount=1000).body == part.body
        assert (town.platform.available(payer), town.platform.available(town.payee)) == (8500, 1500)
        assert captured(town)["status"] == captured(town, payer.org_id)["status"] == "partially_refunded"
        assert refund(town, line["id"], amount=1501).error["code"] == "amount_too_large"
        assert refund(town, line["id"]).json["amount"] == 1500
        assert (captured(town)["status"], captured(town)["amount_refunded"]) == ("refunded", 2500)
        assert refund(town, line["id"]).error["code"] == "transaction_not_refundable"
        assert (town.platform.available(payer), town.platform.available(town.payee)) == (10_000, 0)


@pytest.mark.parametrize("database", on("memory"), indirect=True)
def test_a_card_is_given_back_under_each_name_of_its_payment(database: Database) -> None:
    with town_on(database) as town:
        paid = run(town.platform.accept(run(town.platform.open(town.payee)), by_card())).json
        line = captured(town)
        for named in (line["id"], line["code"], paid["payment_id"]):
            assert refund(town, named, amount=100).json["amount"] == 100
        assert (captured(town)["status"], captured(town)["amount_refunded"]) == ("partially_refunded", 300)


@pytest.mark.parametrize("database", on("memory"), indirect=True)
def test_only_who_was_paid_can_give_it_back(database: Database) -> None:
    with town_on(database) as town:
        (payer,) = town.payers
        run(town.platform.accept(run(town.platform.open(town.payee)), from_wallet(payer)))
        line, debit = captured(town), captured(town, payer.org_id)
        assert refund(town, line["id"], org_id=payer.org_id).status == 404
        assert refund(town, debit["id"], org_id=payer.org_id).error["code"] == "transaction_not_refundable"
        assert refund(town, "trn_none").status == 404
        waiting = run(town.platform.listed(limit=1))
        assert waiting["data"][0]["status"] == "captured"


@pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)
def test_refunds_at_once_give_back_no_more_than_was_paid(database: Database) -> None:
    with town_on(database, writers=2 if database.kind == "postgresql" else 1) as town:
        (payer,) = town.payers
        run(town.platform.accept(run(town.platform.open(town.payee)), from_wallet(payer)))
        principal, path = Principal(town.payee.org_id, 0, "key_1"), f"/api/v1/txn/{captured(town)['id']}/refunds"

        async def scenario() -> list[Reply]:
            processes = [town.platform, town.another_process()]
            works = [
                processes[number % 2].send("POST", path, {"amount": 1000}, principal=principal) for number in range(6)
            ]
            return list(await asyncio.gather(*works))

        replies = run(scenario())
        given = [reply for reply in replies if reply.status == 200]
        assert 1 <= len(given) <= 2
        assert {reply.status for reply in replies} <= {200, 400, 409}
        assert town.platform.available(payer) == 7500 + 1000 * len(given)
        assert captured(town)["amount_refunded"] == 1000 * len(given)
