"""A payee and payers on the running server, each an organisation with a wallet that has a PIN."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bursar.attempts import commands
from bursar.http import execution
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.payment_sessions.mortal import Mortal
from tests.plain_payments.conftest import Json, Send, card, new_key, send
from tests.vault.harness import opened
from tests.wire.harness import RunningServer

__all__ = ["new_key", "send"]

PIN, WRONG_PIN = "385916", "385917"
PASSWORD = "a heron waits at the weir"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("bursar")) as running:
        yield running
        log = running.log()
        assert "Traceback" not in log, log[-4_000:]


@dataclass(frozen=True)
class House:
    """An organisation as its owner knows it."""

    id: str
    name: str
    key: str
    wallet: str
    token: str


Register = Callable[..., House]


@pytest.fixture(scope="session")
def register(server: RunningServer) -> Register:
    def made(name: str, funds: int = 0, currency: str = "usd") -> House:
        mark = secrets.token_hex(4)
        body = {
            "organization": f"{name} {mark}",
            "email": f"owner-{mark}@example.com",
            "password": PASSWORD,
            "category": "retail",
            "pin": PIN,
        }
        told = _post(server, "/api/v1/org/register", body, None)
        key = told["keys"]["secret"]
        if funds:
            paid = {"amount": funds, "currency": currency, "token": "pm_card_bypassPending"}
            assert _post(server, "/api/v1/payments", paid, key)["status"] == "approved"
        organisation = told["organisation"]
        return House(organisation["id"], organisation["name"], key, told["wallet"]["code"], told["access_token"])

    return made


def _post(server: RunningServer, path: str, body: Json, key: str | None) -> Json:
    answer = server.raw(
        "POST", path, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, key=key
    )
    assert answer.status == 200, answer.body
    told: Json = answer.json
    return told


@pytest.fixture(scope="session")
def payee(register: Register) -> House:
    return register("Payee")


@pytest.fixture(scope="session")
def payer(register: Register) -> House:
    return register("Payer", 10_000_000)


@dataclass(frozen=True)
class Till:
    """What somebody has who opens and pays sessions: an address, and nothing else."""

    send: Send

    def open(self, house: House, **more: object) -> Json:
        body = {"amount": 2500, "currency": "usd"} | more
        answer = self.send("POST", f"/api/v1/txn/payment-session/{house.wallet}", body, key=None)
        assert answer.status == 200, answer.body
        session: Json = answer.json
        return session

    def look(self, session: Json) -> Json:
        answer = self.send("GET", f"/api/v1/txn/payment-session/{session['transactionTraceId']}", key=None)
        assert answer.status == 200, answer.body
        seen: Json = answer.json
        return seen

    def accept(self, session: Json, body: Json, idempotency_key: str | None = None) -> Any:
        path = f"/api/v1/txn/accept-payment/{session['transactionTraceId']}"
        return self.send("POST", path, body, key=None, idempotency_key=idempotency_key)

    def balance(self, house: House, currency: str = "usd") -> int:
        told = self.send("GET", f"/api/v1/wallets/{house.wallet}", key=house.key).json
        found = [one["available"] for one in told["balances"] if one["currency"] == currency]
        return int(found[0]) if found else 0


@pytest.fixture
def till(send: Send) -> Till:
    return Till(send)


def from_wallet(house: House, **more: object) -> Json:
    return {"fromWalletCode": house.wallet, "pin": PIN, "totalAmount": 2500} | more


def by_card(number: str = "4242424242424242", **more: object) -> Json:
    return {"method": "card", "card": card(number)} | more


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mortal]:
    monkeypatch.setattr(execution, "RESUME_SECONDS_MAX", -1)
    monkeypatch.setattr(commands, "NOT_SENT_WAITS_SECONDS", ())
    with opened(Database("memory", MEMORY_URL)) as store:
        made = Mortal(store)
        yield made
        made.driver.close()
