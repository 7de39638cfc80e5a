"""`--profile payments`: where the processor time of a request goes, by package and by function.

py-spy looks at the server from outside many times a second while wrk loads it, so the server does nothing for it.
A look counts for the innermost function of a package that is named here: what the interpreter does for `store`
in SQLAlchemy counts as `store`. Code in C has no frames and counts for whoever called it. What each thread used is
the kernel's count; looks only divide it, so a wait within a thread that is not idle, as for the disk, takes its share.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.cases import Case
from bench.contestants import Bench
from bench.load import Measurement, warm_up
from bench.processes import BenchError, thread_seconds
from bench.wrk import POSTS, post, run_wrk

ENVIRONMENT = Path("var/bench/tools")
PACKAGE = "py-spy==0.4.3"
LOOKS_PER_SECOND = 250
INSTALL_SECONDS_MAX = 300
GRACE_SECONDS = 60
FUNCTIONS_SHOWN = 25
ELSEWHERE = "elsewhere"

# The first that fits the innermost fitting frame, by a part of its file's path or its function's name.
PARTS: tuple[tuple[str, str], ...] = (
    ("store: commit, waiting for the disk", "do_commit"),
    ("sealing the log", "bursar/events/"),
    ("log: what changed", "bursar/store/log.py"),
    ("search terms", "bursar/store/search_index.py"),
    ("store: write", "bursar/store/"),
    ("vault", "bursar/vault/"),
    ("methods", "bursar/methods/"),
    ("ledger", "bursar/ledger/"),
    ("attempts", "bursar/attempts/"),
    ("payments", "bursar/payments/"),
    ("customers", "bursar/customers/"),
    ("accounts", "bursar/accounts/"),
    ("bank call: aiohttp", " aiohttp/"),
    ("bank call: aiohttp", " yarl/"),
    ("bank call: aiohttp", " multidict/"),
    ("bank call: connector", "bursar/connectors/"),
    ("http: reading the form", "bursar/http/forms.py"),
    ("http: validation", "bursar/http/validation.py"),
    ("http: validation", "bursar/http/params.py"),
    ("http: documents as JSON", "bursar/http/endpoint.py"),
    ("http: idempotency", "bursar/http/idempotency.py"),
    ("http: once, twice durable", "bursar/http/execution.py"),
    ("http: protocol, sockets", "bursar/http/protocol.py"),
    ("http: protocol, sockets", " uvicorn/"),
    ("http: the rest", "bursar/http/"),
    ("ids, clock, kit", "bursar/kit/"),
    ("event loop, uvloop's sockets", " asyncio/"),
)
# Threads that wait are seen here, for work or for PostgreSQL's answer.
IDLE = ("_worker concurrent/futures/thread.py", "wait threading.py", "Connection.wait psycopg/connection.py")
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>.*?)(?::\d+)?\)$")
_THREAD = re.compile(r"^thread \((?P<number>\d+)\): (?P<name>.*)$")
_NUMBERED = re.compile(r"[-_]?\d+$")


@dataclass(frozen=True)
class Share:
    thread: str
    what: str
    cpu_ms: float  # of one request


@dataclass(frozen=True)
class Profile:
    looks: int
    threads: list[Share]
    parts: list[Share]
    functions: list[Share]  # the innermost only
    cpu_ms: float  # of one request while nobody looked
    requests_per_second: float


@dataclass(frozen=True)
class Look:
    """One stack, innermost first, as `function file`."""

    number: int  # of its thread
    thread: str
    frames: list[str]
    seen: int


def measure_profile(bench: Bench, case: Case, backend: str) -> Profile:
    spy = _install()
    with bench.empty(backend) as (server, folder):
        unwatched = bench.load(case, backend, server, folder)
        warm_up(case, server, folder, bench.connections)
        raw = folder / "looks.txt"
        command = [str(spy), "record", "--format", "raw", "--output", str(raw), "--threads", "--full-filenames"]
        command += ["--rate", str(LOOKS_PER_SECOND), "--duration", str(bench.seconds), "--subprocesses"]
        command += ["--pid", str(server.process.pid)]
        before = thread_seconds(server.process.pid)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as watching:
            try:
                run_wrk(server, folder, POSTS, bench.seconds + 1, bench.connections, **post(case))
                _, complaint = watching.communicate(timeout=GRACE_SECONDS)
            finally:
                if watching.poll() is None:
                    watching.kill()
        after = thread_seconds(server.process.pid)
        if not raw.exists():
            raise BenchError(f"py-spy saw nothing: {complaint.decode(errors='replace').strip()[-400:]}")
        looks = list(read_looks(raw.read_text()))
    used = {number: seconds - before.get(number, 0.0) for number, seconds in after.items()}
    return _profile(looks, used, unwatched)


def read_looks(text: str) -> Iterator[Look]:
    """A line is a thread and its stack, outermost first and parted by semicolons, and how often it was seen."""
    for line in text.splitlines():
        stack, _, seen = line.rpartition(" ")
        frames = stack.split(";")
        thread = next((found for frame in frames[:2] if (found := _THREAD.match(frame))), None)
        inner = [f"{found['function']} {_short(found['file'])}" for frame in frames if (found := _FRAME.match(frame))]
        if thread is not None and inner and not inner[-1].endswith(IDLE):
            name = _NUMBERED.sub("", thread["name"])
            yield Look(int(thread["number"]), name, inner[::-1], int(seen))


def show_profile(name: str, profile: Profile) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(
        f"{name}: {profile.cpu_ms:.3f} ms of CPU for a request, {profile.requests_per_second:,.0f} requests/s; "
        f"{profile.looks:,} looks\n"
    )
    for what, shares in (
        ("", profile.threads),
        ("part", profile.parts),
        ("function, itself", profile.functions[:FUNCTIONS_SHOWN]),
    ):
        table = Table(box=None)
        table.add_column("thread", no_wrap=True)
        table.add_column(what, no_wrap=True)
        for heading in ("ms", "share"):
            table.add_column(heading, justify="right")
        for share in shares:
            table.add_row(share.thread, share.what, f"{share.cpu_ms:.3f}", f"{share.cpu_ms / profile.cpu_ms:.1%}")
        console.print(table, "")


def _profile(looks: Sequence[Look], used: Mapping[int, float], unwatched: Measurement) -> Profile:
    """What the threads used is divided by what they were seen at."""
    cpu_ms = unwatched.cpu_ms or 0.0
    total = sum(used.values()) or 1.0
    seen: Counter[int] = Counter()
    for look in looks:
        seen[look.number] += look.seen
    threads: dict[tuple[str, str], float] = defaultdict(float)
    parts: dict[tuple[str, str], float] = defaultdict(float)
    functions: dict[tuple[str, str], float] = defaultdict(float)
    for look in looks:
        milliseconds = cpu_ms * used.get(look.number, 0.0) / total * look.seen / seen[look.number]
        threads[look.thread, ""] += milliseconds
        parts[look.thread, _part(look.frames)] += milliseconds
        functions[look.thread, look.frames[0]] += milliseconds
    return Profile(
        looks=seen.total(),
        threads=_shares(threads),
        parts=_shares(parts),
        functions=_shares(functions),
        cpu_ms=cpu_ms,
        requests_per_second=unwatched.requests_per_second,
    )


def _shares(found: Mapping[tuple[str, str], float]) -> list[Share]:
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return [Share(thread, what, milliseconds) for (thread, what), milliseconds in ordered]


def _part(frames: Sequence[str]) -> str:
    for frame in frames:
        for label, fragment in PARTS:
            if fragment in frame:
                return label
    return ELSEWHERE


def _short(file: str) -> str:
    """From the package on."""
    return re.sub(r"^.*/(?:src|site-packages|lib/python3\.\d+)/", "", file)


def _install() -> Path:
    spy = ENVIRONMENT / "bin" / "py-spy"
    if spy.exists():
        return spy
    commands = (
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", PACKAGE],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False)
        if done.returncode:
            raise BenchError(f"py-spy cannot be installed: {done.stderr.strip()[-300:]}")
    return spy
