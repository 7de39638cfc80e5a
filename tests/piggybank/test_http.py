"""The bank on its socket: who may ask, what is refused, and what goes wrong when it is told to."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

import piggybank_cards
from tests.piggybank.harness import API_KEY, HOST, MERCHANT, BankServer, authorization, served, until


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    with served(tmp_path_factory.mktemp("bank")) as server:
        yield server


@pytest.fixture
def bank(running: BankServer) -> Iterator[BankServer]:
    yield running
    running.set_faults()


def raw(bank: BankServer, content: bytes) -> bytes:
    """All that comes back until the bank closes or says nothing more."""
    with socket.create_connection((HOST, bank.port), timeout=1) as connection:
        connection.sendall(content)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            pass
        return received


def wire(body: dict[str, Any], path: str = "/v1/authorizations") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def test_a_key_is_needed(bank: BankServer) -> None:
    assert bank.call("GET", "/healthz", key="wrong")[0] == 200
    for path in ("/v1/cards", "/v1/faults", "/v1/journal", "/v1/operations?merchant=m&reference=r", "/v1/nothing"):
        status, answer = bank.call("GET", path, key="wrong")
        assert (status, answer["error"]["code"]) == (401, "unauthorized")


def test_an_operation_has_every_field(bank: BankServer) -> None:
    answer = bank.post("/v1/authorizations", authorization("fields"))
    assert list(answer) == [
        "id", "kind", "reference", "merchant", "status", "authorization", "amount", "currency", "code", "decline",
        "advice_code", "authorization_code", "network_transaction_id", "retrieval_reference", "checks", "risk",
        "authentication", "fee", "available_at_once", "captured", "refunded", "reversed", "voided", "created", "method",
    ]  # fmt: skip
    assert bank.inquire("fields") == answer


def test_every_operation_over_the_wire(bank: BankServer) -> None:
    held = bank.post("/v1/authorizations", authorization("all", capture=False, partial_captures=True))
    path = f"/v1/authorizations/{held['id']}"
    assert bank.post(f"{path}/increments", {"reference": "all-i", "merchant": MERCHANT, "amount": 2000})["code"] == "00"
    captured = {"reference": "all-c", "merchant": MERCHANT, "amount": 1500, "final": False}
    assert bank.post(f"{path}/captures", captured)["captured"] == 1500
    assert bank.post(f"{path}/voids", {"reference": "all-v", "merchant": MERCHANT})["amount"] == 500
    assert bank.post(f"{path}/refunds", {"reference": "all-r", "merchant": MERCHANT, "amount": 10})["refunded"] == 10
    reversal = bank.post("/v1/reversals", {"reference": "all-x", "merchant": MERCHANT, "reverses": "all"})
    assert (reversal["kind"], reversal["amount"]) == ("reversal", 1490)
    challenge = bank.post("/v1/authorizations", authorization("all-3", number="4000002760003184"))
    assert challenge["status"] == "challenge"
    completion = {"reference": "all-4", "merchant": MERCHANT, "authentication": "passed"}
    assert bank.post(f"/v1/authorizations/{challenge['id']}/complete", completion)["status"] == "approved"
    dispute = bank.post("/v1/disputes", {"merchant": MERCHANT, "authorization": challenge["id"], "reason": "duplicate"})
    evidence = {"merchant": MERCHANT, "text": "a story"}
    assert bank.post(f"/v1/disputes/{dispute['id']}/evidence", evidence)["status"] == "under_review"
    assert bank.post(f"/v1/disputes/{dispute['id']}/accept", {"merchant": MERCHANT})["status"] == "lost"
    assert bank.call("GET", f"/v1/disputes/{dispute['id']}")[1]["status"] == "lost"
    account = bank.post("/v1/accounts", {"balance": 10, "currency": "usd"})
    assert bank.call("GET", f"/v1/accounts/{account['id']}") == (200, account)


def test_the_table_of_cards(bank: BankServer) -> None:
    answer = bank.call("GET", "/v1/cards")[1]
    assert [card["number"] for card in answer["cards"]] == [card.number for card in piggybank_cards.ALL]
    assert {card["decline"] for card in answer["decline_cards"]} == set(piggybank_cards.RESPONSE_CODES)


def test_the_journal_is_read_in_pages(bank: BankServer) -> None:
    bank.post("/v1/authorizations", authorization("page"))
    entries = bank.journal()
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    (entry,) = [entry for entry in entries if entry.get("reference") == "page"]
    assert (entry["kind"], entry["status"], entry["amount"]) == ("authorization", "approved", 1000)
    assert bank.call("GET", "/v1/journal?after=999999999")[1] == {"entries": [], "last": 999999999}
    assert len(bank.call("GET", "/v1/journal?limit=1")[1]["entries"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": "1000"}, "amount"),
        ({"amount": 10**16}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 65}, "reference"),
        ({"reference": "ü"}, "reference"),
        ({"merchant": None}, "merchant"),
        ({"card": {"number": "4242 4242", "exp_month": 1, "exp_year": 2030}}, "card.number"),
        ({"card": {"number": "4" * 20, "exp_month": 1, "exp_year": 2030}}, "card.number"),
        ({"card": {"number": "4242424242424242", "exp_month": 13, "exp_year": 2030}}, "card.exp_month"),
        ({"card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2030, "cvc": "12"}}, "card.cvc"),
        ({"authentication": "4242424242424242"}, "authentication"),
        ({"unknown_4242424242424242": 1}, None),
    ],
)
def test_bad_input_names_its_field_and_repeats_no_number(
    bank: BankServer, change: dict[str, Any], field: str | None
) -> None:
    status, answer = bank.call("POST", "/v1/authorizations", authorization("bad") | change)
    assert (status, answer["error"].get("field")) == (400, field)
    assert "4242" not in answer["error"]["message"]
    assert bank.inquire("bad") is None


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/v1/authorizations/auth_none_2/captures", {"reference": "n", "merchant": "m", "amount": 1}, 404),
        ("POST", "/v1/authorizations/x/nonsense", {}, 404),
        ("POST", "/v1/nonsense", {}, 404),
        ("GET", "/v1/accounts/acct_none_2", None, 404),
        ("GET", "/v1/disputes/dp_none_2", None, 404),
        ("GET", "/v1/disputes", None, 404),
        ("GET", "/v1/operations?merchant=m", None, 400),
        ("GET", "/v1/journal?after=x", None, 400),
        ("DELETE", "/v1/faults", None, 404),
        ("PUT", "/v1/faults", {"decline": 2}, 400),
        ("PUT", "/v1/faults", {"decline_code": "nonsense"}, 400),
    ],
)
def test_what_is_not_there_is_said(
    bank: BankServer, method: str, path: str, body: object, expected: int
) -> None:  # fmt: skip
    status, answer = bank.call(method, path, body)
    assert status == expected
    assert set(answer["error"]) >= {"code", "message"}


def test_requests_that_do_not_wait_are_answered_in_order(bank: BankServer) -> None:
    bank.set_faults(latency_ms=10)
    received = raw(bank, b"".join(wire(authorization(f"pipe-{number}")) for number in range(40)))
    places = [received.index(b'"reference":"pipe-%d"' % number) for number in range(40)]
    assert places == sorted(places)
    assert received.count(b"HTTP/1.1 200 OK") == 40


def test_what_is_no_http_or_too_much_is_refused(bank: BankServer) -> None:
    assert raw(bank, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(bank, b"GET /%b HTTP/1.1\r\n\r\n" % (b"x" * 20_000)).startswith(b"HTTP/1.1 413")
    assert raw(bank, wire({"reference": "x" * 400_000})).startswith(b"HTTP/1.1 413")
    assert raw(bank, b"GET /healthz HTTP/1.0\r\n\r\n").endswith(b'{"status":"ok"}')


def test_a_slow_sender_is_understood(bank: BankServer) -> None:
    content = wire(authorization("slow"))
    with socket.create_connection((HOST, bank.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(content), 7):
            connection.sendall(content[place : place + 7])
        assert b'"reference":"slow"' in connection.recv(65536)


class TestFaults:
    def test_they_are_shown_and_replaced_as_a_whole(self, bank: BankServer) -> None:
        bank.set_faults(decline=0.5, decline_code="lost")
        bank.set_faults(latency_ms=1)
        assert bank.call("GET", "/v1/faults")[1] == {
            "latency_ms": 1, "drop_reply": 0.0, "decline": 0.0, "decline_code": "do_not_honor", "refuse": 0.0,
            "duplicate_reply": 0.0, "down": False, "late_approval": 0.0, "bad_gateway": 0.0,
        }  # fmt: skip

    def test_latency(self, bank: BankServer) -> None:
        bank.set_faults(latency_ms=300)
        started = time.monotonic()
        bank.post("/v1/authorizations", authorization("latency"))
        assert time.monotonic() - started >= 0.3

    def test_a_caller_that_does_not_wait_is_charged_all_the_same(self, bank: BankServer) -> None:
        bank.set_faults(latency_ms=100)
        with socket.create_connection((HOST, bank.port)) as connection:
            connection.sendall(wire(authorization("impatient")))
        bank.set_faults()
        until(lambda: bank.inquire("impatient") is not None)

    def test_a_dropped_reply_was_carried_out(self, bank: BankServer) -> None:
        bank.set_faults(drop_reply=1.0)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            bank.call("POST", "/v1/authorizations", authorization("dropped"))
        bank.set_faults()
        answer = bank.inquire("dropped")
        assert answer is not None
        assert answer["status"] == "approved"
        assert bank.post("/v1/authorizations", authorization("dropped")) == answer

    def test_a_refused_connection_did_nothing(self, bank: BankServer) -> None:
        bank.set_faults(refuse=1.0)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            bank.call("POST", "/v1/authorizations", authorization("refused"))
        bank.set_faults()
        assert bank.inquire("refused") is None

    def test_an_answer_that_comes_twice(self, bank: BankServer) -> None:
        bank.set_faults(duplicate_reply=1.0)
        received = raw(bank, wire(authorization("twice")))
        assert received == received[: len(received) // 2] * 2
        assert received.count(b"HTTP/1.1 200 OK") == 2

    def test_a_bad_gateway_says_nothing_about_the_operation(self, bank: BankServer) -> None:
        bank.set_faults(bad_gateway=1.0)
        for number in range(20):
            received = raw(bank, wire(authorization(f"gateway-{number}")).replace(b"Host: x", b"Connection: close"))
            assert received.startswith(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html")
        bank.set_faults()
        carried_out = sum(bank.inquire(f"gateway-{number}") is not None for number in range(20))
        assert 0 < carried_out < 20

    def test_declines(self, bank: BankServer) -> None:
        bank.set_faults(decline=1.0, decline_code="stolen")
        assert bank.post("/v1/authorizations", authorization("declined"))["decline"] == "stolen"
        held = authorization("half", capture=False)
        bank.set_faults(decline=0.5)
        statuses = [
            bank.post("/v1/authorizations", held | {"reference": f"half-{number}"})["status"] for number in range(40)
        ]
        assert 5 < statuses.count("declined") < 35

    def test_down_leaves_only_the_way_back(self, bank: BankServer) -> None:
        bank.set_faults(down=True)
        for path in ("/healthz", "/v1/cards", "/v1/operations?merchant=m&reference=r"):
            with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
                bank.call("GET", path)
        assert bank.call("GET", "/v1/journal")[0] == 200
        bank.set_faults()
        assert bank.call("GET", "/healthz")[0] == 200
