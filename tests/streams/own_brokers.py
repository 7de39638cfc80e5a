"""Brokers that a test may kill: each in a folder and on a port of its own, started anew on what it had written."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import redis

from bursar.streams.schemas import InstallationStream
from tests.streams import harness

NAME = "payments"
KEPT = ("--appendonly", "yes", "--appendfsync", "always")
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


class OwnBroker(ABC):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def stream(self) -> InstallationStream: ...

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    async def bodies(self, at_least: int) -> list[bytes]:
        """Everything that it has kept."""

    def environment(self) -> dict[str, str]:
        return {}

    def user(self) -> dict[str, Any]:
        """As whom it runs."""
        return {}

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            env=os.environ | self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self.user(),
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def listening(self) -> None:
        async def there() -> bool:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return True
            return False

        await harness.until(there)


class OwnNats(OwnBroker):
    # Whom it lets in: everybody, or one user.
    access: tuple[str, ...] = ()

    def command(self) -> list[str]:
        program = shutil.which("nats-server", path=SEARCHED) or "nats-server"
        place = ("-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder))
        return [program, *place, *self.access]

    def stream(self) -> InstallationStream:
        return harness.stream("nats", NAME, f"nats://127.0.0.1:{self.port}", declare=True)

    async def bodies(self, at_least: int) -> list[bytes]:
        import nats

        client = await nats.connect(f"nats://127.0.0.1:{self.port}")
        try:
            found: list[bytes] = []
            subscription = await client.jetstream().pull_subscribe(f"{NAME}.>", durable="accounting")
            while True:
                try:
                    messages = await subscription.fetch(
                        500, timeout=harness.SECONDS_MAX if len(found) < at_least else 0.2
                    )
                except TimeoutError:
                    return found
                for message in messages:
                    await message.ack()
                found += [message.data for message in messages]
        finally:
            await client.close()


class OwnRedis(OwnBroker):
    """With its log of commands, written before it answers: otherwise Redis forgets what it has confirmed."""

    def command(self) -> list[str]:
        program = shutil.which("redis-server", path=SEARCHED) or "redis-server"
        options = ("--bind", "127.0.0.1", "--port", str(self.port), "--save", "", *KEPT)
        return [program, "--dir", str(self.folder), *options]

    def stream(self) -> InstallationStream:
        return harness.stream("redis", NAME, f"redis://127.0.0.1:{self.port}/0")

    async def bodies(self, at_least: int) -> list[bytes]:
        with redis.Redis(port=self.port) as client:
            entries: Any = client.xrange(NAME)
        return [fields[b"event"] for _, fields in entries]


class OwnRabbitMQ(OwnBroker):
    """As scripts/services starts it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        kit: Any = importlib.import_module("scripts.service_kit.servers")
        processes: Any = importlib.import_module("scripts.service_kit.processes")
        self._server = kit.SERVERS["rabbitmq"]
        user = processes.server_user(self._server.user)
        self._as_user = processes.as_user(user)
        # Where that user may come to: the folders of tests are their owner's alone.
        self.folder = Path("/var/tmp") / f"bursar-killed-{os.getpid()}-{self.port}"  # noqa: S108 - removed by the test
        self.folder.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(self.folder, user)
        self._place = kit.Place(folder=self.folder, port=self.port, user=user)
        self._server.prepare(self._place)

    def command(self) -> list[str]:
        found: list[str] = self._server.command(self._place)
        return found

    def environment(self) -> dict[str, str]:
        found: dict[str, str] = self._server.environment(self._place)
        return found

    def user(self) -> dict[str, Any]:
        found: dict[str, Any] = self._as_user
        return found | {"start_new_session": True}

    def kill(self) -> None:
        """What it was started by, and the emulator below that."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, 9)
        super().kill()
        until = time.monotonic() + harness.SECONDS_MAX
        while self._listens() and time.monotonic() < until:
            time.sleep(0.02)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stream(self) -> InstallationStream:
        guest = {"username": "guest", "password": "guest"}
        return harness.stream("rabbitmq", NAME, f"amqp://127.0.0.1:{self.port}/", declare=True, credentials=guest)

    async def bodies(self, at_least: int) -> list[bytes]:
        import aio_pika

        connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{self.port}/")
        async with connection, asyncio.timeout(harness.SECONDS_MAX):
            queue = await (await connection.channel()).get_queue(NAME)
            found: list[bytes] = []
            while True:
                message = await queue.get(fail=False)
                if message is not None:
                    await message.ack()
                    found.append(message.body)
                elif len(found) >= at_least:
                    return found
                else:
                    await asyncio.sleep(0.05)
