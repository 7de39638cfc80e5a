"""What has no card, over HTTP: bad input names its field, faults and crashes lose nothing, and webhooks arrive."""

import hashlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piggybank.api import Api
from piggybank_cards import methods
from tests.piggybank.harness import (
    API_KEY,
    MERCHANT,
    WEBHOOK_SECRET,
    BankServer,
    House,
    Receiver,
    asked,
    authorization,
    served,
    until,
)

UPI = {"flow": "collect", "vpa": "anna@piggybank"}
WAYS: list[dict[str, Any]] = [{"vpa": "anna@piggybank"}, {"link": True}, {"bank": "HDFC"}]
TEXTS = st.text(max_size=20) | st.none() | st.integers() | st.just("x" * 3_000)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    with served(tmp_path_factory.mktemp("bank")) as bank:
        yield bank


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def act(bank: BankServer, operation: dict[str, Any], what: str) -> dict[str, Any]:
    return bank.post(f"/v1/authorizations/{operation['id']}/customer", {"merchant": MERCHANT, "act": what})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "card"),
        ({"card": None}, "card"),
        ({"upi": UPI, "wallet": {"wallet_id": "pw_success"}}, "wallet"),
        ({"upi": UPI, "card": authorization("x")["card"]}, "upi"),
        ({"upi": {"flow": "collect"}}, "upi.vpa"),
        ({"upi": {"flow": "intent", "vpa": "anna@piggybank"}}, "upi.vpa"),
        ({"upi": {"flow": "collect", "vpa": "anna"}}, "upi.vpa"),
        ({"upi": {"flow": "collect", "vpa": "anna@piggybank\n"}}, "upi.vpa"),
        ({"upi": {"flow": "ask"}}, "upi.flow"),
        ({"upi": "anna@piggybank"}, "upi"),
        ({"upi": UPI, "currency": "usd"}, "currency"),
        ({"upi": UPI, "capture": False}, "capture"),
        ({"upi": UPI, "amount": 0}, "amount"),
        ({"upi": UPI, "amount": -1}, "amount"),
        ({"upi": UPI, "expires_after_seconds": 0}, "expires_after_seconds"),
        ({"upi": UPI, "expires_after_seconds": 86_401}, "expires_after_seconds"),
        ({"net_banking": {"bank_code": "NONE"}}, "net_banking.bank_code"),
        ({"net_banking": {"bank_code": "hdfc"}}, "net_banking.bank_code"),
        ({"net_banking": {"bank_code": "HDFC", "account": "12 34"}}, "net_banking.account"),
        ({"net_banking": {"bank_code": "HDFC"}, "currency": "usd"}, "currency"),
        ({"net_banking": {"bank_code": "DEMO"}, "return_url": "javascript:alert(1)"}, "return_url"),
        ({"net_banking": {"bank_code": "DEMO"}, "return_url": "https://shop.example\n"}, "return_url"),
        ({"net_banking": {"bank_code": "DEMO"}, "return_url": "https://shop.example/ä"}, "return_url"),
        ({"wallet": {"wallet_id": "acct_1"}}, "wallet.wallet_id"),
        ({"wallet": {}}, "wallet"),
    ],
    ids=str,
)
def test_bad_input_names_its_field(bank: BankServer, changes: dict[str, Any], field: str) -> None:
    status, answer = bank.call("POST", "/v1/authorizations", asked("bad") | changes)
    assert (status, answer["error"]["code"], answer["error"].get("field")) == (400, "invalid", field)
    assert answer["error"]["message"].endswith(".")
    assert bank.inquire("bad") is None


