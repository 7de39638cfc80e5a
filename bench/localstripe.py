"""`--localstripe`: the same payment on localstripe, a stand-in for Stripe that keeps everything in one process.

It is licensed under the GPL. So it is only ever run, as a process in an environment of its own, and neither imported
nor shipped. It has no bank to ask, and it dumps all that it holds into a file at every change, without a sync.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cases import PAYMENTS, Case
from bench.contestants import Bench
from bench.load import Measurement
from bench.processes import BenchError, Waiting, cpu_seconds, free_port, resident_mib, stop
from bench.wrk import POSTS, post, run_wrk

NAME = "localstripe"
PACKAGE = "localstripe==1.15.10"
ENVIRONMENT = Path("var/bench/localstripe").resolve()
DUMP = Path("/tmp/localstripe.pickle")  # noqa: S108 - where it writes to, whatever one asks for
INSTALL_SECONDS_MAX = 300
START_SECONDS_MAX = 15.0
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 10
SECONDS_MIN = 10  # with 64 connections the first answers take some seconds
CARD = {
    "type": "card",
    "card[number]": "4242424242424242",
    "card[exp_month]": "12",
    "card[exp_year]": "2030",
    "card[cvc]": "123",
}


@dataclass(frozen=True)
class Other:
    process: subprocess.Popen[bytes]
    port: int
    api_key: str = "sk_test_bench"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def install() -> None:
    """Into an environment of its own; raises a BenchError where it cannot be had."""
    if (ENVIRONMENT / "bin" / NAME).exists():
        return
    commands = (
        [sys.executable, "-m", "venv", str(ENVIRONMENT)],
        [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", PACKAGE],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False)
        if done.returncode:
            raise BenchError(f"{NAME} cannot be installed, so it was not measured: {done.stderr.strip()[-300:]}")


def measure_localstripe(bench: Bench) -> Measurement:
    """On an empty one, without a warm-up: each payment makes the next one dearer."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as name, _running(Path(name)) as other:
        folder, case = Path(name), _case(other)
        memory, cpu = resident_mib(other.process.pid), cpu_seconds(other.process.pid)
        result = run_wrk(other, folder, POSTS, max(bench.seconds, SECONDS_MIN), bench.connections, **post(case))
        cpu = cpu_seconds(other.process.pid) - cpu
        memory_after = resident_mib(other.process.pid)
    requests = int(result["requests"])
    return Measurement(
        case=PAYMENTS.name,
        name=NAME,
        requests=requests,
        requests_per_second=requests / (result["microseconds"] / 1e6),
        p50_ms=result["p50_us"] / 1000,
        p99_ms=result["p99_us"] / 1000,
        cpu_ms=cpu * 1000 / requests,
        load_cpu_ms=result["cpu_seconds"] * 1000 / requests,
        resident_mib_before=memory,
        resident_mib_after=memory_after,
    )


def _case(other: Other) -> Case:
    """It takes no card with a payment, so all payments use one payment method that is made before."""
    method = _post(other, "/v1/payment_methods", CARD)["id"]
    form = f"amount=2000&currency=usd&confirm=true&payment_method={method}&metadata[order]={{order}}"
    first = _post(other, PAYMENTS.path, dict(urllib.parse.parse_qsl(form.replace("{order}", "1"))))
    if first.get("status") != "succeeded":
        raise BenchError(f"{NAME} does not carry the payment out: {first}")
    return replace(PAYMENTS, form=form)


def _post(other: Other, path: str, fields: dict[str, str]) -> dict[str, object]:
    request = urllib.request.Request(
        other.url + path,
        data=urllib.parse.urlencode(fields).encode(),
        headers={"Authorization": f"Bearer {other.api_key}"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        answer: dict[str, object] = json.load(response)
    return answer


@contextmanager
def _running(folder: Path) -> Iterator[Other]:
    if DUMP.exists():
        raise BenchError(f"{DUMP} belongs to another {NAME}; end that and remove the file")
    port, log = free_port(), folder / f"{NAME}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(ENVIRONMENT / "bin" / NAME), "--port", str(port), "--from-scratch"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    other = Other(process, port)
    try:
        waiting = Waiting(f"the start of {NAME}", START_SECONDS_MAX, process, log)
        while not _answers(other):
            waiting.pause(POLL_SECONDS)
        time.sleep(POLL_SECONDS)
        yield other
    finally:
        stop(process)
        DUMP.unlink(missing_ok=True)


def _answers(other: Other) -> bool:
    try:
        _post(other, "/v1/customers", {"description": "first"})
    except OSError:
        return False
    return True
