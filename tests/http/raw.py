"""A socket and nothing between: for what no HTTP client would send."""

import contextlib
import json
import socket
from dataclasses import dataclass
from typing import Any

from tests.wire.harness import HOST, SECRET_KEY

SECONDS_MAX = 10.0
AUTHORISED = f"Authorization: Bearer {SECRET_KEY}\r\n".encode()
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The wire's one shape of an error, whatever went wrong."""
        assert self.headers["content-type"] == "application/json"
        document = json.loads(self.body)
        assert list(document) == ["error"]
        error: dict[str, Any] = document["error"]
        assert set(error) <= {"type", "message", "param", "code"}
        assert isinstance(error["message"], str)
        assert error["message"]
        return error


def dial(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=SECONDS_MAX)


def send(port: int, request: bytes) -> RawAnswer:
    """Sends it all, or as much as the server takes, and reads the answer."""
    with dial(port) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have heard enough before the end
            connection.sendall(request)
        return read_answer(connection)


def read_answer(connection: socket.socket) -> RawAnswer:
    """Exactly one answer: what stands behind it is the next one's."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _some(connection, 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = b""
    while missing := int(headers.get("content-length", "0")) - len(body):
        body += _some(connection, missing)
    return RawAnswer(int(lines[0].split()[1]), headers, body)


def _some(connection: socket.socket, length: int) -> bytes:
    data = connection.recv(length)
    assert data, "the server hung up without an answer"
    return data


def is_closed(connection: socket.socket) -> bool:
    """Reads whatever is still said, until the end."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


def request(method: str, target: bytes | str, headers: bytes = b"", body: bytes | None = None) -> bytes:
    """A well-formed head with the key, around whatever is to be tried."""
    path = target if isinstance(target, bytes) else target.encode()
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    return (
        method.encode()
        + b" "
        + path
        + b" HTTP/1.1\r\nHost: h\r\n"
        + AUTHORISED
        + headers
        + length
        + b"\r\n"
        + (body or b"")
    )


def form(body: bytes, path: str = "/v1/customers") -> bytes:
    return request("POST", path, FORM, body)


def json_body(body: bytes, path: str = "/v1/customers") -> bytes:
    return request("POST", path, JSON, body)
