"""Runs wrk with one of the Lua scripts, in a process of its own; any answer but a good one is an error."""

from __future__ import annotations

import json
import os
import resource
import secrets
import subprocess
from pathlib import Path
from typing import Any, Protocol

from bench.cases import Case
from bench.processes import BenchError, program

SCRIPTS = Path(__file__).parent
POSTS = SCRIPTS / "posts.lua"
LOOKUPS = SCRIPTS / "lookups.lua"
GRACE_SECONDS = 60
# One thread sends far more than one server on two cores answers; a second would only take from it.
THREADS = "1"


class Address(Protocol):
    """Whoever is asked."""

    @property
    def url(self) -> str: ...

    @property
    def api_key(self) -> str: ...


def post(case: Case) -> dict[str, str]:
    """What posts.lua is to send."""
    return {"BENCH_PATH": case.path, "BENCH_FORM": case.form}


def run_wrk(
    address: Address, folder: Path, script: Path, seconds: int, connections: int, **variables: str
) -> dict[str, Any]:
    """The figures that done.lua writes, and the processor time that wrk itself took."""
    result_file = folder / "wrk.json"
    result_file.unlink(missing_ok=True)
    # By the environment, as the arguments of a process can be read by anybody.
    variables |= {
        "BENCH_API_KEY": address.api_key,
        "BENCH_SEED": str(secrets.randbits(31)),
        "BENCH_RESULT": str(result_file),
        "BENCH_DONE": str(SCRIPTS / "done.lua"),
    }
    before = _own_seconds()
    done = subprocess.run(
        [
            program("wrk"),
            *("-t", THREADS, "-c", str(connections), "-d", f"{seconds}s", "--timeout", "10s"),
            *("-s", str(script), address.url),
        ],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_SECONDS,
        check=False,
    )
    if done.returncode or not result_file.exists():
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()[-500:]}")
    result: dict[str, Any] = json.loads(result_file.read_text())
    if any(result["errors"].values()):
        raise BenchError(f"of {result['requests']} requests some failed: {result['errors']}")
    if not result["requests"]:
        raise BenchError("wrk got no answer at all")
    return result | {"cpu_seconds": _own_seconds() - before}


def _own_seconds() -> float:
    """Of the children that have ended; servers that go on running are not among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
