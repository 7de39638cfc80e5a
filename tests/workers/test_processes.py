"""`bursar worker` as an operator starts it: beside a server that does none of it, killed, ended, asked."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bursar.workers.registry import ROLES
from tests.faults.process import PROGRAM, ServerProcess, clean_environment, dev_server
from tests.faults.production import production_server, run_command
from tests.notifications.mail_servers import mail_server
from tests.secrets_of_production import secret_variables
from tests.webhooks.receivers import OK, Received, receiving
from tests.wire.harness import SECRET_KEY, _free_port

TAKEN_OVER_SECONDS_MAX = 60
EVENTS = 60


def worker_on(folder: Path, name: str, *arguments: str, environment: dict[str, str] | None = None) -> ServerProcess:
    port = _free_port()
    return ServerProcess(["worker", "--port", str(port), *arguments], port, folder / f"{name}.log", environment or {})


@asynccontextmanager
async def started(*processes: ServerProcess) -> AsyncIterator[None]:
    try:
        for process in processes:
            await asyncio.to_thread(process.start)
        yield
    finally:
        for process in processes:
            process.discard()


def ask(server: ServerProcess, method: str, path: str, fields: dict[str, Any] | None = None) -> tuple[int, Any]:
    connection = server.connection()
    try:
        headers = {"Authorization": f"Bearer {SECRET_KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields or {}), headers)
        answer = connection.getresponse()
        body = answer.read()
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status, json.loads(body) if is_json else body.decode()
    finally:
        connection.close()


def done(server: ServerProcess, path: str, fields: dict[str, Any]) -> Any:
    status, told = ask(server, "POST", path, fields)
    assert status == 200, told
    return told


async def slowly(_received: Received, writer: Any) -> bool:
    await asyncio.sleep(0.05)
    writer.write(OK)
    return True


def test_a_killed_worker_is_followed_by_another_and_nothing_is_lost_or_sent_under_another_id(tmp_path: Path) -> None:
    api = dev_server(tmp_path, {"BURSAR_WORKER_ROLES": "none"})
    of_data = ("--data", str(tmp_path / "data"), "--role", "webhooks")
    first, second = (worker_on(tmp_path, name, *of_data) for name in ("first", "second"))

    async def scenario() -> None:
        async with receiving(slowly) as receiver, started(api, first):
            endpoint = {"url": receiver.url, "enabled_events[]": "customer.created"}
            await asyncio.to_thread(done, api, "/v1/webhook_endpoints", endpoint)
            made = set()
            for number in range(EVENTS):
                made.add((await asyncio.to_thread(done, api, "/v1/customers", {"name": str(number)}))["id"])
            await receiver.until_received(3, TAKEN_OVER_SECONDS_MAX)
            first.kill()
            before = len(receiver.received)
            assert before < EVENTS, "it was killed in the midst of it"
            async with started(second):
                await receiver.until(
                    lambda: {one.event_id for one in receiver.received} >= wanted(receiver.received, made),
                    TAKEN_OVER_SECONDS_MAX,
                )
            bodies: dict[str, set[bytes]] = {}
            for one in receiver.received:
                bodies.setdefault(one.event_id, set()).add(one.body)
            assert {len(each) for each in bodies.values()} == {1}
            told = {json.loads(body)["data"]["object"]["id"] for [body] in bodies.values()}
            assert (told, len(bodies)) == (made, EVENTS)

    def wanted(received: Sequence[Received], made: set[str]) -> set[str]:
        """Empty once every customer was told of."""
        told = {json.loads(one.body)["data"]["object"]["id"] for one in received}
        return set() if told >= made else {"not yet"}

    asyncio.run(scenario())


def test_a_server_without_work_and_a_worker_without_api_are_one_platform(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with mail_server(tmp_path) as mails:
            with production_server(tmp_path, f"sqlite:///{tmp_path / 'bursar.db'}") as server:
                environment = {
                    **server.environment,
                    "BURSAR_WORKER_ROLES": "none",
                    "BURSAR_REGISTRATION": "verified",
                    "BURSAR_SMTP_URL": mails.url,
                    "BURSAR_MAIL_FROM": "Bursar <bursar@example.com>",
                }
                server.environment = environment
                worker = worker_on(tmp_path, "worker", environment=environment)
                async with started(server):
                    assert await asyncio.to_thread(doctors_finding, environment) == (
                        1,
                        "wrong",
                        "nowhere: " + ", ".join(ROLES),
                    )
                    await asyncio.to_thread(register, server)
                    async with started(worker):
                        async with asyncio.timeout(TAKEN_OVER_SECONDS_MAX):
                            await mails.mailbox.taken.wait()
                        assert mails.mailbox.recipients == ["ada@example.com"]
                        code, state, found = await asyncio.to_thread(doctors_finding, environment)
                        assert (code, state) == (0, "good"), found
                        assert ask(worker, "GET", "/healthz")[0] == 200
                        assert "bursar_store_units_written" in ask(worker, "GET", "/metrics")[1]
                        for closed in ("/v1/customers", "/docs", "/hooks/piggybank", "/api/v1/org/profile"):
                            assert ask(worker, "GET", closed)[0] == 404
                        assert await asyncio.to_thread(worker.terminate) in (0, -signal.SIGTERM)
                    assert await asyncio.to_thread(server.terminate) in (0, -signal.SIGTERM)
                assert (await asyncio.to_thread(doctors_finding, environment))[1:] == ("warning", "no process runs")

    asyncio.run(scenario())


def register(server: ServerProcess) -> None:
    wanted = {
        "organization": "Shop",
        "email": "ada@example.com",
        "password": "a password that nobody has",
        "category": "retail",
        "pin": "482915",
    }
    connection = server.connection()
    connection.request("POST", "/api/v1/org/register", json.dumps(wanted), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def doctors_finding(environment: dict[str, str]) -> tuple[int, str, str]:
    """The exit code, and what is said of workers."""
    ended = run_command(environment, "doctor", "--json")
    [finding] = [one for one in json.loads(ended.stdout)["findings"] if one["check"] == "workers"]
    return ended.returncode, finding["state"], finding["found"]


def test_a_worker_without_a_port_listens_nowhere_and_ends_in_order(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / "log").open("wb") as log:
        data = {"BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'data' / 'bursar.db'}", "BURSAR_DEVELOPMENT": "true"}
        secrets = {"BURSAR_SECRET_KEY": "s" * 40, "BURSAR_LOG_LEVEL": "info"}
        environment = clean_environment() | data | secrets
        process = subprocess.Popen([PROGRAM, "worker"], env=environment, stdout=log, stderr=log)
    try:
        asyncio.run(until_it_works(environment))
        assert listening_sockets(process.pid) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(TAKEN_OVER_SECONDS_MAX) == 0, (tmp_path / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert doctors_finding(environment)[2] == "no process runs", "it has said that it ends"
    assert "Traceback" not in (tmp_path / "log").read_text()


async def until_it_works(environment: dict[str, str]) -> None:
    async with asyncio.timeout(TAKEN_OVER_SECONDS_MAX):
        while True:
            ended = await asyncio.to_thread(run_command, environment, "doctor", "--json")
            if "every role runs" in ended.stdout:
                return


def listening_sockets(pid: int) -> list[str]:
    """As the kernel tells them: state 0A is listening."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    return [line for line in lines if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in inodes]


@pytest.mark.parametrize("arguments", [("--role", "webhook"), ("--role", "none", "--role", "webhooks")], ids="-".join)
def test_a_role_that_is_not_there_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    environment = {"BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bursar.db'}", "BURSAR_DEVELOPMENT": "true"}
    ended = run_command(environment, "worker", *arguments)
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False), ended.stderr
    assert "There is no role named" in ended.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_whose_setting_names_no_role_does_not_start(tmp_path: Path, workers: str) -> None:
    environment = {
        "BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bursar.db'}",
        "BURSAR_WORKER_ROLES": "webhook",
        **secret_variables(),
    }
    ended = run_command(environment, "serve", "--port", str(_free_port()), "--workers", workers)
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False), ended.stderr
    assert "There is no role named 'webhook'" in ended.stderr
