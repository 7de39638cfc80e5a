"""Payments through the official Go SDK, its answers held against Python's annotations."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services import go_program
from tests.wire.exchanges import Exchange, complaints, kinds

pytestmark = pytest.mark.service("go")

PROJECT = Path(__file__).parent / "go"
BUILD_SECONDS_MAX = 540  # the SDK is a large package, and is compiled once on a machine
# What makes that compilation shorter: no C, no second look at the code, and no optimisation of the SDK.
BUILD = ("-vet=off", "-ldflags=-s -w", "-gcflags=github.com/stripe/...=-N -l")


@dataclass(frozen=True)
class GoRun:
    passed: set[str]
    failed: set[str]
    output: str
    exchanges: list[Exchange]


@pytest.fixture(scope="module")
def go_run(sdk_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> GoRun:
    """One run of all its tests: what they were, and every answer that they received."""
    program = go_program()
    assert program is not None, "the service mark lets no test run without Go"
    received = tmp_path_factory.mktemp("go") / "exchanges.json"
    variables = {
        **sdk_environment,
        "CGO_ENABLED": "0",
        "EXCHANGES": str(received),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    done = subprocess.run(
        [program, "test", "-count=1", "-v", "-mod=readonly", *BUILD, "."],
        cwd=PROJECT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert received.exists(), f"the suite did not run:\n{done.stdout[-4000:]}"
    return GoRun(
        passed=set(re.findall(r"^--- PASS: (\w+)", done.stdout, re.MULTILINE)),
        failed=set(re.findall(r"^--- FAIL: (\w+)", done.stdout, re.MULTILINE)),
        output=done.stdout,
        exchanges=json.loads(received.read_text()),
    )


def test_every_test_of_the_suite_passes(go_run: GoRun) -> None:
    written = set(re.findall(r"^func (Test\w+)\(t ", (PROJECT / "payments_test.go").read_text(), re.MULTILINE))
    assert not go_run.failed, go_run.output
    assert go_run.passed == written


def test_every_answer_conforms_to_the_annotations(go_run: GoRun) -> None:
    assert complaints(go_run.exchanges) == []


def test_every_kind_of_answer_is_met(go_run: GoRun) -> None:
    assert {exchange["status"] for exchange in go_run.exchanges} == {200, 400, 401, 402, 403, 404}
    assert kinds(go_run.exchanges) >= {
        "balance_transaction",
        "charge",
        "customer",
        "list of event",
        "list of payment_intent",
        "payment_intent",
        "payment_method",
        "refund",
        "setup_intent",
        "search_result of payment_intent",
    }