def test_a_card_is_refused_in_the_words_that_it_always_was(bank: BankServer) -> None:
    for change, said in (
        ({"return_url": "https://shop.example"}, "unknown field `return_url`"),
        ({"amount": "1"}, "Expected `int`"),
    ):
        status, answer = bank.call("POST", "/v1/authorizations", authorization("bad") | change)
        assert status == 400
        assert said in answer["error"]["message"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    house = House(tmp_path_factory.mktemp("fuzzed"))
    yield Api(house.state, house.bank, house.disputes, house.settlements, house.faults, API_KEY)
    house.close()


@settings(max_examples=300, deadline=None)
@given(
    upi=st.none() | st.fixed_dictionaries({"flow": st.just("collect") | TEXTS}, optional={"vpa": TEXTS}),
    net_banking=st.none() | st.fixed_dictionaries({"bank_code": TEXTS}, optional={"account": TEXTS}),
    wallet=st.none() | st.fixed_dictionaries({"wallet_id": TEXTS}),
    more=st.dictionaries(st.sampled_from(["return_url", "expires_after_seconds", "capture", "card"]), TEXTS),
    path=st.sampled_from(["", "/auth_x_1/customer"]),
)
def test_whatever_is_asked_there_is_an_answer(api: Api, path: str, more: dict[str, Any], **members: Any) -> None:
    body = asked("fuzz") | {name: value for name, value in members.items() if value is not None} | more
    reply = api.handle("POST", f"/v1/authorizations{path}", "", f"Bearer {API_KEY}".encode(), json.dumps(body).encode())
    assert reply.status in (200, 400, 404, 409)
    assert msgspec.json.decode(reply.body)


def test_the_table_is_shown(bank: BankServer) -> None:
    shown = bank.call("GET", "/v1/methods")[1]
    assert shown == json.loads(msgspec.json.encode(methods.table()))
    assert {row["vpa"] for row in shown["upi"]} >= {"success@piggybank", "late@piggybank"}


def test_every_member_is_there_and_the_page_has_an_address(bank: BankServer) -> None:
    by_card = bank.post("/v1/authorizations", authorization("members"))
    for options in WAYS:
        body = asked(f"members-{options}".replace(" ", ""), **options)
        answer = bank.post("/v1/authorizations", body)
        assert list(answer) == [*by_card, "upi_link", "page_url", "expires", "vpa"]
        assert answer == bank.inquire(answer["reference"]) == bank.post("/v1/authorizations", body)
        if answer["page_url"] is not None:
            assert answer["page_url"].startswith(f"http://127.0.0.1:{bank.port}/netbanking/{answer['id']}/")


def test_an_address_for_browsers_can_be_set(tmp_path: Path) -> None:
    with served(tmp_path, PIGGYBANK_PUBLIC_URL="https://bank.example.com/") as bank:
        answer = bank.post("/v1/authorizations", asked("public", bank="HDFC"))
        assert answer["page_url"].startswith("https://bank.example.com/netbanking/auth_")


def test_what_waits_is_listed_until_it_is_decided(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        first = bank.post("/v1/authorizations", asked("first", link=True))
        second = bank.post("/v1/authorizations", asked("second", bank="HDFC"))
        bank.post("/v1/authorizations", asked("paid", wallet="pw_success"))

        def waiting(query: str = "") -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = bank.call("GET", f"/v1/waiting{query}")[1]["waiting"]
            return found

        assert waiting() == [second, first]
        assert waiting("?method=upi") == waiting(f"?id={first['id']}") == waiting("?id=first") == [first]
        assert waiting("?method=upi&id=second") == []
        act(bank, first, "approve")
        bank.kill()
        bank.start()
        assert [each["reference"] for each in waiting()] == ["second"]


def test_a_lost_answer_is_found_by_asking(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        bank.set_faults(drop_reply=1)
        for number, options in enumerate([*WAYS, {"wallet": "pw_success"}]):
            with pytest.raises((OSError, http.client.HTTPException)):
                bank.post("/v1/authorizations", asked(f"lost-{number}", **options))
        bank.set_faults()
        for number, options in enumerate([*WAYS, {"wallet": "pw_success"}]):
            found = bank.inquire(f"lost-{number}")
            assert found is not None
            assert found["status"] == ("approved" if "wallet" in options else "waiting")
            assert bank.post("/v1/authorizations", asked(f"lost-{number}", **options)) == found
        asked_once = bank.inquire("lost-0")
        assert asked_once is not None
        bank.set_faults(drop_reply=1)
        with pytest.raises((OSError, http.client.HTTPException)):
            act(bank, asked_once, "approve")
        bank.set_faults()
        assert act(bank, asked_once, "approve")["status"] == "approved", "said again, done once"
        assert [entry["kind"] for entry in bank.journal()].count("settlement") == 1


@pytest.mark.parametrize(("point", "is_there"), [("before_journal", False), ("after_journal_before_answer", True)])
@pytest.mark.parametrize("options", [*WAYS, {"wallet": "pw_success"}], ids=str)
def test_crash_points(tmp_path: Path, point: str, options: dict[str, Any], is_there: bool) -> None:
    with served(tmp_path, PIGGYBANK_CRASH_AT=f"{point}:1") as bank:
        with pytest.raises((OSError, http.client.HTTPException)):
            bank.post("/v1/authorizations", asked("crash", **options))
        assert bank.wait() == 86
        bank.environment = {}
        bank.start()
        found = bank.inquire("crash")
        assert (found is not None) == is_there
        again = bank.post("/v1/authorizations", asked("crash", **options))
        assert again["status"] == ("approved" if "wallet" in options else "waiting")
        assert found is None or again["id"] == found["id"]


def test_all_that_was_answered_survives_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    environment = {"PIGGYBANK_WEBHOOK_URL": receiver.url, "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with served(tmp_path, **environment) as bank:
        answered: dict[str, dict[str, Any]] = {}
        enough = threading.Semaphore(0)

        def work(name: str) -> None:
            for number in range(100_000):
                reference = f"{name}-{number}"
                try:
                    operation = bank.post("/v1/authorizations", asked(reference, vpa="anna@piggybank"))
                    answered[reference] = operation
                    answered[reference] = act(bank, operation, ("approve", "decline")[number % 2])
                except (OSError, http.client.HTTPException):
                    return
                enough.release()

        threads = [threading.Thread(target=work, args=(str(name),)) for name in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(45):
            assert enough.acquire(timeout=30)
        bank.kill()
        for thread in threads:
            thread.join()
        bank.start()
        for reference, operation in answered.items():
            now = bank.inquire(reference)
            assert now is not None
            assert now["id"] == operation["id"]
            assert now == operation or operation["status"] == "waiting", "the act was not answered"
        decided = sum(bank_entry["kind"] == "settlement" for bank_entry in bank.journal())
        until(lambda: len({json.loads(body)["id"] for _, body in receiver.received}) == decided)


def test_what_an_address_was_to_do_is_done_after_a_crash(tmp_path: Path, receiver: Receiver) -> None:
    environment = {"PIGGYBANK_WEBHOOK_URL": receiver.url, "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with served(tmp_path, **environment) as bank:
        bank.post("/v1/authorizations", asked("deemed", vpa="deemed@piggybank"))
        bank.post("/v1/authorizations", asked("expires", vpa="expired@piggybank", expires_after_seconds=1))
        bank.post("/v1/authorizations", asked("late", vpa="late@piggybank", expires_after_seconds=1))
        bank.kill()
        bank.start()
        told = {
            (event["type"], event["data"]["operation"]["reference"], event["data"]["operation"]["decline"])
            for event in (json.loads(body) for _, body in receiver.wait_for(4))
        }
        assert told == {
            ("authorization.approved", "deemed", None),
            ("authorization.declined", "expires", "upi_expired"),
            ("authorization.declined", "late", "upi_expired"),
            ("authorization.approved", "late", None),
        }


def test_a_journal_from_before_is_read_and_its_references_are_known(tmp_path: Path) -> None:
    """Records of cards are written as they always were, but for what they move between the bank and its merchant."""
    house = House(tmp_path / "bank")
    first = house.authorize(reference="old", cvc="123")
    house.refund(first.id, 100)
    house.journal.settle(house.journal.commit())
    lines = [json.loads(line) for line in house.journal.path.read_bytes().splitlines()]
    assert set().union(*lines) <= {
        *("seq", "at", "kind", "salt", "id", "merchant", "reference", "fingerprint", "status", "authorization"),
        *(
            "previous",
            "amount",
            "currency",
            "code",
            "capture",
            "card",
            "checks",
            "risk",
            "authentication",
            "fee",
            "booked",
            "seal",
        ),
    }
    # As the bank has computed it since there are journals.
    card: dict[str, Any] = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}
    card |= dict.fromkeys(("cvc", "name", "line1", "postal_code"))
    request = {
        "reference": "old",
        "merchant": MERCHANT,
        "amount": 1000,
        "currency": "usd",
        "capture": True,
        "card": card,
    }
    request |= dict.fromkeys(("off_session", "authentication", "save_for_later", "agreed_before", "partial_captures"))
    request |= {"descriptor": None}
    content = json.dumps(["authorization", "", request], separators=(",", ":")).encode()
    expected = hashlib.blake2b(content, digest_size=12, key=b"k" * 32, person=b"request").hexdigest()
    assert lines[1]["fingerprint"] == expected
    house.again()
    assert house.authorize(reference="old", cvc="123").id == first.id
    house.close()
