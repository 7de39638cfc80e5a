"""`bursar listen`, `trigger` and `events` against a running server, as their users call them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from bursar.cli import app
from bursar.commands import server_calls, trigger
from bursar.commands.happenings import OUT_OF_REACH, WAYS
from bursar.events.rules import PUBLIC_TYPES
from tests.ports import nobodys_port
from tests.webhooks.blocking import receiving
from tests.wire.harness import SECRET_KEY, RunningServer

EXIT_FOUND_WRONG, EXIT_USAGE, EXIT_UNAVAILABLE = 1, 2, 4
LINE_SECONDS_MAX = 30.0


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    with nobodys_port() as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("bursar")) as running:
        yield running


@pytest.fixture(autouse=True)
def without_a_server_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (server_calls.URL_VARIABLE, server_calls.KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={server_calls.URL_VARIABLE: url})


def run_json(url: str, *arguments: str) -> Any:
    result = run(url, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class Lines:
    """What a program says, as it says it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._thread.start()

    def next(self) -> Any:
        return json.loads(self._lines.get(timeout=LINE_SECONDS_MAX))

    def until(self, event_type: str) -> Any:
        while (line := self.next())["type"] != event_type:
            pass
        return line

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.put(line)


@contextmanager
def running(server: RunningServer, arguments: Sequence[str], said: Path) -> Iterator[Lines]:
    """A command that does not end by itself."""
    program = [str(Path(sys.executable).parent / "bursar"), *arguments, "--json"]
    environment = {**os.environ, server_calls.URL_VARIABLE: server.base_url}
    with said.open("w") as errors:
        process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield Lines(process)
        assert process.poll() is None, said.read_text()
    finally:
        process.kill()
        process.communicate()


def test_every_type_can_be_triggered_or_says_why_not(nobody: str) -> None:
    assert WAYS.keys() | OUT_OF_REACH.keys() == set(PUBLIC_TYPES)
    listed = run_json(nobody, "trigger", "--list")
    assert {one["type"] for one in listed if one["can_be_triggered"]} == WAYS.keys()
    shown = run(nobody, "trigger", "--list").stdout
    assert all(name in shown for name in PUBLIC_TYPES)
    for name, why in OUT_OF_REACH.items():
        refused = run(nobody, "trigger", name)
        assert (refused.exit_code, why in refused.stderr) == (EXIT_FOUND_WRONG, True)


def test_what_can_be_triggered_happens(server: RunningServer) -> None:
    def happens(name: str) -> str:
        event, about = trigger.until_told(server_calls.Server(server.base_url, SECRET_KEY), name)
        shown = server.raw("GET", f"/v1/events/{event.id}").json
        assert about in json.dumps(shown["data"]["object"])
        return str(shown["type"])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(happens, WAYS)) == list(WAYS)


def test_a_receiver_without_a_public_address_hears_signed_events_through_a_restart(
    server: RunningServer, tmp_path: Path
) -> None:
    with receiving() as receiver:
        arguments = ["listen", "--forward-to", receiver.url.removeprefix("http://"), "--types", "customer.*,refund.*"]
        with running(server, arguments, tmp_path / "said") as lines:
            # Whoever listens says the secret when it has begun, and not before.
            told = lines.next()
            assert told["forward_to"] == receiver.url
            first = run_json(server.base_url, "trigger", "customer.created")
            line = lines.next()
            assert (line["event"], line["type"], line["status"]) == (first["event"], "customer.created", 200)
            assert line["latency_milliseconds"] >= 0
            received = receiver.until(lambda one: first["about"].encode() in one.body)
            Webhook(told["secret"]).verify(received.body, received.headers)
            signature = received.headers["stripe-signature"]
            event = stripe.Webhook.construct_event(received.body, signature, told["secret"])
            assert event.id == first["event"] == received.headers["webhook-id"]
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(received.body + b" ", signature, told["secret"])

            server.__exit__(None, None, None)
            server.__enter__()
            receiver.status = 503
            second = run_json(server.base_url, "trigger", "customer.deleted")
            line = lines.until("customer.deleted")
            assert (line["event"], line["status"]) == (second["event"], 503)
        bodies = [json.loads(one.body)["id"] for one in receiver.received]
        assert len(bodies) == len(set(bodies)) == 3


def test_a_receiver_that_is_not_there_is_shown_as_such(server: RunningServer, nobody: str, tmp_path: Path) -> None:
    with running(server, ["listen", "--forward-to", f"{nobody}/hook"], tmp_path / "said") as lines:
        lines.next()
        run_json(server.base_url, "trigger", "customer.created")
        line = lines.next()
        assert (line["status"], "refused" in line["error"]) == (None, True)


