"""What is said of an order after everything that a connection and a bank can do to it."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import msgspec
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.connectors import call
from bursar.connectors.call import Bank, Refusal, Reply, Request
from bursar.connectors.connection import Connection
from bursar.connectors.contract import Authorize, Card, Inquire, Outcome
from bursar.connectors.pool import Pool
from bursar.connectors.registry import Registry
from bursar.connectors.wire import ANSWER_BYTES_MAX
from tests.connectors import fake_bank
from tests.connectors.fake_bank import API_KEY, Answer, FakeBank, Seen, response, say, say_bytes

PAN = "4242424242424242"
BUSY = json.dumps({"error": {"code": "busy", "message": "come back"}}).encode()
Scenario = Callable[[FakeBank, Registry], Coroutine[Any, Any, None]]
_loops: list[Callable[[], asyncio.AbstractEventLoop]] = []


@pytest.fixture(autouse=True, params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def _loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every scenario runs on the loop of the server, and on the one that is everywhere."""
    _loops.append(request.param)
    yield
    _loops.pop()


def run(scenario: Scenario, total_seconds_max: float = 2.0) -> None:
    async def whole() -> None:
        async with FakeBank() as bank:
            registry = Registry(bank.url, API_KEY, "secret", total_seconds_max)
            try:
                async with asyncio.timeout(20):
                    await scenario(bank, registry)
            finally:
                await registry.close()

    run_on_loop(whole())


def run_on_loop(whole: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=_loops[-1]) as runner:
        runner.run(whole)


def sale(registry: Registry, operation_id: str = "op_1", amount_minor: int = 2500) -> Authorize:
    card = Card(number=PAN, exp_month=12, exp_year=2034, cvc="737")
    account = registry.account_for("org_1", False)
    return Authorize(operation_id=operation_id, account=account, amount_minor=amount_minor, currency="usd", method=card)


def outcome_after(answer: Answer, total_seconds_max: float = 2.0) -> Outcome:
    """Of a sale on a connection that was used before."""
    found: list[Outcome] = []

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        assert (await registry.carry_out(sale(registry, "op_0"))).kind == "succeeded"
        bank.answers = [answer]
        found.append(await registry.carry_out(sale(registry)))
        assert len(bank.seen) == 2, "an order that was handed over must not be sent again"

    run(scenario, total_seconds_max)
    return found[0]


async def drip(_: FakeBank, __: Seen, writer: asyncio.StreamWriter) -> bool:
    """A byte now and then keeps every limit on silence content."""
    for byte in response(200, b"{}"):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)
    return True


