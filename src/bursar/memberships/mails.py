"""Mails as entries of the log. Whoever delivers them reads the log, like everybody who passes on what happened.

The link's token is in the log only sealed: who can read the log, or the database, cannot use it. The token itself
is kept nowhere else, and works once.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, select

from bursar.events.tables import events
from bursar.kit.clock import Clock, seconds
from bursar.kit.ids import IdFactory
from bursar.kit.sealing import SealBroken, Sealing
from bursar.people.secrets import Secrets
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin

EVENT_TYPE = "bursar.mail.requested"
PREFIX = "mail"
SEALED_FOR = "links in mails"

Template = Literal[
    "invitation",
    "email_verification",
    "password_reset",
    "registration_confirmation",
    "registration_of_known_email",
]
# Where each template's link leads. The token is behind the #, where no server and no proxy writes it down.
PAGES: dict[str, str] = {
    "invitation": "/invitation",
    "email_verification": "/verify-email",
    "password_reset": "/reset-password",
    "registration_confirmation": "/confirm-registration",
    "registration_of_known_email": "/confirm-registration",
}


class Mail(msgspec.Struct, kw_only=True):
    """What a template needs. The document of the event."""

    id: str
    object: Literal["mail"] = "mail"
    template: Template
    email: str
    user: str | None
    locale: str | None
    data: dict[str, Any]
    # The token of the link, for whoever delivers it.
    sealed: str
    created: int
    expires: int


class Opened(NamedTuple):
    mail: Mail
    # None where it was sealed by a secret of the installation that nobody knows any more.
    token: str | None


class Mails:
    def __init__(self, ids: IdFactory, clock: Clock, secrets: Secrets) -> None:
        self._ids = ids
        self._clock = clock
        self._sealing = Sealing(secrets.keys(SEALED_FOR))

    def request(
        self,
        origin: Origin,
        template: Template,
        email: str,
        token: str,
        *,
        lifetime_seconds: int,
        data: dict[str, Any],
        org_id: str = INSTALLATION,
        user_id: str | None = None,
        locale: str | None = None,
    ) -> Entry:
        """For the commit of what the mail is about."""
        mail_id, now = self._ids.new_with_time(PREFIX)
        mail = Mail(
            id=mail_id,
            template=template,
            email=email,
            user=user_id,
            locale=locale,
            data=data,
            sealed=self._sealing.seal(token.encode(), mail_id, template, email),
            created=seconds(now),
            expires=seconds(now) + lifetime_seconds,
        )
        return Entry(org_id, 0, EVENT_TYPE, mail_id, msgspec.json.encode(mail), origin=origin)

    def opened(self, mail: Mail) -> Opened:
        try:
            return Opened(mail, self._sealing.unseal(mail.sealed, mail.id, mail.template, mail.email).decode())
        except SealBroken:
            return Opened(mail, None)


def link(public_url: str, mail: Mail, token: str) -> str:
    return f"{public_url.rstrip('/')}{PAGES[mail.template]}#token={quote(token)}"


def newest(connection: Connection, org_ids: list[str], rows_max: int) -> list[Mail]:
    """Newest first, of these organisations."""
    found: list[tuple[str, str]] = []
    for org_id in org_ids:
        query = (
            select(events.c.id, events.c.data)
            .where(events.c.org_id == org_id, events.c.livemode == 0, events.c.event_type == EVENT_TYPE)
            .order_by(events.c.id.desc())
            .limit(rows_max)
        )
        found += [(row.id, row.data) for row in connection.execute(query)]
    found.sort(reverse=True)
    return [msgspec.json.decode(data, type=_Told).object for _, data in found[:rows_max]]


class _Told(msgspec.Struct):
    object: Mail
