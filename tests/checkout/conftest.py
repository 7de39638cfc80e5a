"""A seller and payers on the running server of the payment sessions' tests, and the page of their sessions."""

import contextlib
import re
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.payment_sessions.conftest import House, Register, Till, payer, register, server, till
from tests.plain_payments.conftest import Json, send
from tests.wire.harness import Answer, RunningServer

__all__ = ["payer", "register", "send", "server", "till"]


@pytest.fixture(scope="session")
def seller(register: Register) -> House:
    return register("Heron Books")


@dataclass(frozen=True)
class Counter:
    """Opens sessions, and sends what a browser would send to their page."""

    server: RunningServer
    till: Till
    seller: House

    def open(self, **more: Any) -> Json:
        return self.till.open(self.seller, **more)

    def look(self, session: Json) -> Json:
        return self.till.look(session)

    def get(self, session: Json, rest: str = "", method: str = "GET") -> Answer:
        return self.server.raw(method, path_of(session) + rest, key=None)

    def let_expire(self, session: Json) -> None:
        """What would take ten minutes."""
        [file] = self.server.data_directory.glob("*.db")
        with contextlib.closing(sqlite3.connect(file, timeout=10)) as database, database:
            changed = database.execute(
                "update payment_sessions set expires = 1 where id = ?", [f"ps_{session['transactionTraceId'][4:28]}"]
            )
            assert changed.rowcount == 1

    def pay(self, session: Json, fields: dict[str, str], **headers: str) -> Answer:
        body = urlencode({"key": new_key()} | fields).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.raw("POST", f"{path_of(session)}/pay", body=body, headers=sent, key=None)


@pytest.fixture
def counter(server: RunningServer, till: Till, seller: House) -> Counter:
    return Counter(server, till, seller)


NewKey = Callable[[], str]


def new_key() -> str:
    return secrets.token_urlsafe(18)


def path_of(session: Json) -> str:
    return urlsplit(session["checkout_url"]).path


def by_card(number: str = "4242424242424242", **more: str) -> dict[str, str]:
    return {"method": "card", "number": number, "expiry": "12 / 34", "cvc": "123", "name": "Ada Lovelace"} | more


def text_of(answer: Answer) -> str:
    return answer.body.decode()


def policy_of(answer: Answer) -> dict[str, list[str]]:
    rules = answer.headers["Content-Security-Policy"].split(";")
    return {words[0]: words[1:] for words in (rule.split() for rule in rules)}


def problems_in(answer: Answer) -> str:
    found = re.search(r'role="alert".*?</div>', text_of(answer), re.DOTALL)
    return found[0] if found else ""
