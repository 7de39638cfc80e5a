"""The running bank: journal, state, sockets, timers and webhooks put together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from piggybank.api import Api
from piggybank.bank import Bank
from piggybank.cardholders import Secrets
from piggybank.crash import CrashPoint
from piggybank.disputes import Disputes
from piggybank.faults import Faults
from piggybank.journal import Committer, Journal, JournalDamaged, sync_folder
from piggybank.later import Later
from piggybank.protocol import Connection
from piggybank.records import OPERATION_KINDS, Record
from piggybank.replies import Reply
from piggybank.settlements import Settlements
from piggybank.state import State
from piggybank.webhooks import Deliveries, Sender

KEY_NAME = "key"
KEY_BYTES = 32
BACKLOG = 2_048
EXIT_DEFECT = 70
FINISH_SECONDS_MAX = 5.0
# A timer is set again after a change; many changes in a burst set it once.
TIMER_SECONDS_MIN = 0.01
TIMER_SECONDS_MAX = 3_600.0


class Options(msgspec.Struct, kw_only=True, frozen=True):
    host: str
    port: int
    data: Path
    api_key: str
    webhook_url: str = ""
    webhook_secret: str = ""
    public_url: str = ""
    exit_with_stdin: bool = False
    crash_at: str = ""
    fault_seed: int | None = None
    settles_daily: bool = True


class Server:
    def __init__(self, options: Options) -> None:
        self.faults = Faults(random.Random(options.fault_seed))  # noqa: S311 - accidents, no secrets
        self.connections: set[Connection] = set()
        self._options = options
        self._crash = CrashPoint(options.crash_at)
        self._journal = Journal(options.data)
        self._state = State(self._journal, Secrets(own_key(options.data)))
        self._state.restore()
        disputes = Disputes(self._state)
        bank = Bank(self._state, self.faults)
        settlements = Settlements(self._state, daily=options.settles_daily)
        self.api = Api(self._state, bank, disputes, settlements, self.faults, options.api_key, options.webhook_secret)
        self._later = Later(self._state, disputes, bank.customers, settlements)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_is_due_soon = False
        self._committer: Committer | None = None
        self._deliveries: Deliveries | None = None
        self._stopping = asyncio.Event()
        gc.freeze()  # what was restored stays; looking through it again and again would cost pauses

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._committer = Committer(self._journal, self._committed)
        if self._options.webhook_url:
            sender = Sender(self._options.webhook_url, self._options.webhook_secret)
            self._deliveries = Deliveries(self._state, sender, self._from_thread)
        self._state.keeping = self._keeping
        self._state.broken = _end_after_defect
        self._state.changed = self._changed
        self._committer.start()
        server = await loop.create_server(
            lambda: Connection(self), self._options.host, self._options.port, backlog=BACKLOG
        )
        host, port = server.sockets[0].getsockname()[:2]
        self.api.origin = self._options.public_url.rstrip("/") or f"http://{_reachable(host)}:{port}"
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if self._options.exit_with_stdin:
            threading.Thread(target=self._watch_stdin, name="stdin", daemon=True).start()
        sys.stdout.write(f"PiggyBank is ready at http://{host}:{port}\n")
        sys.stdout.flush()
        self._set_timer()
        await self._stopping.wait()
        await self._stop(server)

    def answer_when_durable(self, reply: Reply, then: Callable[[], None]) -> None:
        if not self._crash.is_set or not reply.operation:
            self._journal.when_durable(reply.durable, then)
            return

        def answer() -> None:
            self._crash.passed("after_journal_before_answer")
            then()

        self._journal.when_durable(reply.durable, answer)

    def _keeping(self, record: Record) -> None:
        if record.kind in OPERATION_KINDS:
            self._crash.passed("before_journal")

    def _changed(self, soon: bool) -> None:
        assert self._committer is not None, "changes come after the start"
        self._committer.wake()
        if soon:
            self._set_timer_soon()

    def _committed(self, durable: int) -> None:
        """From the journal's thread: one wake-up of the loop for all who wait."""
        self._from_thread(lambda: self._settle(durable))

    def _settle(self, durable: int) -> None:
        self._journal.settle(durable)
        if self._deliveries is not None and self._deliveries.has_new():
            self._set_timer_soon()

    def _from_thread(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: it will be sent again after the next start
            self._loop.call_soon_threadsafe(call)

    def _set_timer_soon(self) -> None:
        """Once for a burst of changes."""
        if not self._timer_is_due_soon:
            self._timer_is_due_soon = True
            self._loop.call_later(TIMER_SECONDS_MIN, self._set_timer)

    def _set_timer(self) -> None:
        """For the next thing that is to happen by itself."""
        self._timer_is_due_soon = False
        waits = [TIMER_SECONDS_MAX]
        due = self._later.next_due()
        if due is not None:
            waits.append((due - self._state.clock()) / 1000)
        if self._deliveries is not None:
            delivery = self._deliveries.next_due()
            if delivery is not None:
                waits.append(delivery - time.monotonic())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(min(waits), TIMER_SECONDS_MIN), self._tick)

    def _tick(self) -> None:
        self._later.run()
        if self._deliveries is not None:
            self._deliveries.run()
        self._set_timer()

    def _watch_stdin(self) -> None:
        """Whoever started this has ended, however it did, when nobody holds the other end any more."""
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self._from_thread(self._stopping.set)

    async def _stop(self, server: asyncio.Server) -> None:
        """No new requests; those that were begun get their answers."""
        server.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._deliveries is not None:
            self._deliveries.stop()
        until = self._loop.time() + FINISH_SECONDS_MAX
        while self.connections and self._loop.time() < until:
            for connection in list(self.connections):
                connection.close_when_idle()
            await asyncio.sleep(TIMER_SECONDS_MIN)
        assert self._committer is not None, "it was started with the server"
        self._committer.stop()
        self._journal.close()


def _reachable(host: str) -> str:
    """Who listens everywhere is at least here."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it is compared, nobody listens here
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _end_after_defect() -> None:
    """The journal is right and memory is not: whoever starts the bank again reads it from there."""
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(EXIT_DEFECT)


def own_key(folder: Path) -> bytes:
    """What cards are hashed with; made at the first start."""
    path = folder / KEY_NAME
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_BYTES)
        new = path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        new.rename(path)
        sync_folder(folder)
    if len(key) != KEY_BYTES:
        raise JournalDamaged(f"{path} does not hold a key")
    return key


def run(options: Options) -> None:
    server = Server(options)
    if sys.platform == "win32":
        asyncio.run(server.run())
    else:
        import uvloop

        uvloop.run(server.run())
