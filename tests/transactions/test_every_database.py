"""Sessions, their failures and the list mean the same on every database."""

from bursar.http.authentication import Principal
from tests.databases import Database
from tests.payment_sessions.platform import Town, by_card, from_wallet, town_on
from tests.payments.bank import DECLINED
from tests.payments.harness import Json, run


def _life(town: Town) -> Json:
    """One of each kind; then what the payee's list and sums say."""
    platform, (payer,) = town.platform, town.payers
    me = Principal(town.payee.org_id, 0, "key_1")
    token = {"amount": 1000, "currency": "usd", "method": "card"} | {"card": by_card()["card"]}

    async def scenario() -> Json:
        paid = (await platform.send("POST", "/api/v1/payments", token, principal=me)).json
        await platform.send("POST", f"/api/v1/payments/{paid['payment_id']}/refunds", {"amount": 400}, principal=me)
        await platform.send("POST", "/api/v1/payments", token | {"card": by_card(DECLINED)["card"]}, principal=me)
        trace = await platform.open(town.payee, description="Ünïcødé ✓")
        await platform.accept(trace, from_wallet(payer, totalAmount=1))
        await platform.accept(trace, from_wallet(payer))
        await platform.accept(await platform.open(town.payee), by_card())
        await platform.open(town.payee, amount=700)
        return await platform.listed(sums=True, limit=100)

    told: Json = run(scenario())
    return told


def test_the_list_and_its_sums_are_the_same_everywhere(database: Database) -> None:
    with town_on(database) as town:
        told = _life(town)
        assert [(line["status"], line["totalAmount"], line["method"]) for line in told["data"]] == [
            ("initiated", 700, None),
            ("captured", 2500, "card"),
            ("failed", 2500, "wallet_code"),
            ("captured", 2500, "wallet_code"),
            ("failed", 1000, "card"),
            ("partially_refunded", 1000, "card"),
        ]
        sums = {(one["status"], one["direction"]): (one["count"], one["amount"]) for one in told["sums"]["data"]}
        assert sums == {
            ("captured", "credit"): (2, 5000),
            ("failed", "credit"): (2, 3500),
            ("initiated", "credit"): (1, 700),
            ("partially_refunded", "credit"): (1, 1000),
        }
        for status, number in (("captured", 2), ("failed", 2), ("partially_refunded", 1), ("refunded", 0)):
            assert len(run(town.platform.listed(status=status))["data"]) == number
        settled = told["data"][3]
        path = f"/api/v1/txn/{settled['code']}"
        detail = run(town.platform.send("GET", path, principal=Principal(town.payee.org_id, 0, "key_1"))).json
        assert detail["description"] == "Ünïcødé ✓"
        assert [line["amount"] for line in detail["ledger_entries"]] == [2500]
        assert "bursar.transaction.settled" in [entry["event"] for entry in detail["timeline"]]
        pages = [run(town.platform.listed(limit=1, starting_after=line["id"])) for line in told["data"][:-1]]
        assert [page["data"][0]["id"] for page in pages] == [line["id"] for line in told["data"][1:]]


def test_a_page_of_what_is_rare_is_short_and_says_where_to_go_on(database: Database) -> None:
    from bursar.transactions import repository

    with town_on(database) as town:
        told = _life(town)
        before = repository.ROWS_LOOKED_AT_MAX
        repository.ROWS_LOOKED_AT_MAX = 1
        try:
            page = run(town.platform.listed(status="refunded"))
            assert (page["data"], page["has_more"]) == ([], True)
            assert page["next_page"] == told["data"][-1]["id"]
            end = run(town.platform.listed(status="refunded", starting_after=page["next_page"]))
            assert (end["data"], end["has_more"], end["next_page"]) == ([], False, None)
        finally:
            repository.ROWS_LOOKED_AT_MAX = before
