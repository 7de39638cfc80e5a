"""What the real server writes to its log."""

from __future__ import annotations

import json
from pathlib import Path

from tests.wire.harness import SECRET_KEY, RunningServer

JSON_LOGS = {"BURSAR_LOG_FORMAT": "json", "BURSAR_LOG_LEVEL": "info", "BURSAR_LOG_REQUESTS": "true"}


def test_every_request_is_one_line_of_json_without_query_body_or_key(tmp_path: Path) -> None:
    with RunningServer(tmp_path, JSON_LOGS) as server:
        made = server.raw("POST", "/v1/customers", body=b"email=secret-person@example.com")
        server.raw("GET", "/v1/customers?email=secret-person@example.com")
    lines = [json.loads(line) for line in server.log().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in requests] == [
        ("POST", "/v1/customers", 200),
        ("GET", "/v1/customers", 200),
    ]
    assert requests[0]["request_id"] == made.headers["Request-Id"]
    assert all(line["timestamp"] and line["level"] for line in lines)
    assert "secret-person" not in server.log()
    assert SECRET_KEY not in server.log()


def test_without_the_setting_requests_leave_no_line(tmp_path: Path) -> None:
    with RunningServer(tmp_path, {"BURSAR_LOG_FORMAT": "json", "BURSAR_LOG_LEVEL": "info"}) as server:
        server.raw("GET", "/v1/customers")
    assert '"request"' not in server.log()
