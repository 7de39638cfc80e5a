"""Notifications over a store of their own, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.events.sealing import LaneSealer
from bursar.events.tables import events
from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.memberships import repository as members
from bursar.memberships.mails import Mails
from bursar.memberships.repository import StoredMember
from bursar.notifications import repository
from bursar.notifications.assembly import Notifications
from bursar.notifications.schemas import Branding, StoredMessage
from bursar.notifications.tables import notification_messages
from bursar.people import repository as people
from bursar.people.schemas import User
from bursar.people.secrets import Secrets
from bursar.store import schema
from bursar.store.columns import INSTALLATION
from bursar.store.engine import MEMORY_URL, Engines
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

ORG = "acct_plum"
PUBLIC_URL = "https://pay.example.com"
MAIL_FROM = "Bursar <payments@pay.example.com>"
ORIGIN = Origin(actor="test")


class PostOffice:
    def __init__(self, store: Store, clock: ManualClock, **settings: Any) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdFactory(clock)
        secrets = Secrets("a secret of the installation, long enough")
        self.mails = Mails(self.ids, clock, secrets)
        self.secrets = secrets
        self.settings = {"smtp_url": None, "mail_from": MAIL_FROM, "public_url": PUBLIC_URL} | settings

    def notifications(self, **settings: Any) -> Notifications:
        chosen = self.settings | settings
        return Notifications(self.store, self.ids, self.clock, self.secrets, self.mails, **chosen)

    async def happened(
        self, event_type: str, document: dict[str, Any], *, org_id: str = ORG, livemode: int = 1
    ) -> None:
        object_id = document.get("id")
        entry = Entry(org_id, livemode, event_type, object_id, msgspec.json.encode(document), origin=ORIGIN)
        await self.store.commit(Unit([], [entry]))

    async def asked_for_mail(self, email: str = "ada@example.com", **more: Any) -> str:
        """The token of its link."""
        token = "token-of-the-link"
        entry = self.mails.request(
            ORIGIN, "password_reset", email, token, lifetime_seconds=3_600, data={"name": "Ada"}, **more
        )
        await self.store.commit(Unit([], [entry]))
        return token

    async def member(self, user_id: str, role: str = "owner", *, locale: str | None = None, org_id: str = ORG) -> str:
        user = User(
            id=user_id,
            email=f"{user_id}@example.com",
            name="Ada",
            password_hash=None,
            email_verified=True,
            platform_admin=False,
            disabled=False,
            locale=locale,
            created=1,
        )
        changes = [people.insertion(user), *members.insertion(org_id, StoredMember(user_id, role, None, 1))]
        await self.store.commit(Unit(changes))
        return user.email

    async def prefers(self, user_id: str, **topics: str) -> None:
        await self.store.commit(Unit([repository.keep_preferences(ORG, user_id, topics, 0)]))

    async def branded(self, **more: Any) -> None:
        await self.store.commit(Unit([repository.keep_branding(ORG, Branding(**more), 0)]))

    async def messages(self) -> list[StoredMessage]:
        def query(connection: Connection) -> list[StoredMessage]:
            rows = connection.execute(select(notification_messages).order_by(notification_messages.c.id))
            return [StoredMessage(**row._asdict() | {"data": msgspec.json.decode(row.data)}) for row in rows]

        return await self.store.read(query)

    async def states(self) -> list[tuple[str, str]]:
        return [(message.template, message.state) for message in await self.messages()]

    async def logged(self, prefix: str = "bursar.message.") -> list[str]:
        def query(connection: Connection) -> list[str]:
            query = select(events.c.event_type).where(events.c.event_type.like(f"{prefix}%")).order_by(events.c.id)
            return list(connection.execute(query).scalars())

        return await self.store.read(query)


@contextmanager
def post_office(**settings: Any) -> Iterator[PostOffice]:
    engines = Engines(MEMORY_URL, readers=1, writers=1)
    schema.upgrade(engines.writing)
    clock = ManualClock()
    store = Store(engines, lambda: LaneSealer(clock), writers=1, readers=1)
    try:
        yield PostOffice(store, clock, **settings)
    finally:
        store.close()


def charge(**more: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 2_000,
        "amount_captured": 2_000,
        "captured": True,
        "created": 1_800_000_000,
        "currency": "eur",
        "customer": None,
        "description": "Seven plums",
        "failure_code": None,
        "payment_intent": "pi_1",
        "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}},
        "receipt_email": "grace@example.com",
    } | more


def dispute(**more: Any) -> dict[str, Any]:
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 2_000,
        "charge": "ch_1",
        "created": 1_800_000_000,
        "currency": "eur",
        "evidence_details": {"due_by": 1_800_600_000},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
    } | more


__all__ = ["INSTALLATION", "ORG", "PostOffice", "charge", "dispute", "post_office"]
