"""Crash points: nothing without the variable, the end of the process at the pass that it names."""

import os
import subprocess
import sys

import pytest

from bursar.kit.crash import EXIT_CRASHED, POINTS, VARIABLE, CrashRefused, armed, reach

DEVELOPMENT = {"BURSAR_DEVELOPMENT": "true"}


def test_without_the_variable_nothing_happens_at_any_point() -> None:
    ended: list[int] = []
    pass_by = armed({}, ended.append)
    for point in POINTS:
        pass_by(point)
        reach(point)
    assert ended == []


def test_it_ends_at_the_named_pass_of_the_named_point_and_at_no_other() -> None:
    ended: list[int] = []
    come = armed(DEVELOPMENT | {VARIABLE: "before_send:3"}, ended.append)
    for point in POINTS:
        come(point)
    come("before_send")
    assert ended == []
    come("before_send")
    assert ended == [EXIT_CRASHED]


@pytest.mark.parametrize("text", ["nowhere", "before_send:0", "before_send:x", ":2", "before_send:-1"])
def test_what_names_no_point_is_refused_by_naming_those_that_there_are(text: str) -> None:
    with pytest.raises(CrashRefused, match="after_first_commit"):
        armed(DEVELOPMENT | {VARIABLE: text})


@pytest.mark.parametrize("development", [{}, {"BURSAR_DEVELOPMENT": "false"}])
def test_outside_development_it_is_refused(development: dict[str, str]) -> None:
    with pytest.raises(CrashRefused, match="for tests"):
        armed(development | {VARIABLE: "before_send"})


def test_the_process_ends_without_any_handler() -> None:
    program = "import atexit; from bursar.kit.crash import reach; atexit.register(print, 'late'); reach('before_send')"
    environment = dict(os.environ) | DEVELOPMENT | {VARIABLE: "before_send"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (EXIT_CRASHED, b"")
