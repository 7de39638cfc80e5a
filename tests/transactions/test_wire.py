"""The list of all that an organisation was paid and has paid, against a server with its bank."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.payment_sessions.conftest import House, Register, Till, by_card, from_wallet
from tests.plain_payments.conftest import Json, Send, card

URL = "/api/v1/txn"
PAYMENTS = "/api/v1/payments"


@pytest.fixture
def ledger(send: Send) -> Any:
    def read(house: House, **filters: object) -> Json:
        answer = send("GET", f"{URL}?{urlencode(filters)}", key=house.key)
        assert answer.status == 200, answer.body
        told: Json = answer.json
        return told

    return read


def pay(send: Send, house: House, **more: object) -> Json:
    body = {"amount": 1000, "currency": "usd", "method": "card", "card": card()} | more
    answer = send("POST", PAYMENTS, body, key=house.key)
    assert answer.status == 200, answer.body
    made: Json = answer.json
    return made


def test_payments_of_all_kinds_are_in_one_list_newest_first(
    send: Send, till: Till, register: Register, payer: House, ledger: Any
) -> None:
    house = register("Shop")
    plain = pay(send, house, description="Plain")
    intent = send("POST", "/v1/payment_intents", {"amount": 700, "currency": "eur"}, key=house.key).json
    by_method = till.accept(till.open(house, amount=3000), by_card()).json
    from_other = till.accept(till.open(house), from_wallet(payer)).json
    waiting = till.open(house, amount=123)
    pay(send, house, card=card("4000000000009995"))
    listed = ledger(house)
    assert [(line["status"], line["totalAmount"], line["method"]) for line in listed["data"]] == [
        ("failed", 1000, "card"),
        ("initiated", 123, None),
        ("captured", 2500, "wallet_code"),
        ("captured", 3000, "card"),
        ("initiated", 700, "card"),
        ("captured", 1000, "card"),
    ]
    assert not listed["has_more"]
    ids = [line["id"] for line in listed["data"]]
    assert ids[4:] == [intent["id"], plain["payment_id"]]
    assert listed["data"][3]["code"] == by_method["transaction"]["code"]
    assert listed["data"][2]["counterparty"] == {"name": payer.name, "wallet": payer.wallet}
    assert waiting["status"] == "open"
    other_side = ledger(payer, direction="debit")["data"][0]
    assert (other_side["code"], other_side["status"]) == (from_other["transaction"]["code"], "captured")
    assert other_side["counterparty"] == {"name": house.name, "wallet": house.wallet}


def test_pages_follow_each_other_without_a_gap(send: Send, till: Till, register: Register, ledger: Any) -> None:
    house = register("Pages")
    for number in range(7):
        till.open(house, amount=500 + number)
        pay(send, house, amount=600 + number, token="pm_card_visa", method=None, card=None)
    everything = [line["id"] for line in ledger(house, limit=100)["data"]]
    assert len(everything) == 14
    for limit in (1, 3, 5):
        seen: list[str] = []
        page = ledger(house, limit=limit)
        while True:
            seen += [line["id"] for line in page["data"]]
            if not page["has_more"]:
                break
            assert page["next_page"] == seen[-1]
            page = ledger(house, limit=limit, starting_after=page["next_page"])
        assert seen == everything
    back = ledger(house, limit=4, ending_before=everything[9])
    assert [line["id"] for line in back["data"]] == everything[5:9]


def test_filters_find_what_they_name(send: Send, till: Till, register: Register, payer: House, ledger: Any) -> None:
    house = register("Filters")
    refunded, part = pay(send, house, amount=2000), pay(send, house, amount=3000, currency="eur")
    send("POST", f"{PAYMENTS}/{refunded['payment_id']}/refunds", {}, key=house.key)
    send("POST", f"{PAYMENTS}/{part['payment_id']}/refunds", {"amount": 1}, key=house.key)
    held = pay(send, house, capture=False, description="A red bicycle")
    canceled = pay(send, house, capture=False)
    send("POST", f"{PAYMENTS}/{canceled['payment_id']}/cancel", {}, key=house.key)
    customer = send("POST", "/v1/customers", {"name": "Ada"}, key=house.key).json["id"]
    named = pay(send, house, customer=customer)
    assert till.accept(till.open(house), from_wallet(payer)).status == 200
    other = send("POST", "/api/v1/wallets", {"name": "Other"}, key=house.key).json["code"]
    assert till.accept(till.open(House("", "", "", other, ""), amount=4000), by_card()).json["status"] == "approved"

    def ids(**filters: object) -> list[str]:
        by_query = ledger(house, **filters)["data"]
        nested = {name: value for name, value in filters.items() if "[" not in name}
        if len(nested) == len(filters):
            by_body = send("POST", f"{URL}/transaction", nested, key=house.key).json["data"]
            assert by_body == by_query
        return [line["payment_id"] or line["id"] for line in by_query]

    assert ids(status="refunded") == [refunded["payment_id"]]
    assert ids(status="partially_refunded") == [part["payment_id"]]
    assert ids(status="authorized") == [held["payment_id"]]
    assert ids(status="canceled") == [canceled["payment_id"]]
    assert ids(status="chargeback") == []
    assert ids(currency="EUR") == [part["payment_id"]]
    assert ids(customer=customer) == [named["payment_id"]]
    assert ids(query="red BICYCLE") == [held["payment_id"]]
    assert len(ids(query="4242", limit=100)) == 6
    assert ids(**{"amount[gte]": 2500, "amount[lte]": 3000, "currency": "eur"}) == [part["payment_id"]]
    assert len(ids(method="wallet_code")) == 1
    assert len(ids(counterparty=payer.wallet)) == 1
    assert [line["totalAmount"] for line in ledger(house, counterparty=payer.name)["data"]] == [2500]
    in_other = ledger(house, wallet=other)["data"]
    assert [(line["totalAmount"], line["wallet"]) for line in in_other] == [(4000, other)]
    assert len(ledger(house, wallet=house.wallet)["data"]) == 6
    assert ids(**{"created[lt]": 1_600_000_000}) == []


def test_sums_add_up_what_the_list_shows(send: Send, till: Till, register: Register, payer: House, ledger: Any) -> None:
    house = register("Sums")
    for amount in (1000, 1500):
        pay(send, house, amount=amount)
    back = pay(send, house, amount=700)
    send("POST", f"{PAYMENTS}/{back['payment_id']}/refunds", {}, key=house.key)
    pay(send, house, card=card("4000000000009995"))
    pay(send, house, card=card("4242424242424241"))
    till.accept(till.open(house), from_wallet(payer))
    till.accept(till.open(house, amount=900), by_card())
    till.open(house, amount=100)
    told = ledger(house, sums="true", limit=100)
    expected: dict[tuple[str, str, str], list[int]] = {}
    for line in told["data"]:
        total = expected.setdefault((line["currency"], line["status"], line["direction"]), [0, 0])
        total[0] += 1
        total[1] += line["totalAmount"]
    found = {
        (one["currency"], one["status"], one["direction"]): [one["count"], one["amount"]]
        for one in told["sums"]["data"]
    }
    assert found == expected
    assert found["usd", "captured", "credit"] == [4, 1000 + 1500 + 2500 + 900]
    assert told["sums"]["until"] - told["sums"]["since"] == 31 * 24 * 3600
    too_long = send("GET", f"{URL}?sums=true&created[gte]=1700000000", key=house.key)
    assert (too_long.status, too_long.json["error"]["code"]) == (400, "range_too_long")


def test_a_payment_is_told_in_full(send: Send, register: Register) -> None:
    house = register("Detail")
    paid = pay(send, house, amount=5000, capture=False, description="A desk")
    one = f"{URL}/{paid['payment_id']}"
    send("POST", f"{PAYMENTS}/{paid['payment_id']}/capture", {}, key=house.key)
    send("POST", f"{PAYMENTS}/{paid['payment_id']}/refunds", {"amount": 1200}, key=house.key)
    told = send("GET", one, key=house.key).json
    assert (told["status"], told["amount_refunded"], told["last4"]) == ("partially_refunded", 1200, "4242")
    assert [(refund["amount"], refund["status"]) for refund in told["refunds"]] == [(1200, "succeeded")]
    assert [line["type"] for line in told["ledger_entries"]] == ["charge", "refund"]
    assert told["fee"] > 0 and told["net"] == 5000 - 1200 - told["fee"]
    events = [entry["event"] for entry in told["timeline"]]
    for expected in (
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ):
        assert expected in events
    assert told["timeline_complete"]
    first = told["timeline"][0]
    assert first["user"].startswith("key_") and first["amount"] == 5000 and first["time"]


def test_a_session_is_told_in_full_under_each_of_its_names(
    send: Send, till: Till, register: Register, payer: House, ledger: Any
) -> None:
    house = register("Session")
    session = till.open(house)
    till.accept(session, from_wallet(payer, totalAmount=1))
    code = till.accept(session, from_wallet(payer)).json["transaction"]["code"]
    settled, failed = ledger(house)["data"][1], ledger(house)["data"][0]
    assert (failed["status"], failed["reason"]) == ("failed", "total_mismatch")
    told = send("GET", f"{URL}/{settled['id']}", key=house.key).json
    assert send("GET", f"{URL}/{settled['code']}", key=house.key).json == told
    assert send("GET", f"{URL}/{settled['code'].lower()}", key=house.key).json == told
    events = [entry["event"] for entry in told["timeline"]]
    assert events[:2] == ["bursar.payment_session.created", "bursar.transaction.initiated"]
    assert {"bursar.transaction.settled", "bursar.payment_session.paid"} <= set(events)
    assert [line["amount"] for line in told["ledger_entries"]] == [2500]
    debit = send("GET", f"{URL}/{code}", key=payer.key).json
    assert (debit["direction"], [line["amount"] for line in debit["ledger_entries"]]) == ("debit", [-2500])
    assert send("GET", f"{URL}/{code}", key=house.key).status == 404


def test_a_foreign_transaction_is_none(send: Send, till: Till, payee: House, payer: House, ledger: Any) -> None:
    till.open(payee)
    line = ledger(payee)["data"][0]
    for one in (line["id"], line["code"]):
        foreign = send("GET", f"{URL}/{one}", key=payer.key)
        assert (foreign.status, foreign.json["error"]["code"]) == (404, "resource_missing")
    cursor = send("GET", f"{URL}?starting_after={line['id']}", key=payer.key)
    assert (cursor.status, cursor.json["error"]["param"]) == (404, "starting_after")
    wallet = send("GET", f"{URL}?wallet={payee.wallet}", key=payer.key)
    assert (wallet.status, wallet.json["error"]["param"]) == (404, "wallet")
    assert line["id"] not in [one["id"] for one in ledger(payer, limit=100)["data"]]


@pytest.mark.parametrize("field", ["org_id", "role", "livemode", "id"])
def test_what_is_no_filter_is_refused(send: Send, payee: House, field: str) -> None:
    answer = send("POST", f"{URL}/transaction", {field: "x"}, key=payee.key)
    assert (answer.status, answer.json["error"]["code"]) == (400, "parameter_unknown")
    assert send("GET", f"{URL}?{field}=x", key=payee.key).status == 400
    assert send("POST", f"{URL}/transaction", {"status": "lost"}, key=payee.key).json["error"]["param"] == "status"
