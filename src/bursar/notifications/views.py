"""A message as others see it."""

from __future__ import annotations

from bursar.kit.clock import seconds
from bursar.kit.recipients import masked
from bursar.notifications.rules import WAITING
from bursar.notifications.schemas import Message, StoredMessage


def view(message: StoredMessage) -> Message:
    """A telephone number is shown in part: codes go there."""
    return Message(
        id=message.id,
        channel=message.channel,  # type: ignore[arg-type]  # only we write it
        created=seconds(message.created),
        event=message.event_id,
        expires=seconds(message.expires),
        finished=None if message.finished is None else seconds(message.finished),
        language=message.language,
        livemode=bool(message.livemode),
        next_try=seconds(message.next_at) if message.state == WAITING else None,
        problem=message.problem,
        recipient=masked(message.recipient) if message.recipient.startswith("+") else message.recipient,
        state=message.state,  # type: ignore[arg-type]
        template=message.template,
        tries=message.tries,
        user=message.user_id,
    )