def test_events_are_shown_as_they_come_and_those_of_before(server: RunningServer, tmp_path: Path) -> None:
    made = [run_json(server.base_url, "trigger", "customer.created")["event"] for _ in range(2)]
    arguments = ("events", "tail", "--types", "customer.created", "--last", "2", "--limit", "2")
    shown = [json.loads(line) for line in run(server.base_url, *arguments, "--json").stdout.splitlines()]
    assert [one["id"] for one in shown] == made
    assert shown[0] == server.raw("GET", f"/v1/events/{made[0]}").json
    text = run(server.base_url, *arguments).stdout.splitlines()
    assert [(made[index] in line, "cus_" in line) for index, line in enumerate(text)] == [(True, True)] * 2
    with running(server, ["events", "tail", "--types", "refund.*"], tmp_path / "said") as lines:
        # It begins when it is asked, so this may have been told before: once more, then.
        with ThreadPoolExecutor(1) as pool:
            heard = pool.submit(lines.next)
            while not heard.done():
                run_json(server.base_url, "trigger", "refund.created")
        assert heard.result()["type"].startswith("refund.")


def test_an_event_is_sent_again_to_those_who_had_it(server: RunningServer) -> None:
    with receiving() as receiver:
        wish = {"url": receiver.url, "enabled_events": ["customer.created"]}
        made = server.raw("POST", "/v1/webhook_endpoints", body=json.dumps(wish).encode(), headers=JSON).json
        other = server.raw(
            "POST",
            "/v1/webhook_endpoints",
            body=json.dumps({**wish, "enabled_events": ["refund.created"]}).encode(),
            headers=JSON,
        ).json
        try:
            told = run_json(server.base_url, "trigger", "customer.created")
            receiver.until(lambda one: one.event_id == told["event"])
            for more in ((), ("--endpoint", made["id"])):
                before = len(receiver.received)
                (again,) = run_json(server.base_url, "events", "resend", told["event"], *more)
                assert (again["endpoint"], again["event"], again["status"]) == (made["id"], told["event"], "pending")
                receiver.until(lambda _, before=before: len(receiver.received) > before)  # type: ignore[misc]
            assert {one.event_id for one in receiver.received} == {told["event"]}
            refused = run(server.base_url, "events", "resend", told["event"], "--endpoint", other["id"])
            assert (refused.exit_code, "has not had" in refused.stderr) == (EXIT_FOUND_WRONG, True)
        finally:
            for one in (made, other):
                server.raw("DELETE", f"/v1/webhook_endpoints/{one['id']}")


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["trigger", "payment.done"], EXIT_USAGE, "There is no type payment.done"),
        (["trigger"], EXIT_USAGE, "Name a type"),
        (["trigger", "charge.failed", "--api-key", "sk_live_1"], EXIT_USAGE, "live mode"),
        (["trigger", "charge.failed"], EXIT_UNAVAILABLE, "gives no answer"),
        (
            ["trigger", "charge.failed", "--url", "ftp://here", "--api-key", "sk_test_1"],
            EXIT_USAGE,
            "no address of a server",
        ),
        (["trigger", "charge.failed", "--url", "https://pay.example"], EXIT_USAGE, "API key"),
        (["listen", "--forward-to", "localhost:1025"], EXIT_UNAVAILABLE, "gives no answer"),
        (["listen", "--forward-to", "ftp://here"], EXIT_USAGE, "no address to send to"),
        (["listen", "--forward-to", "localhost:1025", "--secret", "mine"], EXIT_USAGE, "none of ours"),
        (["listen", "--forward-to", "localhost:1025", "--types", "charge*"], EXIT_USAGE, "There is no type"),
        (["events", "tail", "--types", "charge.suceeded"], EXIT_USAGE, "There is no type"),
        (["events", "resend", "evt_1/../2"], EXIT_USAGE, "no id of an event"),
        (["events", "resend", "evt_1"], EXIT_UNAVAILABLE, "gives no answer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_or_finds_nobody_is_said(nobody: str, arguments: list[str], code: int, said: str) -> None:
    result = run(nobody, *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_a_key_that_is_not_known_is_refused(server: RunningServer) -> None:
    for arguments in (["events", "tail"], ["trigger", "charge.failed"], ["events", "resend", "evt_1"]):
        refused = run(server.base_url, *arguments, "--api-key", "sk_test_unknown")
        assert (refused.exit_code, "refuses" in refused.stderr) == (EXIT_FOUND_WRONG, True)
    unknown = run(server.base_url, "events", "resend", "evt_unknown")
    assert (unknown.exit_code, "No such event" in unknown.stderr) == (EXIT_FOUND_WRONG, True)
