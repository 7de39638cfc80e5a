"""Spans of the real server, received as a collector receives them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.wire.harness import RunningServer

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER_SPAN_ID = "00f067aa0ba902b7"
WAIT_SECONDS = 20.0


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: Queue[Span] = Queue()
        self.raw = b""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.server.spans.put(span)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Not into the test's output."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_request_is_a_span_that_continues_its_callers_trace(collector: Collector, tmp_path: Path) -> None:
    with RunningServer(tmp_path, {"BURSAR_TRACING_ENDPOINT": collector.base_url}) as server:
        answer = server.raw(
            "POST",
            "/v1/customers",
            body=b"email=traced@example.com",
            headers={"traceparent": f"00-{TRACE_ID}-{CALLER_SPAN_ID}-01"},
        )
        request_id = answer.headers["Request-Id"]
    # Stopping the server sends what is left, so both spans are here by now or on their way.
    spans = {span.name: span for span in (collector.spans.get(timeout=WAIT_SECONDS) for _ in range(2))}
    request, commit = spans["POST /v1/customers"], spans["store.commit"]
    attributes = {item.key: item.value for item in request.attributes}
    assert request.trace_id.hex() == commit.trace_id.hex() == TRACE_ID
    assert request.parent_span_id.hex() == CALLER_SPAN_ID
    assert commit.parent_span_id == request.span_id
    assert request.kind == Span.SpanKind.SPAN_KIND_SERVER
    assert attributes["http.response.status_code"].int_value == answer.status == 200
    assert attributes["bursar.request_id"].string_value == request_id
    assert b"traced@example.com" not in collector.raw
    assert b"sk_test_bursar_dev" not in collector.raw


def test_a_collector_that_is_away_disturbs_nobody(tmp_path: Path) -> None:
    with RunningServer(tmp_path, {"BURSAR_TRACING_ENDPOINT": "http://127.0.0.1:9"}) as server:
        assert server.raw("POST", "/v1/customers", body=b"name=Ada").status == 200
