"""One-time codes by e-mail and text message, for signing in and for challenges."""

from __future__ import annotations

from typing import Literal

import msgspec

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory
from bursar.kit.recipients import is_telephone, masked
from bursar.notifications import repository, rules
from bursar.notifications.composing import Composer
from bursar.notifications.schemas import StoredMessage
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

EVENT_TYPE = "bursar.code.requested"
CODE_SECONDS = 10 * 60
CODE_LENGTH_MAX = 20


class Codes:
    """Whoever checks the code keeps its hash; here it is only sealed, and gone once it was sent."""

    def __init__(self, store: Store, ids: IdFactory, clock: Clock, composer: Composer) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._composer = composer

    async def send_code(
        self,
        origin: Origin,
        channel: Literal["email", "sms"],
        recipient: str,
        code: str,
        *,
        lifetime_seconds: int = CODE_SECONDS,
        org_id: str = INSTALLATION,
        livemode: int = 0,
        user_id: str | None = None,
        locale: str | None = None,
    ) -> str:
        """The message's id. It is sent at once by whichever process sends; its end is in the log."""
        message_id, unit = self.sending(
            origin,
            channel,
            recipient,
            code,
            lifetime_seconds=lifetime_seconds,
            org_id=org_id,
            livemode=livemode,
            user_id=user_id,
            locale=locale,
        )
        await self._store.commit(unit)
        return message_id

    def sending(
        self,
        origin: Origin,
        channel: Literal["email", "sms"],
        recipient: str,
        code: str,
        *,
        lifetime_seconds: int = CODE_SECONDS,
        org_id: str = INSTALLATION,
        livemode: int = 0,
        user_id: str | None = None,
        locale: str | None = None,
    ) -> tuple[str, Unit]:
        """The same, for the commit of the challenge that the code is for."""
        if not (rules.is_address(recipient) if channel == "email" else is_telephone(recipient)):
            wanted = "an e-mail address" if channel == "email" else "a telephone number like +4915112345678"
            raise InvalidRequest(f"A code can only be sent to {wanted}.", param="recipient")
        assert code.isalnum() and code.isascii() and len(code) <= CODE_LENGTH_MAX, "a code is a few letters or digits"
        message_id, now = self._ids.new_with_time(rules.MESSAGE_PREFIX)
        message = StoredMessage(
            org_id=org_id,
            livemode=livemode,
            id=message_id,
            event_id=message_id,
            channel=channel,
            template="code",
            language=rules.language_of(locale),
            recipient=recipient,
            user_id=user_id,
            data={"minutes": max(lifetime_seconds // 60, 1)},
            sealed=self._composer.sealed_code(message_id, recipient, code),
            next_at=self._clock.now_microseconds(),  # an id's time may be a little later
            created=now,
            expires=now + lifetime_seconds * MICROSECONDS_PER_SECOND,
        )
        shown = {"id": message_id, "object": "code", "channel": channel, "recipient": masked(recipient)}
        entry = Entry(org_id, livemode, EVENT_TYPE, message_id, msgspec.json.encode(shown), origin=origin)
        return message_id, Unit([repository.insertion(message)], [entry])