async def belongs_to_another(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    _, content = bank.carry_out(request)
    writer.write(response(200, json.dumps({**content, "reference": "op_9"}).encode()))
    return True


async def say_much(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
    """The right answer, and far more space behind it than anybody needs."""
    _, content = bank.carry_out(request)
    writer.write(response(200, json.dumps(content).encode() + b" " * (2 * ANSWER_BYTES_MAX)))
    await writer.drain()
    return True


@pytest.mark.parametrize(
    "answer",
    [
        fake_bank.drop_reply,
        fake_bank.reset,
        fake_bank.close_untouched,
        belongs_to_another,
        say_much,
        say(200, b"<html>"),
        say(200, b"{}"),
        say(200, b"\xff\xfe"),
        say(200, b""),
        say(204, b""),
        say(302, b"{}", "Location: /v1/elsewhere"),
        say(400, b"<html>"),
        say(404, b'{"detail": "a proxy does not know the way"}'),
        say(500, b"<html>"),
        say(500, BUSY),
        say(502, b"<html>"),
        say(503, b"<html>busy</html>"),
        say(429, b"slow down"),
        say(504, BUSY),
        say_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        say_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        say_bytes(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
        say_bytes(b"SSH-2.0-OpenSSH_9.2\r\n"),
        say_bytes(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000),
    ],
)
def test_what_cannot_be_read_leaves_an_order_unknown(answer: Answer) -> None:
    assert outcome_after(answer).kind == "unknown"


@pytest.mark.parametrize("answer", [fake_bank.never_answer, drip])
def test_a_bank_that_takes_too_long_leaves_an_order_unknown(answer: Answer) -> None:
    started = time.monotonic()
    assert outcome_after(answer, total_seconds_max=0.4).kind == "unknown"
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_bank_that_says_that_it_did_nothing_was_sent_nothing(status: int) -> None:
    assert outcome_after(say(status, BUSY)).kind == "not_sent"


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    async def until_the_end(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
        _, content = bank.carry_out(request)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + json.dumps(content).encode())
        await writer.drain()
        return False

    assert outcome_after(until_the_end).kind == "succeeded"


def in_chunks(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)


def after_interim(content: bytes) -> bytes:
    return b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + response(200, content)


def as_the_last(content: bytes) -> bytes:
    return response(200, content, "Connection: close")


@pytest.mark.parametrize(("frame", "connections"), [(in_chunks, 1), (after_interim, 1), (as_the_last, 2)])
def test_an_answer_may_be_framed_in_other_ways(frame: Callable[[bytes], bytes], connections: int) -> None:
    async def answer(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
        _, content = bank.carry_out(request)
        for byte in frame(json.dumps(content).encode()):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        return True

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        bank.answers = [answer]
        for number in range(2):
            assert (await registry.carry_out(sale(registry, f"op_{number}"))).kind == "succeeded"
        assert bank.connections == connections

    run(scenario)


def test_a_refusal_with_another_answer_behind_it_may_be_that_of_an_earlier_order() -> None:
    """A refusal names no order; the one behind it is the answer to ours."""

    async def late(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
        _, content = bank.carry_out(request)
        refusal = response(400, json.dumps({"error": {"code": "declined"}}).encode())
        writer.write(refusal + response(200, json.dumps(content).encode()))
        return True

    assert outcome_after(late).kind == "unknown"


@pytest.mark.parametrize("ending", [b"", response(400, b'{"error": {"code": "declined"}}')])
def test_what_came_while_the_process_was_busy_is_seen_before_anything_is_sent(ending: bytes) -> None:
    """The bank closed the connection, or answered twice, and the event loop has not turned since."""

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        writers = []

        async def remember(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
            writers.append(writer)
            return await fake_bank.honest(bank, request, writer)

        bank.answers = [remember]
        assert (await registry.carry_out(sale(registry))).kind == "succeeded"
        peer = writers[0].get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(peer)) as copy:
            copy.sendall(ending)
            if not ending:
                copy.shutdown(socket.SHUT_RDWR)
        assert (await registry.carry_out(sale(registry, "op_2", 100))).amount_minor == 100
        assert bank.connections == 2
        assert len(bank.seen) == 2

    run(scenario)


def test_connections_are_kept_for_orders_and_fresh_for_questions() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        for number in range(5):
            assert (await registry.carry_out(sale(registry, f"op_{number}"))).kind == "succeeded"
        assert bank.connections == 1
        question = Inquire(operation_id="op_1", account=registry.account_for("org_1", False))
        for _ in range(2):
            assert (await registry.carry_out(question)).kind == "succeeded"
        assert bank.connections == 3

    run(scenario)


def test_a_connection_that_the_bank_closed_while_idle_costs_nothing() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        bank.answers = [fake_bank.close_after_answer] * 20
        for number in range(20):
            assert (await registry.carry_out(sale(registry, f"op_{number}"))).kind == "succeeded"
            await asyncio.sleep(0)
        assert len(bank.seen) == 20

    run(scenario)


@pytest.mark.parametrize(("times", "kind", "arrived"), [(1, "succeeded", 1), (2, "not_sent", 0)])
def test_an_order_of_which_nothing_was_handed_over_is_sent_once_more(
    monkeypatch: pytest.MonkeyPatch, times: int, kind: str, arrived: int
) -> None:
    """Connections that turn out to be closed before anything is written."""
    honest_open = Pool._open
    closed: list[Connection] = []

    async def open_closed(pool: Pool) -> Connection:
        connection = await honest_open(pool)
        if len(closed) < times:
            closed.append(connection)
            connection._transport.abort()
        return connection

    monkeypatch.setattr(Pool, "_open", open_closed)

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        assert (await registry.carry_out(sale(registry))).kind == kind
        assert len(bank.seen) == arrived

    run(scenario)


def test_an_order_that_broke_something_here_while_it_was_sent_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    honest_send = Connection.send

    def send(connection: Connection, request: bytes) -> None:
        honest_send(connection, request)
        raise RuntimeError(f"something about {PAN}")

    monkeypatch.setattr(Connection, "send", send)

    async def scenario(_: FakeBank, registry: Registry) -> None:
        outcome = await registry.carry_out(sale(registry))
        assert outcome.kind == "unknown"
        assert PAN not in repr(outcome)

    run(scenario)


def test_with_every_connection_in_use_an_order_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "CONNECTIONS_MAX", 2)

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        bank.answer_always = fake_bank.never_answer
        orders = [sale(registry, f"op_{number}") for number in range(4)]
        ended = [await call for call in asyncio.as_completed(map(registry.carry_out, orders))]
        assert [outcome.kind for outcome in ended] == ["not_sent", "not_sent", "unknown", "unknown"]
        assert len(bank.seen) == 2

    run(scenario, total_seconds_max=0.6)


def test_a_cancelled_call_is_cancelled_and_its_connection_not_used_again() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        arrived = asyncio.Event()

        async def hold(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
            arrived.set()
            return await fake_bank.never_answer(bank, request, writer)

        bank.answers = [hold]
        task = asyncio.create_task(registry.carry_out(sale(registry)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await registry.carry_out(sale(registry, "op_2", 100))).amount_minor == 100
        assert bank.connections == 2

    run(scenario)


def test_an_answer_that_nobody_asked_for_is_not_the_answer_to_the_next_order() -> None:
    """The bank answers once more, with an error that names no order, while the connection lies idle."""

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        writers = []

        async def remember(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
            writers.append(writer)
            return await fake_bank.honest(bank, request, writer)

        bank.answers = [remember]
        assert (await registry.carry_out(sale(registry))).kind == "succeeded"
        writers[0].write(response(400, json.dumps({"error": {"code": "declined"}}).encode()))
        await writers[0].drain()
        for _ in range(10):  # the loop looks at its sockets each time
            await asyncio.sleep(0)
        second = await registry.carry_out(sale(registry, "op_2", 100))
        assert (second.kind, second.amount_minor) == ("succeeded", 100)
        assert bank.connections == 2

    run(scenario)


def test_only_the_banks_own_word_makes_an_operation_absent() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        question = Inquire(operation_id="op_1", account=registry.account_for("org_1", False))
        for content in (b"", b"<html>", b"{}", b'{"error": "absent"}', b'{"error": {"code": "not_found"}}'):
            bank.answers = [say(404, content)]
            assert (await registry.carry_out(question)).kind == "unknown", content
        assert (await registry.carry_out(question)).kind == "absent"

    run(scenario)


def test_a_card_number_that_comes_back_is_taken_out() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        async def echo(bank: FakeBank, request: Seen, writer: asyncio.StreamWriter) -> bool:
            _, content = bank.carry_out(request)
            content = {**content, "authorization_code": PAN, "card": json.loads(request.body)["card"]}
            writer.write(response(200, json.dumps(content).encode()))
            return True

        error = {"error": {"code": "invalid", "message": f"bad card {PAN[:4]} {PAN[4:8]} {PAN[8:12]} {PAN[12:]}"}}
        bank.answers = [echo, say(400, json.dumps(error).encode())]
        first = await registry.carry_out(sale(registry))
        second = await registry.carry_out(sale(registry, "op_2"))
        assert (first.kind, second.kind) == ("succeeded", "declined")
        for written in (repr(first), repr(second), msgspec.json.encode((first, second)).decode()):
            assert PAN not in written.replace(" ", "")
            assert "737" not in written

    run(scenario)


def test_what_is_sent_is_what_the_bank_reads() -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        await registry.carry_out(sale(registry))
        (seen,) = bank.seen
        assert (seen.method, seen.target) == ("POST", "/v1/authorizations")
        assert seen.headers == {
            "host": f"127.0.0.1:{bank.port}",
            "accept": "application/json",
            "user-agent": "bursar",
            "authorization": f"Bearer {API_KEY}",
            "content-type": "application/json",
            "content-length": str(len(seen.body)),
        }
        assert json.loads(seen.body) == {
            "reference": "op_1",
            "merchant": "org_1:test",
            "amount": 2500,
            "currency": "usd",
            "capture": True,
            "card": {"number": PAN, "exp_month": 12, "exp_year": 2034, "cvc": "737"},
        }

    run(scenario)


def test_a_proxy_of_the_environment_never_sees_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def scenario(bank: FakeBank, registry: Registry) -> None:
        assert (await registry.carry_out(sale(registry))).kind == "succeeded"

    run(scenario)


def test_a_name_that_does_not_exist_was_sent_nothing() -> None:
    async def scenario() -> None:
        registry = Registry("http://bank.invalid", API_KEY, "secret", 4.0)
        assert (await registry.carry_out(sale(registry))).kind == "not_sent"
        await registry.close()

    run_on_loop(scenario())


def _request() -> Request[dict[str, Any]]:
    bank = Bank("http://bank", {}, lambda answer: msgspec.json.decode(answer, type=dict[str, Refusal])["error"])
    return Request(
        bank=bank,
        target=bank.post("/v1/orders?key=secret"),
        body=b"{}",
        read=lambda answer: msgspec.json.decode(answer, type=dict[str, Any]),
        belongs=lambda value: value.get("reference") == "op_1",
        secret=PAN,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(100, 599),
    st.one_of(st.binary(), st.sampled_from([BUSY, b'{"reference": "op_1"}', b'{"reference": "op_2"}', PAN.encode()])),
)
def test_any_answer_at_all_is_judged(status: int, answer: bytes) -> None:
    judged = call._judge(_request(), status, answer)
    if isinstance(judged, Reply):
        assert status < 300 or (400 <= status < 500 and status not in (401, 403, 429))
        assert (judged.value is None) != (judged.refusal is None)
        return
    assert judged.kind in ("not_sent", "unknown")
    if judged.kind == "not_sent":
        assert status in (401, 403, 429, 503)
        assert answer == BUSY


def test_requests_show_nothing_but_where_they_go() -> None:
    assert repr(_request()) == "Request(Target(/v1/orders))"


@pytest.mark.parametrize("orders_before", [0, 1])
def test_after_its_end_a_registry_sends_nothing_more(orders_before: int) -> None:
    async def scenario(bank: FakeBank, registry: Registry) -> None:
        for _ in range(orders_before):
            await registry.carry_out(sale(registry))
        await registry.close()
        assert (await registry.carry_out(sale(registry, "op_2"))).kind == "not_sent"
        assert len(bank.seen) == orders_before
        await registry.close()  # once more does no harm

    run(scenario)
