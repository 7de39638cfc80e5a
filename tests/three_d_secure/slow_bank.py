"""A server that is killed while its bank takes its time."""

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.faults.process import ServerProcess
from tests.wire.harness import POLL_SECONDS, SECRET_KEY

END_SECONDS_MAX = 30.0  # a lease, a look of the resolver, and a start on a busy machine
SLOW_MILLISECONDS = 3_000
Found = TypeVar("Found")


def post(process: ServerProcess, path: str, form: dict[str, str], key: str) -> tuple[int, Any]:
    connection = process.connection(timeout=END_SECONDS_MAX)
    try:
        connection.request("POST", path, urlencode(form), headers(key))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def get(process: ServerProcess, path: str) -> Any:
    connection = process.connection()
    try:
        connection.request("GET", path, headers=headers())
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def headers(key: str | None = None) -> dict[str, str]:
    given = {"Authorization": f"Bearer {SECRET_KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    return given if key is None else given | {"Idempotency-Key": key}


def let_the_bank_take(process: ServerProcess, milliseconds: int) -> None:
    """Known beside the data, as `bursar sim` finds it."""
    folder = Path(process.arguments[process.arguments.index("--data") + 1])
    body = json.dumps({"latency_ms": milliseconds})

    def tell() -> bool | None:
        address = json.loads((folder / "piggybank" / "address.json").read_bytes())
        connection = http.client.HTTPConnection(address["url"].removeprefix("http://"), timeout=10)
        sent = {"Authorization": f"Bearer {address['api_key']}", "Content-Type": "application/json"}
        try:
            connection.request("PUT", "/v1/faults", body, sent)
            return connection.getresponse().status == http.HTTPStatus.OK or None
        except OSError:  # the bank starts in the background
            return None
        finally:
            connection.close()

    wait_for(tell)


def wait_for(look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + END_SECONDS_MAX
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(POLL_SECONDS)
    return found
