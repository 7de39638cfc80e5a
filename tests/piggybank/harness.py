"""The bank, within a test's own process with a clock that stands still, and as a process of its own."""

import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from piggybank import requests, views
from piggybank.bank import Bank
from piggybank.cardholders import Secrets
from piggybank.disputes import Disputes
from piggybank.faults import Faults, Settings
from piggybank.journal import Journal
from piggybank.later import Later
from piggybank.records import Record
from piggybank.settlements import Settlements
from piggybank.state import State

HOST = "127.0.0.1"
API_KEY = "test-key"
WEBHOOK_SECRET = "webhook-secret"
MERCHANT = "org_1:test"
VISA = "4242424242424242"
EXPIRY = {"exp_month": 12, "exp_year": 2030}
START_SECONDS_MAX = 30.0
EVENT_SECONDS_MAX = 20.0


class House:
    """A bank on a folder. `again()` ends it and starts it from its journal."""

    def __init__(self, folder: Path, *, late_approval: float = 0.0, settles_daily: bool = False, **faults: Any) -> None:
        self.folder = folder
        self.settles_daily = settles_daily
        self.now = 1_800_000_000_000
        self.faults = Faults(random.Random(1))  # noqa: S311 - the same accidents each time
        self.faults.settings = Settings(late_approval=late_approval, **faults)
        self._numbers = itertools.count()
        self._open()

    def _open(self) -> None:
        self.journal = Journal(self.folder)
        self.state = State(self.journal, Secrets(b"k" * 32), lambda: self.now)
        self.state.restore()
        self.disputes = Disputes(self.state)
        self.bank = Bank(self.state, self.faults)
        self.settlements = Settlements(self.state, daily=self.settles_daily)
        self.later = Later(self.state, self.disputes, self.bank.customers, self.settlements)

    def again(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self.journal.close()

    def reference(self) -> str:
        return f"r{next(self._numbers)}"

    def authorize(self, number: str = VISA, amount: int = 1000, **options: Any) -> views.Operation:
        card = {
            name: options.pop(name)
            for name in ("cvc", "line1", "postal_code", "exp_month", "exp_year")
            if name in options
        }
        fields: dict[str, Any] = {"reference": self.reference(), "merchant": MERCHANT, "currency": "usd"}
        fields |= {"amount": amount, "capture": True} | options
        given = msgspec.convert(EXPIRY | {"number": number} | card, requests.Card)
        return self.bank.authorize(requests.Authorization(card=given, **fields))[0]

    def ask(self, amount: int = 1000, **options: Any) -> views.OperationWithoutCard:
        """Without a card: by `vpa`, `link=True`, `bank` or `wallet`, or by the members of the wire."""
        body = {"reference": self.reference(), "merchant": MERCHANT, "currency": "inr", "capture": True}
        shown = self.bank.authorize_without_card(
            msgspec.convert(body | {"amount": amount} | without_card(options), requests.AuthorizationWithoutCard)
        )[0]
        assert isinstance(shown, views.OperationWithoutCard)
        return shown

    def act(self, authorization: str, act: str) -> views.Operation:
        request = msgspec.convert({"merchant": MERCHANT, "act": act}, requests.CustomerAct)
        return self.bank.customers.act(authorization, request)[0]

    def open_wallet(self, balance: int, currency: str = "inr") -> str:
        opened = self.bank.customers.open_wallet(requests.NewWallet(balance=balance, currency=currency))[0]
        return str(opened["id"])

    def balance(self, wallet_id: str) -> int:
        return int(self.bank.customers.wallet(wallet_id)[0]["balance"])

    def complete(self, authorization: str, authentication: str = "passed") -> views.Operation:
        request = self._convert(requests.Completion, authentication=authentication)
        return self.bank.complete(authorization, request)[0]

    def capture(self, authorization: str, amount: int, *, final: bool = True) -> views.Operation:
        return self.bank.capture(authorization, self._convert(requests.Capture, amount=amount, final=final))[0]

    def increment(self, authorization: str, amount: int) -> views.Operation:
        return self.bank.increment(authorization, self._convert(requests.Increment, amount=amount))[0]

    def void(self, authorization: str) -> views.Operation:
        return self.bank.void(authorization, self._convert(requests.Void))[0]

    def refund(self, authorization: str, amount: int) -> views.Operation:
        return self.bank.refund(authorization, self._convert(requests.Refund, amount=amount))[0]

    def reverse(self, reverses: str) -> views.Operation:
        return self.bank.reverse(self._convert(requests.Reversal, reverses=reverses))[0]

    def look(self, operation: views.Operation) -> views.Operation:
        """As it is now."""
        return self.bank.inquire(operation.merchant, operation.reference)[0]

    def open_account(self, **fields: Any) -> dict[str, Any]:
        request = msgspec.convert({"balance": 5000, "currency": "usd"} | EXPIRY | fields, requests.NewAccount)
        return self.bank.open_account(request)[0]

    def account(self, account_id: str) -> dict[str, Any]:
        return self.bank.account(account_id).view()

    def pass_time(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        self.later.run()

    def records(self) -> list[Record]:
        return [self.journal.read(number) for number in range(1, self.journal.last + 1)]

    def told(self) -> list[dict[str, Any]]:
        """The bodies of all webhooks."""
        return [json.loads(bytes(record.event.body)) for record in self.records() if record.event is not None]

    def _convert(self, kind: type[Any], **fields: Any) -> Any:
        return msgspec.convert({"reference": self.reference(), "merchant": MERCHANT} | fields, kind)


def without_card(options: dict[str, Any]) -> dict[str, Any]:
    """The members of the wire that stand for a shorter word."""
    short: dict[str, Callable[[Any], dict[str, Any]]] = {
        "vpa": lambda vpa: {"upi": {"flow": "collect", "vpa": vpa}},
        "link": lambda _: {"upi": {"flow": "intent"}},
        "bank": lambda code: {"net_banking": {"bank_code": code}},
        "wallet": lambda wallet_id: {"wallet": {"wallet_id": wallet_id}} if isinstance(wallet_id, str) else {},
    }
    members: dict[str, Any] = {}
    for name, value in options.items():
        members |= short[name](value) if name in short else {name: value}
    return members


def asked(reference: str, amount: int = 1000, **options: Any) -> dict[str, Any]:
    """A body for the wire, without a card."""
    body = {"reference": reference, "merchant": MERCHANT, "amount": amount, "currency": "inr", "capture": True}
    return body | without_card(options)


def authorization(reference: str, amount: int = 1000, number: str = VISA, **fields: Any) -> dict[str, Any]:
    """A body for the wire."""
    card = {"number": number} | EXPIRY
    body = {"reference": reference, "merchant": MERCHANT, "amount": amount, "currency": "usd", "capture": True}
    return body | {"card": card} | fields


@dataclass
class BankServer:
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it listens, which it says on its standard output."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIGGYBANK_")}
        command = [sys.executable, "-m", "piggybank", "serve", "--exit-with-stdin", "--port", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.folder / "data"), "--fault-seed", "1", "--settle-on-demand"],
                env=environment | {"PIGGYBANK_API_KEY": API_KEY} | self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().decode()
        assert said, f"died at its start: {(self.folder / 'log').read_text()}"
        self.port = int(said.rsplit(":", 1)[1])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """By the end of its standard input; returns the exit status."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.wait()

    def discard(self) -> None:
        if self.process is not None:
            self.kill()

    def wait(self) -> int:
        """For its end; returns the exit status."""
        assert self.process is not None
        status = self.process.wait(START_SECONDS_MAX)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        return status

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=EVENT_SECONDS_MAX)

    def call(self, method: str, path: str, body: object = None, key: str = API_KEY) -> tuple[int, dict[str, Any]]:
        connection = self.connection()
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def post(self, path: str, body: object) -> dict[str, Any]:
        status, answer = self.call("POST", path, body)
        assert status == 200, answer
        return answer

    def inquire(self, reference: str) -> dict[str, Any] | None:
        status, answer = self.call("GET", f"/v1/operations?merchant={MERCHANT}&reference={reference}")
        assert status in (200, 404), answer
        return answer if status == 200 else None

    def set_faults(self, **faults: Any) -> None:
        status, answer = self.call("PUT", "/v1/faults", faults)
        assert status == 200, answer

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", f"/v1/journal?after={len(entries)}&limit=500")[1]
            if not page["entries"]:
                return entries
            entries += page["entries"]
            assert page["last"] == entries[-1]["seq"]


def until(condition: Callable[[], bool]) -> None:
    """For what a process does by itself and tells nobody."""
    deadline = time.monotonic() + EVENT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def served(folder: Path, **environment: str) -> Iterator[BankServer]:
    bank = BankServer(folder, environment)
    bank.start()
    try:
        yield bank
    finally:
        bank.discard()


class Receiver:
    """Takes webhooks; answers with the statuses it was given, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses) or [200]
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.paths.append(self.path)
                self.send_response(receiver._take(dict(self.headers.items()), body))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}/hooks?from=bank"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _take(self, headers: dict[str, str], body: bytes) -> int:
        with self._arrived:
            self.received.append((headers, body))
            self._arrived.notify_all()
            return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]

    def answer(self, *statuses: int) -> None:
        with self._arrived:
            self._statuses = list(statuses)

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.received) >= count, EVENT_SECONDS_MAX), self.received
            return list(self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
