"""The description at /openapi.json held against the server that gives it, by cases that nobody thought of."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from tests.faults.process import ServerProcess, dev_server
from tests.wire.harness import HOST, SECRET_KEY

CASES = 40  # of each operation, some three hundred in all
CASES_LONG = 5_000
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)

load_all_checks()
checks = CHECKS.get_by_names(CHECKED)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = dev_server(tmp_path_factory.mktemp("bursar"))
    server.start()
    yield server
    assert "Traceback" not in server.log.read_text(errors="replace"), server.last_words()
    server.discard()


@pytest.fixture(scope="module")
def api(server: ServerProcess) -> Any:
    return schemathesis.openapi.from_url(f"http://{HOST}:{server.port}/openapi.json")


described = schemathesis.pytest.from_fixture("api")


def bounded(cases: int) -> settings:
    return settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # a failure is reported as found: shrinking takes minutes
        database=None,
    )


def hold(case: schemathesis.Case) -> None:
    """The answer is one that the description allows, whatever was asked."""
    try:
        case.call_and_validate(headers={"Authorization": f"Bearer {SECRET_KEY}"}, checks=checks)
    except FailureGroup as failures:
        raise AssertionError("\n".join(map(str, failures.exceptions))) from failures


@described.parametrize()
@bounded(CASES)
def test_every_answer_is_as_described(case: schemathesis.Case) -> None:
    hold(case)


@pytest.mark.slow
@described.parametrize()
@bounded(CASES_LONG)
def test_every_answer_to_very_many_cases_is_as_described(case: schemathesis.Case) -> None:
    hold(case)
