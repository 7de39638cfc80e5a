"""`bursar sim`: the bank from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import piggybank_cards
from bursar.commands import simulator
from bursar.commands.bank_process import Address
from piggybank.faults import Settings
from piggybank_cards import methods
from tests.piggybank.harness import API_KEY, HOST, MERCHANT, BankServer, asked, authorization, served


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    with served(tmp_path_factory.mktemp("bank")) as server:
        yield server


@pytest.fixture
def data(bank: BankServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as `bursar dev` leaves it, with that bank's address in it."""
    for name in ("BURSAR_PIGGYBANK_URL", "BURSAR_PIGGYBANK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "piggybank").mkdir()
    address = Address(f"http://{HOST}:{bank.port}", API_KEY)
    (tmp_path / "piggybank" / "address.json").write_bytes(msgspec.json.encode(address))
    return tmp_path


def run(*arguments: str, expected: int = 0) -> str:
    result = CliRunner().invoke(simulator.app, list(arguments))
    assert result.exit_code == expected, (result.output, result.stderr)
    return result.output + result.stderr


def test_faults_are_set_shown_and_ended(bank: BankServer, data: Path) -> None:
    said = run("set", "latency=200ms,drop_reply=5%,decline=2%", "--data", str(data))
    assert said == "latency: 200 ms\ndrop_reply: 5%\ndecline: 2% with do_not_honor\n"
    shown = json.loads(run("show", "--data", str(data), "--json"))
    assert shown == bank.call("GET", "/v1/faults")[1]
    assert (shown["latency_ms"], shown["drop_reply"], shown["decline"]) == (200, 0.05, 0.02)
    assert run("set", "down", "--data", str(data)) == "down: every connection is reset\n"
    assert run("show", "--data", str(data)) == "down: every connection is reset\n", "seen while it is down"
    assert run("set", "none", "--data", str(data)) == "All goes well.\n"
    assert bank.call("GET", "/healthz")[0] == 200


def test_accounts_and_disputes(bank: BankServer, data: Path) -> None:
    account = json.loads(run("account", "--balance", "5000", "--currency", "EUR", "--data", str(data), "--json"))
    assert bank.call("GET", f"/v1/accounts/{account['id']}")[1] == account
    assert (account["balance"], account["currency"]) == (5000, "eur")
    assert "number" in run("account", "--balance", "1", "--data", str(data))
    sale = bank.post("/v1/authorizations", authorization("by-hand"))
    opened = run("dispute", sale["id"], "--merchant", MERCHANT, "--amount", "400", "--data", str(data))
    assert "400 usd, fraudulent" in opened
    refused = run("dispute", "auth_x_1", "--merchant", MERCHANT, "--data", str(data), expected=1)
    assert "no such authorization" in refused


@pytest.mark.parametrize(
    ("command", "method", "options"), [("upi", "upi", {"link": True}), ("bank", "net_banking", {"bank": "HDFC"})]
)
def test_customers_approve_and_decline(
    bank: BankServer, data: Path, command: str, method: str, options: dict[str, Any]
) -> None:
    assert run(command, "waiting", "--data", str(data)) == "Nothing waits.\n"
    first = bank.post("/v1/authorizations", asked(f"{command}-first", **options))
    second = bank.post("/v1/authorizations", asked(f"{command}-second", **options))
    listed = json.loads(run(command, "waiting", "--data", str(data), "--json"))["waiting"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    shown = run(command, "waiting", "--data", str(data))
    assert f"{command}-second" in shown
    assert MERCHANT in shown
    other = {"upi": "bank", "bank": "upi"}[command]
    assert "waits under" in run(other, "approve", first["id"], "--data", str(data), expected=1)
    approved = json.loads(run(command, "approve", first["id"], "--data", str(data), "--json"))
    assert (approved["id"], approved["status"], approved["method"]) == (first["id"], "approved", method)
    said = run(command, "decline", f"{command}-second", "--data", str(data))
    reason = {"upi": "upi_declined", "bank": "bank_cancelled"}[command]
    assert said == f"{second['id']} is declined, {reason}: 1000 inr.\n"
    assert "waits under" in run(command, "approve", second["id"], "--data", str(data), expected=1)
    assert run(command, "waiting", "--data", str(data)) == "Nothing waits.\n"


def test_wallets_are_opened_and_shown(bank: BankServer, data: Path) -> None:
    wallet = json.loads(run("wallet", "create", "--balance", "5000", "--data", str(data), "--json"))
    assert (wallet["balance"], wallet["currency"]) == (5000, "inr")
    bank.post("/v1/authorizations", asked("from-a-wallet", 1500, wallet=wallet["id"]))
    assert run("wallet", "show", wallet["id"], "--data", str(data)) == f"{wallet['id']}: 3500 inr\n"
    assert "0 usd" in run("wallet", "create", "--balance", "0", "--currency", "USD", "--data", str(data))
    assert "any amount in any currency" in run("wallet", "show", "pw_success", "--data", str(data))
    assert "no such wallet" in run("wallet", "show", "pw_unknown", "--data", str(data), expected=1)
    assert "no id" in run("wallet", "show", "../cards", "--data", str(data), expected=1)
    assert "matching" in run("wallet", "create", "--balance", "1", "--currency", "x", "--data", str(data), expected=1)


def test_cards_need_no_bank() -> None:
    listed = json.loads(run("cards", "--json"))
    assert [card["number"] for card in listed["cards"]] == [card.number for card in piggybank_cards.ALL]
    text = run("cards")
    for card in (*piggybank_cards.ALL, *piggybank_cards.DECLINE_CARDS):
        assert f"{card.number} " in text
        assert simulator.describe(card) in text
    assert "pm_card_visa_chargeDeclined" in text
    others = methods.table()
    assert [row["vpa"] for row in listed["upi"]] == [row.vpa for row in others.upi]
    assert [row["code"] for row in listed["banks"]] == [row.code for row in others.banks]
    assert [row["id"] for row in listed["wallets"]] == [row.id for row in others.wallets]
    for name in (*(row.vpa for row in others.upi), *(row.code for row in others.banks), "pw_success"):
        assert f"{name} " in text
    behaviours = [row.behaviour for row in others.upi] + [row.behaviour for row in others.banks]
    for behaviour in behaviours + [row.behaviour for row in others.wallets]:
        assert behaviour in text


def test_a_bank_is_found_by_its_address(
    bank: BankServer, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"http://{HOST}:{bank.port}"
    assert run("show", "--url", url, "--api-key", API_KEY) == "All goes well.\n"
    assert "API key" in run("show", "--url", url, expected=2)
    assert "refuses" in run("show", "--url", url, "--api-key", "wrong", expected=1)
    assert "no answer" in run("show", "--url", "http://127.0.0.1:1", "--api-key", "k", expected=4)
    assert "no address" in run("show", "--url", "nonsense", "--api-key", "k", expected=2)
    assert "bursar dev --data" in run("show", "--data", str(tmp_path / "nothing"), expected=3)
    monkeypatch.setenv("BURSAR_PIGGYBANK_URL", url)
    monkeypatch.setenv("BURSAR_PIGGYBANK_API_KEY", API_KEY)
    assert run("show") == "All goes well.\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("none", {}),
        ("latency=2s", {"latency_ms": 2000}),
        ("latency=1.5s, refuse=0.25", {"latency_ms": 1500, "refuse": 0.25}),
        ("late_approval,bad_gateway=100%", {"late_approval": 1.0, "bad_gateway": 1.0}),
        ("decline=2%,decline_code=lost,down", {"decline": 0.02, "decline_code": "lost", "down": True}),
        ("duplicate_reply=0.5%", {"duplicate_reply": 0.005}),
    ],
)
def test_faults_are_read(text: str, wanted: dict[str, Any]) -> None:
    assert simulator.parse_faults(text) == wanted
    msgspec.convert(wanted, Settings)


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "latency=fast", "latency", "latency=1m", "drop_reply=150%", "decline=-1", "decline=.",
        "decline_code=x", "down=1", "none,down",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        simulator.parse_faults(text)
    run("set", text, "--url", "http://127.0.0.1:1", "--api-key", "k", expected=2)


@given(st.text(max_size=30))
def test_reading_faults_ends_in_faults_or_a_sentence(text: str) -> None:
    try:
        wanted = simulator.parse_faults(text)
    except ValueError as problem:
        assert str(problem).endswith(".")
    else:
        msgspec.convert(wanted, Settings)
