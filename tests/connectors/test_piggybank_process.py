"""PiggyBank's connector through the contract, against the bank itself in a process of its own."""

import asyncio
import http.client
import http.server
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import piggybank_cards
from bursar.connectors import declines
from bursar.connectors.registry import Registry
from tests.connectors.contract import SECONDS_MAX, Bench, ConnectorContract, Fault, Till, Webhook

PROGRAM = Path(sys.executable).parent / "piggybank"
API_KEY = "key-of-this-test"
SECRET = "secret of the webhooks"
WAIT_SECONDS_MAX = 20
FAULTS: dict[Fault, dict[str, Any]] = {
    "drop_reply": {"drop_reply": 1},
    "slow": {"latency_ms": int(SECONDS_MAX * 20_000)},
    "refuse": {"refuse": 1},
    "duplicate_reply": {"duplicate_reply": 1},
    "bad_gateway": {"bad_gateway": 1},
}
DISPUTED, WARNED, REFUND_FAILS, REFUND_WAITS = (
    "4000000000000259",
    "4000000000005423",
    "4000000000005126",
    "4000000000007726",
)
Message = tuple[dict[str, str], bytes]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes webhooks as they come."""

    received: "queue.Queue[Message]" = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.put((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def receiver_port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join(WAIT_SECONDS_MAX)
    server.server_close()


@pytest.fixture(scope="module")
def port(receiver_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("piggybank")
    environment = os.environ | {
        "PIGGYBANK_API_KEY": API_KEY,
        "PIGGYBANK_WEBHOOK_URL": f"http://127.0.0.1:{receiver_port}/",
        "PIGGYBANK_WEBHOOK_SECRET": SECRET,
    }
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", "0", "--data", folder, "--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    with process:
        try:
            assert process.stdout is not None
            ready = re.search(rb":(\d+)\s*$", process.stdout.readline())
            assert ready is not None, "the bank did not start"
            yield int(ready[1])
        finally:
            process.terminate()
            try:
                process.wait(WAIT_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def registry_at(port: int) -> Registry:
    return Registry(f"http://127.0.0.1:{port}", API_KEY, SECRET, SECONDS_MAX)


def put_faults(port: int, faults: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS_MAX)
    connection.request("PUT", "/v1/faults", json.dumps(faults), {"Authorization": f"Bearer {API_KEY}"})
    assert connection.getresponse().status == 200
    connection.close()


class TestPiggyBank(ConnectorContract):
    @pytest.fixture(autouse=True)
    def _bank(self, port: int) -> Iterator[None]:
        self.port = port
        yield
        put_faults(port, {})

    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[Bench]:
        async def set_fault(fault: Fault | None) -> None:
            await asyncio.to_thread(put_faults, self.port, {} if fault is None else FAULTS[fault])

        registry = registry_at(self.port)
        yield Bench(registry, registry.account_for("org_1", False), set_fault, registry_at, webhooks)

    @pytest.mark.parametrize("card", piggybank_cards.DECLINE_CARDS, ids=lambda card: card.decline)
    def test_every_decline_of_the_bank_has_its_row(self, card: piggybank_cards.TestCard) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            outcome = await bench.registry.carry_out(till.authorize(card.number))
            assert outcome.kind == "declined"
            assert outcome.decline is not None
            assert outcome.decline.code == card.decline
            assert declines.find(outcome.decline.code).code == card.decline

        self.run(scenario)

    def test_a_refund_that_waits_is_pending(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            sale = await bench.registry.carry_out(till.authorize(REFUND_WAITS))
            assert (await bench.registry.carry_out(till.refund(sale.bank_reference, 100))).kind == "pending"

        self.run(scenario)

    def test_live_and_test_are_apart(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            sale = await bench.registry.carry_out(till.authorize())
            live = bench.registry.account_for("org_1", True)
            refund = till.refund(sale.bank_reference, 100)
            refused = await bench.registry.carry_out(msgspec.structs.replace(refund, account=live))
            assert refused.kind == "declined"

        self.run(scenario)

    def test_an_approval_that_came_after_its_reversal_needs_a_reversal_of_its_own(self) -> None:
        async def scenario(bench: Bench, till: Till) -> None:
            carry_out, order = bench.registry.carry_out, till.authorize()
            question, reversal = till.inquire(order.operation_id), till.reversal(order.operation_id)
            await asyncio.to_thread(put_faults, self.port, {"late_approval": 1})
            await carry_out(order)
            assert (await carry_out(reversal)).kind == "succeeded"
            assert (await carry_out(question)).reversed
            (subject,) = await _told("authorization.approved", {order.operation_id})
            assert subject["reversed"] is False
            # The same reversal again is only answered again; it is another one that counts.
            for attempt, is_reversed in ((reversal, False), (till.reversal(order.operation_id), True)):
                assert (await carry_out(attempt)).kind == "succeeded"
                assert (await carry_out(question)).reversed is is_reversed

        self.run(scenario)


async def _told(kind: str, references: set[str]) -> list[dict[str, Any]]:
    """Waits until the bank has told this of all of them."""
    subjects = []
    while references:
        _, body = await asyncio.to_thread(Receiver.received.get, timeout=WAIT_SECONDS_MAX)
        message = json.loads(body)
        (subject,) = message["data"].values()
        if message["type"] == kind and subject["reference"] in references:
            references = references - {subject["reference"]}
            subjects.append(subject)
    return subjects


async def webhooks(till: Till) -> list[Webhook]:
    """Lets what is to come later come, and returns what the bank sent of it."""
    carry_out = till.bench.registry.carry_out
    expected: dict[tuple[str, str], dict[str, Any]] = {}
    for number, event, kind in (
        (DISPUTED, "dispute.opened", "dispute_opened"),
        (WARNED, "fraud_warning.opened", "fraud_warning"),
    ):
        order = till.authorize(number)
        sale = await carry_out(order)
        common = {"kind": kind, "bank_reference": sale.bank_reference, "operation_id": order.operation_id}
        expected[event, order.operation_id] = common
    for number, event, kind in (
        (REFUND_FAILS, "refund.failed", "refund_failed"),
        (REFUND_WAITS, "refund.succeeded", "refund_succeeded"),
    ):
        sale = await carry_out(till.authorize(number))
        back = till.refund(sale.bank_reference, 700)
        refund = await carry_out(back)
        expected[event, back.operation_id] = {
            "kind": kind,
            "bank_reference": refund.bank_reference,
            "operation_id": back.operation_id,
            "amount_minor": 700,
            "currency": "usd",
        }
    found = []
    while expected:
        headers, body = await asyncio.to_thread(Receiver.received.get, timeout=WAIT_SECONDS_MAX)
        message = json.loads(body)
        (subject,) = message["data"].values()
        members = expected.pop((message["type"], subject["reference"]), None)
        if members is not None:
            signed_at = re.search(r"t=(\d+)", headers["PiggyBank-Signature"])
            assert signed_at is not None
            found.append(Webhook(headers, body, int(signed_at[1]), members | {"merchant": till.bench.account.merchant}))
    return found
