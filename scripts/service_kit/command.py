"""The command line of scripts/services."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys

from . import packages, processes
from .errors import UnavailableError
from .keeper import keeper
from .processes import Process
from .servers import SERVERS, TOOLS

USAGE = """\
up     start the servers named (all when none is) and leave them running
down   stop them and remove their data
status say what runs
env    print the shell lines that tell the tests where the servers are
run    NAME ... -- COMMAND: start, run the command with their addresses, stop what this started
tools  install the programs that tests and measurements use: wrk, pgbench, chromium, nginx, apache2

A server whose address is given (BURSAR_TEST_POSTGRESQL_URL, ...) is used as it is; nothing is started.
What cannot be had is named and left out; with CI=true that makes the exit code 1.
"""


def main(arguments: list[str]) -> int:
    # So that `kill` unwinds as Ctrl-C does, and nothing that was started stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commands = {"up": _up, "down": _down, "status": _status, "env": _env, "run": _run, "tools": _tools}
    parser = argparse.ArgumentParser(
        prog="scripts/services", epilog=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=commands)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(SERVERS)}, or of {', '.join(TOOLS)}")
    mine: list[str] = arguments
    rest: list[str] = []
    if "--" in arguments:
        cut = arguments.index("--")
        mine, rest = arguments[:cut], arguments[cut + 1 :]
    asked = parser.parse_args(mine)
    known = list(TOOLS) if asked.command == "tools" else list(SERVERS)
    if unknown := [name for name in asked.name if name not in known]:
        parser.error(f"unknown: {', '.join(unknown)} (of {', '.join(known)})")
    if bool(rest) != (asked.command == "run"):
        parser.error("`run`, and only `run`, takes -- COMMAND")
    try:
        return commands[asked.command](asked.name or known, rest)
    except KeyboardInterrupt:
        return 130


def _say(name: str, text: str) -> None:
    print(f"{name}: {text}", file=sys.stderr, flush=True)


def _failed_in_ci(missing: bool) -> int:
    return int(missing and os.environ.get("CI") == "true")


def _start(names: list[str], user: Process | None, *, loud: bool) -> tuple[dict[str, str], bool]:
    """The addresses of what is to be had, and whether something was not."""
    addresses: dict[str, str] = {}
    missing = False
    for server in map(SERVERS.__getitem__, names):
        if given := os.environ.get(server.variable):
            addresses[server.variable] = given
            if loud:
                _say(server.name, f"the one given in {server.variable}")
            continue
        try:
            with keeper() as servers:
                running = servers.up(server, user=user)
        except UnavailableError as error:
            missing = True
            _say(server.name, f"not available: {error}")
            continue
        addresses[server.variable] = running.url
        if loud:
            _say(server.name, f"up, process {running.process.pid}, {running.url}")
    return addresses, missing


def _up(names: list[str], _: list[str]) -> int:
    return _failed_in_ci(_start(names, None, loud=True)[1])


def _down(names: list[str], _: list[str]) -> int:
    for name in names:
        with keeper() as servers:
            _say(name, "stopped" if servers.down(SERVERS[name]) else "was not running")
    return 0


def _status(names: list[str], _: list[str]) -> int:
    with keeper() as servers:
        for name in names:
            server, running = SERVERS[name], servers.running.get(name)
            if os.environ.get(server.variable):
                print(f"{name}: the one given in {server.variable}")
            elif running is None:
                print(f"{name}: {'not installed' if server.lacks() else 'not running'}")
            elif not running.process.alive:
                print(f"{name}: process {running.process.pid} has died; `up` starts it anew")
            else:
                print(f"{name}: up, process {running.process.pid}, {running.url}, data in {running.folder}")
    return 0


def _env(names: list[str], _: list[str]) -> int:
    with keeper() as servers:
        for server in map(SERVERS.__getitem__, names):
            running = servers.running.get(server.name)
            url = os.environ.get(server.variable) or (
                running.url if running is not None and running.process.alive else None
            )
            if url:
                print(f"export {server.variable}={shlex.quote(url)}")
    return 0


def _run(names: list[str], command: list[str]) -> int:
    user = Process.of(os.getpid())
    try:
        addresses, missing = _start(names, user, loud=False)
        code = _run_command(command, {**os.environ, **addresses})
    finally:
        _release(names, user)
    return code or _failed_in_ci(missing)


def _run_command(command: list[str], environment: dict[str, str]) -> int:
    """The command's exit code; signals are its business, and we outlive it to clean up."""
    try:
        child = subprocess.Popen(command, env=environment)
    except OSError as error:
        _say(command[0], str(error))
        return 127
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has sent it to the command as well
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, lambda number, _: child.send_signal(number))
    code = child.wait()
    return code if code >= 0 else 128 - code


def _release(names: list[str], user: Process) -> None:
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
    for name in names:
        with keeper() as servers:
            servers.release(SERVERS[name], user)


def _tools(names: list[str], _: list[str]) -> int:
    missing = False
    for name in names:
        programs, debian = TOOLS[name]
        try:
            if not any(map(processes.find_program, programs)):
                packages.install(debian)
            found = next(filter(None, map(processes.find_program, programs)), None)
            if found is None:
                raise UnavailableError(f"installed, but none of {', '.join(programs)} can be found")
        except UnavailableError as error:
            missing = True
            _say(name, f"not available: {error}")
        else:
            _say(name, found)
    return _failed_in_ci(missing)
