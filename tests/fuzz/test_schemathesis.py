"""The description at /openapi.json held against the server that gives it, by cases that nobody thought of."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from tests.faults.process import ServerProcess, dev_server
from tests.wire.harness import HOST, SECRET_KEY

CASES = 25  # of each operation, some thirteen hundred in all
CASES_PLANTED = 40
CASES_LONG = 600  # ten minutes in all
NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)

load_all_checks()
CHECKED: list[Any] = CHECKS.get_by_names(NAMES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = dev_server(tmp_path_factory.mktemp("bursar"))
    server.start()
    yield server
    assert "Traceback" not in server.log.read_text(errors="replace"), server.last_words()
    server.discard()


@pytest.fixture(scope="module")
def operations(server: ServerProcess) -> list[Any]:
    found = operations_of(described_by(server), server)
    assert {operation.path for operation in found} >= {
        "/v1/customers/{customer}",
        "/v1/events",
        "/v1/payment_intents/{intent}/confirm",
        "/v1/payment_methods",
        "/v1/refunds",
    }
    return found


def described_by(server: ServerProcess) -> dict[str, Any]:
    connection = server.connection()
    connection.request("GET", "/openapi.json")
    document: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return document


def operations_of(document: dict[str, Any], server: ServerProcess) -> list[Any]:
    description = schemathesis.openapi.from_dict(document)
    description.config.update(base_url=f"http://{HOST}:{server.port}")
    results: list[Any] = list(description.get_all_operations())  # its type does not tell good from bad ones
    return [result.ok() for result in results]


def complaints(operation: Any, cases: int) -> list[str]:
    """What is wrong with the answers to so many cases; the first that is found ends the search."""

    @settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # told as it was found: making it smaller takes minutes
        database=None,
    )
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    )
    def hold(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {SECRET_KEY}"}, checks=CHECKED)

    try:
        hold()
    except FailureGroup as failures:
        return [f"{operation.label}: {failure}" for failure in failures.exceptions]
    return []


def test_every_answer_is_as_described(operations: list[Any]) -> None:
    assert [complaint for operation in operations for complaint in complaints(operation, CASES)] == []


def test_an_answer_that_is_not_as_described_is_found(server: ServerProcess) -> None:
    """The planted bug: a description by which a customer's balance is a text."""
    document = described_by(server)
    document["components"]["schemas"]["Customer"]["properties"]["balance"] = {"type": "string"}
    (create,) = [each for each in operations_of(document, server) if each.label == "POST /v1/customers"]
    assert any("balance" in complaint for complaint in complaints(create, CASES_PLANTED))


@pytest.mark.slow
def test_every_answer_to_very_many_cases_is_as_described(operations: list[Any]) -> None:
    assert [complaint for operation in operations for complaint in complaints(operation, CASES_LONG)] == []
