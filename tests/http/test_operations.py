"""Health, metrics, the description and unknown addresses, on the real server."""

import asyncio
import contextlib
import http.client
import json
import threading
from collections.abc import MutableMapping
from typing import Any, cast

import pytest

from bursar.http import operations as operations_module
from bursar.http.asgi import Application
from bursar.http.metrics import Metrics
from bursar.http.operations import Operations, may_scrape
from bursar.http.responses import Answer
from bursar.store.errors import StoreUnavailable
from bursar.store.store import Store
from tests.wire.harness import HOST, RunningServer

READABLE = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/assets/documentation.css"]


@pytest.mark.parametrize("path", READABLE)
def test_head_answers_like_get_without_a_body(server: RunningServer, path: str) -> None:
    got, head = server.raw("GET", path, key=None), server.raw("HEAD", path, key=None)
    assert (got.status, head.status) == (200, 200)
    assert got.body and not head.body
    assert got.headers["content-type"] == head.headers["content-type"]
    assert head.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("path", READABLE)
def test_only_reading_is_possible(server: RunningServer, path: str) -> None:
    answer = server.raw("POST", path, body=b"a=b", key=None)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json["error"]["code"] == "method_not_allowed"


def test_health_and_readiness_say_so(server: RunningServer) -> None:
    assert server.raw("GET", "/healthz", key=None).json["status"] == "ok"
    assert server.raw("GET", "/readyz", key=None).json == {"status": "ok"}


def test_home_leads_to_the_documentation(server: RunningServer) -> None:
    answer = server.raw("GET", "/", key=None)
    assert (answer.status, answer.headers["location"]) == (307, "/docs")


def test_the_documentation_is_protected(server: RunningServer) -> None:
    for path in ("/docs", "/docs/assets/documentation.js"):
        headers = server.raw("GET", path, key=None).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_what_has_not_changed_is_not_sent_again(server: RunningServer) -> None:
    tag = server.raw("GET", "/openapi.json", key=None).headers["etag"]
    again = server.raw("GET", "/openapi.json", key=None, headers={"If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/foo",
        "/v1",
        "/v1/customers/cus_1/junk",
        "/v1/customers/",
        "/v1/customers/a%2Fb",
        "/v1/%00",
        "/v1/%ff/%f0",
        "/docs/assets/a/b",
    ],
)
def test_unknown_addresses_always_get_the_same_json(server: RunningServer, method: str, path: str) -> None:
    answer = server.raw(method, path, key=None)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    error = answer.json["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith(f"Unrecognized request URL ({method}: /")
    assert error["message"].endswith("). Check the path against /docs.")
    assert answer.headers["request-id"].startswith("req_")


def test_an_unknown_asset_is_not_found_in_the_same_words(server: RunningServer) -> None:
    for name in ("nothing.css", "..%2Foperations.py", "documentation.html"):
        answer = server.raw("GET", f"/docs/assets/{name}", key=None)
        assert (answer.status, answer.json["error"]["type"]) == (404, "invalid_request_error")


def test_metrics_count_requests(server: RunningServer) -> None:
    server.raw("GET", "/v1/customers")
    text = server.raw("GET", "/metrics", key=None).body.decode()
    assert 'bursar_http_requests_total{operation="list_customers",status="200"}' in text
    assert "bursar_store_units_written" in text


def test_metrics_are_not_told_through_a_proxy(server: RunningServer) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    connection.request("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    response = connection.getresponse()
    assert response.status == 403
    assert json.loads(response.read())["error"]["code"] == "metrics_forbidden"
    connection.close()


def scope(address: str | None, **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (address, 1) if address else None, "headers": named}


@pytest.mark.parametrize(
    ("given", "token", "allowed"),
    [
        (scope("127.0.0.1"), None, True),
        (scope("::1"), None, True),
        (scope("::ffff:127.0.0.1"), None, True),
        (scope("127.0.0.1", forwarded="for=203.0.113.7"), None, False),
        (scope("203.0.113.7"), None, False),
        (scope("testclient"), None, False),
        (scope(None), None, False),
        (scope("127.0.0.1"), "secret", False),
        (scope("127.0.0.1", authorization="Bearer wrong"), "secret", False),
        (scope("127.0.0.1", authorization="Basic secret"), "secret", False),
        (scope("203.0.113.7", authorization="Bearer secret"), "secret", True),
    ],
)
def test_who_may_read_the_metrics(given: dict[str, Any], token: str | None, allowed: bool) -> None:
    assert may_scrape(given, token) is allowed


class SilentStore:
    """A database that hangs until it is let go, or fails at once."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.pings = 0
        self.let_go = threading.Event()
        self._problem = problem

    def ping(self) -> None:
        self.pings += 1
        if self._problem is not None:
            raise self._problem
        self.let_go.wait(10)


async def readiness(store: SilentStore, times: int = 1) -> list[dict[str, Any]]:
    """What a load balancer sees that asks several times at once."""

    def failure(problem: Exception, _request_id: str) -> Answer:
        raise problem

    endless: Any = contextlib.nullcontext
    operations = Operations(cast("Store", store), Metrics(), [], failure, None)
    application = Application(operations.not_found, endless)
    operations.add_routes(application)
    seen: list[dict[str, Any]] = []

    async def ask() -> None:
        told: dict[str, Any] = {}

        async def receive() -> MutableMapping[str, Any]:
            raise AssertionError("a GET has no body to wait for")

        async def send(message: MutableMapping[str, Any]) -> None:
            told.update(message)

        await application({"type": "http", "method": "GET", "path": "/readyz", "headers": []}, receive, send)
        seen.append(told)

    await asyncio.gather(*(ask() for _ in range(times)))
    store.let_go.set()
    return seen


def test_a_hanging_database_is_not_ready_and_holds_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations_module, "PING_SECONDS_MAX", 0.05)
    store = SilentStore()
    for told in asyncio.run(readiness(store, times=3)):
        assert told["status"] == 503
        assert (b"retry-after", b"5") in told["headers"]
        assert json.loads(told["body"])["status"] == "unavailable"
    assert store.pings == 1


def test_why_the_database_fails_is_told_to_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    problem = StoreUnavailable("connection to postgresql://bursar:hunter2@db.internal refused")
    (told,) = asyncio.run(readiness(SilentStore(problem)))
    assert told["status"] == 503
    assert json.loads(told["body"])["reason"].startswith("The database cannot be reached")
    assert b"db.internal" not in told["body"]
    assert "db.internal" in caplog.text
    assert "hunter2" not in caplog.text
