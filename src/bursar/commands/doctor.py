"""`bursar doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import typer
from sqlalchemy import text

from bursar.accounts.rules import DEVELOPMENT_KEYS, hash_key
from bursar.accounts.tables import api_keys
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import EXIT_FOUND_WRONG, JSON_OPTION, console, print_json, print_table
from bursar.kit.clock import SystemClock
from bursar.kit.errors import BursarError
from bursar.kit.scrub import scrub_text
from bursar.processes import repository, rules
from bursar.settings import Settings
from bursar.store import schema
from bursar.store.engine import Engines, describe_url
from bursar.store.errors import DatabaseNotSupported
from bursar.store.migrations import HEAD
from bursar.workers.registry import ROLES, chosen

FREE_BYTES_MIN = 1024**3
OPEN_FILES_MIN = 4_096
CLOCK_YEAR_MIN = 2026
SYNC_MS_SLOW = 20.0

State = Literal["good", "warning", "wrong"]


class Finding(msgspec.Struct):
    check: str
    state: State
    found: str
    remedy: str = ""


def doctor(data: FolderOption = None, config: ConfigOption = None, as_json: bool = JSON_OPTION) -> None:
    """Look at settings, database and machine; say what is wrong and how to mend it."""
    findings = examine(config, data)
    wrong = any(finding.state == "wrong" for finding in findings)
    if as_json:
        print_json({"healthy": not wrong, "findings": findings})
    else:
        colours = {"good": "[green]good[/]", "warning": "[yellow]warning[/]", "wrong": "[bold red]wrong[/]"}
        rows = [msgspec.to_builtins(finding) | {"state": colours[finding.state]} for finding in findings]
        print_table(rows, ["check", "state", "found", "remedy"])
        console.print("\nSomething is wrong." if wrong else "\nNothing stands in the way.")
    if wrong:
        raise typer.Exit(EXIT_FOUND_WRONG)


def examine(config: Path | None, data: Path | None = None) -> list[Finding]:
    findings = [_python(), _open_files(), _clock()]
    try:
        settings = chosen_settings(config, data)
    except BursarError as problem:
        return [*findings, Finding("settings", "wrong", "cannot be used", str(problem))]
    findings += [_settings(settings), _port(settings), _metrics(settings)]
    try:
        engines = Engines(settings.database_url, readers=1, writers=1)
    except DatabaseNotSupported as problem:
        return [*findings, Finding("database", "wrong", "cannot be used", str(problem))]
    try:
        return findings + _database(engines, settings)
    finally:
        engines.close()


def _settings(settings: Settings) -> Finding:
    try:
        chosen(settings.worker_roles)
    except BursarError as problem:
        return Finding("settings", "wrong", "worker_roles", str(problem))
    return Finding("settings", "good", "valid")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", "good", version)


def _open_files() -> Finding:
    if sys.platform == "win32":
        return Finding("open files", "good", "not limited")
    import resource

    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES_MIN:
        return Finding("open files", "warning", f"at most {soft}", f"raise the limit: ulimit -n {OPEN_FILES_MIN}")
    return Finding("open files", "good", f"at most {soft}")


def _clock() -> Finding:
    year = time.gmtime().tm_year
    if year < CLOCK_YEAR_MIN:
        return Finding("clock", "wrong", f"says it is {year}", "set the clock, for example with chrony or timedatectl")
    return Finding("clock", "good", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


def _port(settings: Settings) -> Finding:
    address = f"{settings.host}:{settings.port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            return Finding(
                "port",
                "warning",
                f"{address}: {problem.strerror}",
                "fine if Bursar runs already; else set BURSAR_PORT",
            )
    return Finding("port", "good", f"{address} is free")


def _metrics(settings: Settings) -> Finding:
    if settings.metrics_token is None:
        return Finding(
            "metrics",
            "good",
            "from this machine only",
            "set BURSAR_METRICS_TOKEN to let Prometheus in from elsewhere",
        )
    return Finding("metrics", "good", "with a token")


def _database(engines: Engines, settings: Settings) -> list[Finding]:
    try:
        version = schema.current_version(engines.reading)
    except BursarError as problem:
        remedy = "start the database, or correct BURSAR_DATABASE_URL; see the server's own log"
        return [Finding("database", "wrong", scrub_text(str(problem)), remedy)]
    findings = [Finding("database", "good", describe_url(engines.url))]
    findings.append(_schema(version))
    findings += _storage(engines)
    if version == HEAD:
        findings += [_development_keys(engines, settings), _workers(engines)]
    return findings


def _schema(version: str | None) -> Finding:
    if version == HEAD:
        return Finding("schema", "good", HEAD)
    if version is not None and version > HEAD:
        return Finding("schema", "wrong", f"{version}, newer than {HEAD}", "run the version of Bursar that made it")
    return Finding("schema", "warning", version or "empty", "run bursar migrate, or just start the server")


def _storage(engines: Engines) -> list[Finding]:
    checks: dict[str, Callable[[Engines], list[Finding]]] = {
        "sqlite": _sqlite_storage,
        "postgresql": _postgresql_sync,
    }
    check = checks.get(engines.dialect_name)
    return check(engines) if check else []


def _sqlite_storage(engines: Engines) -> list[Finding]:
    if not engines.url.database or engines.url.database.startswith("file:"):
        return [Finding("disk", "warning", "in memory", "nothing is kept; set a file")]
    folder = Path(engines.url.database).resolve().parent
    free = shutil.disk_usage(folder).free
    state: State = "good" if free >= FREE_BYTES_MIN else "warning"
    remedy = "" if state == "good" else "make room: a full disk stops every payment"
    return [Finding("disk", state, f"{free // 1024**2} MiB free in {folder}", remedy), _sync_speed(folder)]


def _sync_speed(folder: Path) -> Finding:
    """How long the disk takes to promise something: every commit waits for it."""
    probe = folder / ".bursar-doctor"
    try:
        with probe.open("wb") as file:
            started = time.perf_counter()
            for _ in range(5):
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
            milliseconds = (time.perf_counter() - started) * 200
    except OSError as problem:
        return Finding("disk sync", "wrong", str(problem.strerror), f"make {folder} writable")
    finally:
        probe.unlink(missing_ok=True)
    slow = milliseconds > SYNC_MS_SLOW
    return Finding(
        "disk sync",
        "warning" if slow else "good",
        f"{milliseconds:.1f} ms",
        "use a faster disk" if slow else "",
    )


def _postgresql_sync(engines: Engines) -> list[Finding]:
    findings = []
    with engines.reading.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            value = str(connection.execute(text(f"SHOW {name}")).scalar())
            if value == "off":
                findings.append(
                    Finding(name, "wrong", "off", f"set {name} = on: without it acknowledged payments can be lost")
                )
    return findings or [Finding("durability", "good", "fsync and synchronous_commit are on")]


def _development_keys(engines: Engines, settings: Settings) -> Finding:
    hashes = [hash_key(key, settings.secret_key) for key in DEVELOPMENT_KEYS]
    with engines.reading.connect() as connection:
        found = connection.execute(api_keys.select().where(api_keys.c.key_hash.in_(hashes))).first()
    if found is not None and settings.development:
        return Finding("keys", "good", "the development keys, as dev mode has them")
    if found is not None:
        return Finding("keys", "warning", "development keys are stored", "they are refused; revoke them all the same")
    return Finding("keys", "good", "no development keys")


def _workers(engines: Engines) -> Finding:
    """Whether everything that is to be done beside the requests is done somewhere, on whichever host."""
    since = rules.alive_since(SystemClock().now_microseconds())
    with engines.reading.connect() as connection:
        view = rules.view(tuple(ROLES), repository.find_alive(connection, since))
    if not view.processes:
        return Finding("workers", "warning", "no process runs", "fine before the start; bursar serve, bursar worker")
    idle = rules.idle(view)
    if idle:
        remedy = "start bursar worker --role " + " --role ".join(idle) + ", or name them in BURSAR_WORKER_ROLES"
        return Finding("workers", "wrong", "nowhere: " + ", ".join(idle), remedy)
    return Finding("workers", "good", f"every role runs; processes: {len(view.processes)}")
