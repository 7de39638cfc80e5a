"""The bytes that go to RabbitMQ, as an independent decoder reads them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header

from bursar.streams.brokers.amqp_frames import Publishing
from bursar.streams.port import Message

FRAME_CONTENT_MAX = 100


def decoded(data: bytes) -> list[Any]:
    found = []
    while data:
        used, channel, one = frame.unmarshal(data)
        assert channel == 3
        found.append(one)
        data = data[used:]
    return found


@given(
    event_id=st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=40),
    event_type=st.sampled_from(["payment_intent.created", "charge.dispute.funds_reinstated"]),
    key=st.text(min_size=1, max_size=60),
    content=st.binary(min_size=1, max_size=450),
)
def test_a_message_is_what_a_decoder_of_the_protocol_reads(
    event_id: str, event_type: str, key: str, content: bytes
) -> None:
    publishing = Publishing(3, "payments", FRAME_CONTENT_MAX)
    sent = publishing.of(Message(event_id, event_type, key, content))
    assert sent == publishing.of(Message(event_id, event_type, key, content))
    method, head, *parts = decoded(sent)
    assert isinstance(method, commands.Basic.Publish)
    assert (method.exchange, method.routing_key, method.mandatory) == ("payments", event_type, True)
    assert not method.immediate
    assert isinstance(head, header.ContentHeader)
    assert head.body_size == len(content)
    properties = head.properties
    assert properties.content_type == "application/cloudevents+json"
    assert properties.content_encoding == "utf-8"
    assert properties.headers == {"partitionkey": key}
    assert properties.delivery_mode == 2
    assert (properties.message_id, properties.message_type, properties.app_id) == (event_id, event_type, "bursar")
    assert all(isinstance(part, body.ContentBody) and len(part.value) <= FRAME_CONTENT_MAX for part in parts)
    assert b"".join(part.value for part in parts) == content
