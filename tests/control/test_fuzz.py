"""The description at `/api/v1/openapi.json` held against the server that gives it, by cases that nobody thought of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from tests.control.house import Merchant, Reply, registered
from tests.control.makers import MAKERS, WITH_MONEY, naming_part, payer_path
from tests.faults.process import ServerProcess, dev_server
from tests.fuzz.test_schemathesis import CHECKED, operations_of

CASES = 8  # of each operation, some eight hundred in all
CASES_PLANTED = 40
CASES_LONG = 600


class Wire:
    """The server, as merchants reach it."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self.port = server.port

    def call(
        self,
        method: str,
        path: str,
        who: str | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {who}"} if who else {})}
        content = json.dumps(body).encode() if isinstance(body, Mapping) else body
        connection = self._server.connection()
        try:
            connection.request(method, path, content, {**sent, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, json.loads(response.read()), dict(response.headers.items()))
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = dev_server(tmp_path_factory.mktemp("bursar"))
    server.start()
    yield server
    assert "Traceback" not in server.log.read_text(errors="replace"), server.last_words()
    server.discard()


@pytest.fixture(scope="module")
def wire(server: ServerProcess) -> Wire:
    return Wire(server)


@pytest.fixture(scope="module")
def operations(server: ServerProcess, wire: Wire) -> list[Any]:
    found = operations_of(wire.call("GET", "/api/v1/openapi.json").json, server)
    assert {operation.path for operation in found} >= {"/api/v1/org/register", "/api/v1/roles/{role}"}
    # What names something first: to make it somebody signs in, and after so many wrong passwords nobody can.
    return sorted(found, key=lambda operation: "{" not in operation.path)


def named(merchant: Merchant, operation: Any) -> dict[str, str]:
    """What stands in the address where it names something that is there."""
    path = operation.path
    if "{" not in path or naming_part(path) in WITH_MONEY:
        return {}
    if path.startswith(("/api/v1/txn/payment-session", "/api/v1/txn/accept-payment")):
        value = payer_path(merchant, operation.method.upper(), path).rpartition("/")[2]
        return {path.rpartition("{")[2].rstrip("}"): value}
    maker = MAKERS.get(naming_part(path))
    return dict(maker(merchant)) if maker else {}


def complaints(wire: Wire, operation: Any, cases: int) -> list[str]:
    """What is wrong with the answers to so many cases; the first that is found ends the search.

    Each operation has a merchant of its own: some end what they are called by, such as signing out.
    """
    merchant = registered(wire, "Fuzzed")
    values = named(merchant, operation)

    @settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],  # told as it was found: making it smaller takes minutes
        database=None,
    )
    @given(
        case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        is_there=st.booleans(),
        live=st.booleans(),
    )
    def hold(case: Any, is_there: bool, live: bool) -> None:
        if values and is_there:
            case.path_parameters = values
        headers = {"Authorization": f"Bearer {merchant.token}", "Bursar-Mode": "live" if live else "test"}
        case.call_and_validate(headers=headers, checks=CHECKED)

    try:
        hold()
    except FailureGroup as failures:
        return [f"{operation.label}: {failure}" for failure in failures.exceptions]
    return []


def test_every_answer_is_as_described(wire: Wire, operations: list[Any]) -> None:
    found = [complaint for operation in operations for complaint in complaints(wire, operation, CASES)]
    assert not found, "\n\n".join(found)


def test_an_answer_that_is_not_as_described_is_found(server: ServerProcess, wire: Wire) -> None:
    """The planted bug: a description by which a role's permissions are a text."""
    document = wire.call("GET", "/api/v1/openapi.json").json
    document["components"]["schemas"]["Role"]["properties"]["permissions"] = {"type": "string"}
    (listing,) = [each for each in operations_of(document, server) if each.label == "GET /api/v1/roles"]
    assert any("permissions" in complaint for complaint in complaints(wire, listing, CASES_PLANTED))


@pytest.mark.slow
def test_every_answer_to_very_many_cases_is_as_described(wire: Wire, operations: list[Any]) -> None:
    found = [complaint for operation in operations for complaint in complaints(wire, operation, CASES_LONG)]
    assert not found, "\n\n".join(found)
