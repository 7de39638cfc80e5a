"""Honest clients under fault: each makes customers, and asks again with the same key until it is answered."""

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.faults.process import ServerProcess

CLIENTS = 6
HANG_UPS = 0.05  # of the requests: the client goes away before it has read the answer
REPLAYS = 0.1  # of the answered requests are sent once more


@dataclass(frozen=True)
class Order:
    """One thing that a client wants to happen once."""

    name: str
    key: str


@dataclass(frozen=True)
class Acknowledged:
    order: Order
    body: bytes

    @property
    def id(self) -> str:
        return str(json.loads(self.body)["id"])


@dataclass
class Load:
    server: ServerProcess
    api_key: str
    seed: int
    # The planted bug: a client (or a server that forgets) for which each try is a new request.
    forgets_its_key: bool = False
    retries: bool = True
    acknowledged: list[Acknowledged] = field(default_factory=list)
    unanswered: list[Order] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._server_is_up = threading.Event()
        self._server_is_up.set()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Lets every client bring its last order to its end."""
        self._stopping.set()
        self._server_is_up.set()
        for thread in self._threads:
            thread.join()

    def server_goes_down(self) -> None:
        self._server_is_up.clear()

    def server_is_back(self) -> None:
        self._server_is_up.set()

    def wait_for_acknowledged(self, more: int) -> None:
        with self._changed:
            target = len(self.acknowledged) + more
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= target or bool(self.complaints), 60)

    def _run(self, number: int) -> None:
        client = _Client(self, number)
        try:
            for count in range(1_000_000):
                if self._stopping.is_set():
                    return
                name = f"order-{self.seed}-{number}-{count}"
                order = Order(name, f"key-{name}")
                body = client.carry_out(order)
                if body is None:
                    self.unanswered.append(order)
                    return
                with self._changed:
                    self.acknowledged.append(Acknowledged(order, body))
                    self._changed.notify_all()
        except Exception as problem:  # a thread's error would be lost
            self._complain(f"client {number}: {type(problem).__name__}: {problem}")
        finally:
            client.hang_up()

    def _complain(self, complaint: str) -> None:
        with self._changed:
            self.complaints.append(complaint)
            self._changed.notify_all()

    def wait_until_up(self) -> None:
        assert self._server_is_up.wait(60), "the server did not come back"


class _Client:
    """One keep-alive connection and what it has been through."""

    def __init__(self, load: Load, number: int) -> None:
        self._load = load
        self._chance = random.Random(f"{load.seed}/{number}")  # noqa: S311 - to be replayed, not to be secret
        self._connection: http.client.HTTPConnection | None = None

    def carry_out(self, order: Order) -> bytes | None:
        tries = 0
        while True:
            tries += 1
            key = f"{order.key}-try-{tries}" if self._load.forgets_its_key else order.key
            answer = self._try(order.name, key, may_hang_up=tries == 1)
            if answer is not None and answer[0] == 200:
                break
            if answer is not None and answer[0] not in (409, 503):
                raise AssertionError(f"answered {answer[0]}: {answer[1]!r}")
            if not self._load.retries:
                return None
        if not self._load.forgets_its_key and self._load.retries and self._chance.random() < REPLAYS:
            self._replay(order, answer[1])
        return answer[1]

    def _replay(self, order: Order, body: bytes) -> None:
        again = self._try(order.name, order.key, may_hang_up=False)
        if again is not None and again[0] == 200 and again[1] != body:
            raise AssertionError(f"{order.key} was answered {body!r} and then {again[1]!r}")

    def _try(self, name: str, key: str, *, may_hang_up: bool) -> tuple[int, bytes] | None:
        """Status and body, or None when there was no answer and nobody knows what happened."""
        try:
            connection = self._connection = self._connection or self._load.server.connection()
            post(connection, self._load.api_key, name, key)
            if may_hang_up and self._load.retries and self._chance.random() < HANG_UPS:
                self.hang_up()
                return None
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            if self._load.retries:
                self._load.wait_until_up()
            return None

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def post(connection: http.client.HTTPConnection, api_key: str, name: str, key: str) -> None:
    connection.request(
        "POST",
        "/v1/customers",
        urlencode({"name": name, "metadata[order]": name}),
        {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": key,
        },
    )


def get(connection: http.client.HTTPConnection, api_key: str, path: str) -> tuple[int, bytes]:
    connection.request("GET", path, headers={"Authorization": f"Bearer {api_key}"})
    response = connection.getresponse()
    return response.status, response.read()


def every_customer(connection: http.client.HTTPConnection, api_key: str) -> list[dict[str, Any]]:
    """All there are, by the list's own pages."""
    found: list[dict[str, Any]] = []
    path = "/v1/customers?limit=100"
    while True:
        status, body = get(connection, api_key, path)
        assert status == 200, body
        page = json.loads(body)
        found += page["data"]
        if not page["has_more"]:
            return found
        path = f"/v1/customers?limit=100&starting_after={found[-1]['id']}"
