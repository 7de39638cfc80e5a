"""A small bank behind a real socket that speaks PiggyBank's HTTP API and misbehaves on demand."""

import asyncio
import itertools
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

API_KEY = "key-of-the-fake-bank"
DECLINES = {"4000000000009995": ("51", "insufficient_funds"), "4000000000000069": ("54", "expired")}
CHALLENGE = "4000002760003184"
Operation = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[["FakeBank", Seen, asyncio.StreamWriter], Awaitable[bool]]
"""Answers in its own way; says whether the connection stays open."""


@dataclass
class FakeBank:
    """All state in memory; `answers` are taken one per request, then `answer_always`, then the bank itself."""

    answers: list[Answer] = field(default_factory=list)
    answer_always: Answer | None = None
    seen: list[Seen] = field(default_factory=list)
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)
    bodies: dict[tuple[str, str], Any] = field(default_factory=dict)
    barred: set[tuple[str, str]] = field(default_factory=set)
    connections: int = 0
    port: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}" if self.tls is None else f"https://localhost:{self.port}"

    async def __aenter__(self) -> "FakeBank":
        self._numbers = itertools.count(1)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def close_idle_connections(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while (request := await _read(reader)) is not None:
                self.seen.append(request)
                answer = self.answers.pop(0) if self.answers else self.answer_always or honest
                if not await answer(self, request, writer):
                    break
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def carry_out(self, request: Seen) -> tuple[int, dict[str, Any]]:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return 401, _error("unauthorized")
        parts = urlsplit(request.target)
        steps = parts.path.strip("/").split("/")[1:]
        if request.method == "GET":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            found = self.operations.get((query["merchant"], query["reference"]))
            return (200, found) if found is not None else (404, _error("absent"))
        body = json.loads(request.body)
        key = (body["merchant"], body["reference"])
        if key in self.bodies and self.bodies[key] != (steps, body):
            return 409, _error("reference_reused")
        if key not in self.operations:
            self.bodies[key] = (steps, body)
            made = self._reverse(body) if steps == ["reversals"] else self._operate(steps, body, key)
            if "error" in made:
                return int(made.pop("status")), made
            self.operations[key] = made
        return 200, self.operations[key]

    def _operate(self, steps: list[str], body: dict[str, Any], key: tuple[str, str]) -> Operation:
        if key in self.barred:
            return self._new("authorization", body, status="declined", code="94", decline="duplicate")
        if steps == ["authorizations"]:
            return self._authorize(body)
        authorization = next((one for one in self.operations.values() if one["id"] == steps[1]), None)
        if authorization is None:
            return {"status": 404, **_error("not_found")}
        kind = {"complete": "completion"}.get(steps[2], steps[2].removesuffix("s"))
        made = self._new(kind, {**body, "currency": authorization["currency"]}, authorization=authorization["id"])
        if kind == "completion" and body["authentication"] == "failed":
            made.update(status="declined", code="Z2", decline="three_ds_failed", authentication="failed")
        elif kind == "completion":
            made.update(amount=authorization["amount"], authentication="passed")
            authorization["captured"] = authorization["amount"]
        elif kind == "capture":
            authorization["captured"] += body["amount"]
        elif kind == "refund" and authorization["refunded"] + body["amount"] > authorization["captured"]:
            made.update(status="declined", code="13", decline="invalid_amount")
        elif kind == "refund":
            authorization["refunded"] += body["amount"]
        elif kind == "void":
            authorization["voided"] = True
        return made

    def _authorize(self, body: dict[str, Any]) -> Operation:
        number = body["card"]["number"]
        if number in DECLINES:
            code, decline = DECLINES[number]
            return self._new("authorization", body, status="declined", code=code, decline=decline, advice_code="02")
        if number == CHALLENGE and not body.get("off_session"):
            return self._new("authorization", body, status="challenge")
        return self._new("authorization", body, captured=body["amount"] if body["capture"] else 0, fee=15)

    def _reverse(self, body: dict[str, Any]) -> Operation:
        target = (body["merchant"], body["reverses"])
        if target in self.operations:
            self.operations[target]["reversed"] = True
        else:
            self.barred.add(target)
        return self._new("reversal", {**body, "currency": None})

    def _new(self, kind: str, body: dict[str, Any], **changes: Any) -> Operation:
        name = f"{kind[:3]}_{next(self._numbers)}"
        return {
            "id": name, "kind": kind, "reference": body["reference"], "merchant": body["merchant"],
            "status": "approved", "authorization": name if kind == "authorization" else None,
            "amount": body.get("amount", 0), "currency": body["currency"], "code": "00", "decline": None,
            "advice_code": None, "authorization_code": "A1B2C3", "network_transaction_id": "n1",
            "retrieval_reference": "r1", "checks": {"cvc": "pass", "line1": None, "postal_code": None},
            "risk": {"level": "normal", "score": 12}, "authentication": "not_needed", "fee": 0,
            "available_at_once": False, "captured": 0, "refunded": 0, "reversed": False, "voided": False,
            "created": 1_800_000_000, **changes,
        }  # fmt: skip


def response(status: int, content: bytes, *more_headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(content)}", *more_headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


async def honest(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    status, content = bank.carry_out(request)
    writer.write(response(status, json.dumps(content).encode()))
    await writer.drain()
    return True


async def drop_reply(bank: FakeBank, request: Seen, _: asyncio.StreamWriter) -> bool:
    bank.carry_out(request)
    return False


async def close_untouched(_: FakeBank, __: Seen, ___: asyncio.StreamWriter) -> bool:
    return False


async def reset(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    bank.carry_out(request)
    writer.transport.abort()
    return False


async def never_answer(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    """Until the other side has had enough."""
    bank.carry_out(request)
    await writer.wait_closed()
    return False


async def answer_twice(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    await honest(bank, request, writer)
    return await honest(bank, request, writer)


async def close_after_answer(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    await honest(bank, request, writer)
    return False


def say(status: int, content: bytes, *more_headers: str) -> Answer:
    """Carries the order out, and says something else."""

    async def answer(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
        bank.carry_out(request)
        writer.write(response(status, content, *more_headers))
        await writer.drain()
        return True

    return answer


def say_bytes(content: bytes) -> Answer:
    """Whatever these bytes are, and then the end."""

    async def answer(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
        bank.carry_out(request)
        writer.write(content)
        await writer.drain()
        return False

    return answer


def _error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "in words"}}


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.decode().rstrip().split("\r\n")
    method, target, _ = request_line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, target, headers, body)
