"""What a published message looks like to RabbitMQ, byte for byte (AMQP 0-9-1, section 4.2).

A flight of messages is one piece of bytes this way, written at once: encoding each field of each message by a general
encoder, and writing each message by itself, takes three times as long.
"""

from __future__ import annotations

from struct import Struct

from bursar.streams.port import CONTENT_TYPE, Message

METHOD, HEADER, BODY = 1, 2, 3
END = b"\xce"
BASIC = 60
PUBLISH = 40
MANDATORY = 1
PERSISTENT = 2
KEY_OF_ORDER = "partitionkey"
APPLICATION = "bursar"
# Which properties follow: type and encoding of the content, headers, delivery mode, id, type, application.
_FLAGS = 1 << 15 | 1 << 14 | 1 << 13 | 1 << 12 | 1 << 7 | 1 << 5 | 1 << 3
_frame = Struct(">BHI").pack  # type, channel, length
_method = Struct(">HHH").pack  # class, method, a reserved number
_header = Struct(">HHQH").pack  # class, weight, length of the body, flags
_long = Struct(">I").pack


def short_text(text: str) -> bytes:
    data = text.encode()
    return bytes((len(data),)) + data


_CONTENT = short_text(CONTENT_TYPE) + short_text("utf-8")
_APPLICATION = short_text(APPLICATION)
_HEADER_OF_KEY = short_text(KEY_OF_ORDER) + b"S"


class Publishing:
    """Of one channel to one exchange. `content_bytes_max` is what one frame may hold of a body."""

    def __init__(self, channel_number: int, exchange: str, content_bytes_max: int) -> None:
        self._channel = channel_number
        self._start = _method(BASIC, PUBLISH, 0) + short_text(exchange)
        self._content_bytes_max = content_bytes_max
        # There are a few hundred types at most.
        self._methods: dict[str, bytes] = {}

    def of(self, message: Message) -> bytes:
        body, kind = message.body, message.event_type
        method = self._methods.get(kind)
        if method is None:
            method = self._methods[kind] = self._framed(METHOD, self._start + short_text(kind) + bytes((MANDATORY,)))
        key = message.key.encode()
        headers = _HEADER_OF_KEY + _long(len(key)) + key
        properties = (
            _header(BASIC, 0, len(body), _FLAGS)
            + _CONTENT
            + _long(len(headers))
            + headers
            + bytes((PERSISTENT,))
            + short_text(message.event_id)
            + short_text(kind)
            + _APPLICATION
        )
        return method + self._framed(HEADER, properties) + self._content(body)

    def _content(self, body: bytes) -> bytes:
        longest = self._content_bytes_max
        if len(body) <= longest:
            return self._framed(BODY, body)
        return b"".join(self._framed(BODY, body[start : start + longest]) for start in range(0, len(body), longest))

    def _framed(self, kind: int, payload: bytes) -> bytes:
        return _frame(kind, self._channel, len(payload)) + payload + END
