"""HTTP/1.1 as bytes: a request in one piece, and what makes an answer whole.

What a failure means for an order is not decided here. A failure never carries a byte of what was sent or
answered.
"""

from __future__ import annotations

import re
import socket
from urllib.parse import quote, urlsplit

import httptools
import msgspec

# A bank answers with a few hundred bytes.
ANSWER_BYTES_MAX = 1024 * 1024
# The heads of an answer, and what stands between the pieces of a chunked one.
FRAMING_BYTES_MAX = 64 * 1024

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/%:@!$&'()*+,;=-._~"
_HOST_TEXT = re.compile(r"[A-Za-z0-9._:-]+")
_TARGET_TEXT = re.compile(r"/[!-\"$-~]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_TEXT = re.compile(r"[ -~]*")
_LENGTH_HEADERS = (b"content-length", b"transfer-encoding")


class Answer(msgspec.Struct, frozen=True, gc=False):
    status: int
    body: bytes


class Failure(msgspec.Struct, frozen=True, gc=False):
    """No answer, or none that can be trusted."""

    reason: str


TIME_IS_UP = Failure("The bank did not answer in time.")
CONNECTION_LOST = Failure("The connection broke before there was a whole answer.")
NOT_HTTP = Failure("The answer is no valid HTTP/1.1.")
TOO_LARGE = Failure("The answer is larger than any bank's.")
MORE_THAN_ONE = Failure("More than one answer came, so that none can be trusted.")


class Address:
    """Where a bank is, from its URL. Raises ValueError."""

    __slots__ = ("host", "host_header", "is_literal", "is_secure", "port", "prefix")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self.host = host if host.isascii() else host.encode("idna").decode()
        if parts.scheme not in _DEFAULT_PORTS or not _HOST_TEXT.fullmatch(self.host):
            raise ValueError("not the address of an HTTP server")
        self.is_secure = parts.scheme == "https"
        default_port = _DEFAULT_PORTS[parts.scheme]
        self.port = parts.port or default_port
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.host_header = shown if self.port == default_port else f"{shown}:{self.port}"
        self.prefix = quote(parts.path.rstrip("/"), safe=_PATH_SAFE)
        self.is_literal = _is_literal(self.host)


class Target:
    """All of a request that is the same each time. For an order, only its length and the body are missing."""

    __slots__ = ("_head", "_takes_body", "path")

    def __init__(self, method: str, path: str, headers: dict[str, str]) -> None:
        if not _TARGET_TEXT.fullmatch(path):
            raise ValueError("a path that cannot be sent")
        self.path = path
        self._takes_body = method == "POST"
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += ["Content-Type: application/json", "Content-Length: "] if self._takes_body else ["", ""]
        self._head = "\r\n".join(lines).encode("ascii")

    def __repr__(self) -> str:
        return f"Target({self.path.partition('?')[0]})"

    def request(self, body: bytes | None) -> bytes:
        assert (body is not None) is self._takes_body, "an order has a body, and a question has none"
        return self._head if body is None else b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


def check_headers(headers: dict[str, str]) -> None:
    """Raises ValueError, without the value, for what could break out of its line."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_TEXT.fullmatch(value):
            raise ValueError(f"a header that cannot be sent: {name!r}")


class AnswerReader:
    """Makes one answer at a time of the bytes that come in, however they are cut."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """The next byte is the first of an answer."""
        self._pieces: list[bytes] = []
        self._status = 0
        self._body_size = 0
        self._bytes_received = 0
        self._has_length = False
        self._ends_with_connection = False
        self._is_whole = False
        # Something came behind the answer that does not belong to it.
        self.has_surplus = False
        # The answer leaves the connection open for another one.
        self.may_stay = False

    def feed(self, data: bytes) -> Answer | Failure | None:
        """None until the answer is whole."""
        self._bytes_received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._is_whole:
                return NOT_HTTP
            self.has_surplus = True
        if self._body_size > ANSWER_BYTES_MAX or self._bytes_received > ANSWER_BYTES_MAX + FRAMING_BYTES_MAX:
            return TOO_LARGE
        return self._answer() if self._is_whole else None

    def end(self) -> Answer | Failure:
        """The bank has said all that it will."""
        return self._answer() if self._ends_with_connection else CONNECTION_LOST

    def close(self) -> None:
        # The two know each other, and would wait for the collector.
        del self._parser

    def _answer(self) -> Answer:
        return Answer(self._status, b"".join(self._pieces))

    # What the parser says.

    def on_message_begin(self) -> None:
        if self._is_whole:
            self.has_surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_length and name.lower() in _LENGTH_HEADERS:
            self._has_length = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._is_whole:
            return
        if 100 <= status < 200:
            # On the way to the real answer.
            self._has_length = False
            return
        self._status = status
        self._ends_with_connection = not self._has_length

    def on_body(self, body: bytes) -> None:
        if not self._is_whole:
            self._pieces.append(body)
            self._body_size += len(body)

    def on_message_complete(self) -> None:
        if self._status and not self._is_whole:
            self._is_whole = True
            self.may_stay = self._parser.should_keep_alive()


def _is_literal(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return True
    return False
