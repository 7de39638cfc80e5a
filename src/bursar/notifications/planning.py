"""What messages an event makes. Reads who is told and in which language; writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from bursar.accounts import roles
from bursar.customers import repository as customers
from bursar.events.reader import LoggedEvent
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.memberships.mails import Mail
from bursar.memberships.repository import organisations_of
from bursar.notifications import repository, rules
from bursar.notifications.repository import MemberToTell, StoredTarget
from bursar.notifications.rules import GATHERED, WAITING, Notice
from bursar.notifications.schemas import Branding, StoredMessage
from bursar.payments import charge_repository as charges
from bursar.people import repository as people
from bursar.store.columns import INSTALLATION

logger = logging.getLogger(__name__)

# By the event: the template, and the switch of the organisation that it depends on.
_FOR_CUSTOMERS = {
    "charge.succeeded": ("receipt", "receipts"),
    "charge.captured": ("receipt", "receipts"),
    "charge.failed": ("decline_notice", "decline_notices"),
    "refund.created": ("refund_receipt", "refund_receipts"),
}
# Why a bank declined is between it and its cardholder; a shop's mail must not say that a card is stolen.
_HIDDEN_FROM_CUSTOMERS = ("reason",)


class _Organisation:
    """What is known of one while a few events are looked at."""

    def __init__(self, connection: Connection, org_id: str) -> None:
        self._connection = connection
        self._org_id = org_id
        self.branding: Branding = repository.find_branding(connection, org_id)[0]
        self._members: list[MemberToTell] | None = None
        self._preferences: dict[str, dict[str, str]] = {}
        self._permissions: dict[str, frozenset[str]] = {}
        self._targets: list[StoredTarget] | None = None

    def wishes(self, notice: Notice) -> Iterable[tuple[MemberToTell, str]]:
        """Who may see it and wants to be told, and how."""
        if self._members is None:
            self._members = repository.members_of(self._connection, self._org_id)
            self._preferences = repository.preferences_of(self._connection, self._org_id)
        for member in self._members:
            wish = self._preferences.get(member.user_id, {}).get(notice.topic, notice.default)
            if wish != "off" and notice.permission in self._allowed(member.role):
                yield member, wish

    def targets(self, notice: Notice) -> list[StoredTarget]:
        if self._targets is None:
            self._targets = repository.targets_of(self._connection, self._org_id)
        return [found for found in self._targets if notice.topic in found.target.topics]

    def _allowed(self, role: str) -> frozenset[str]:
        if role not in self._permissions:
            self._permissions[role] = roles.permissions_of(self._connection, self._org_id, role) or frozenset()
        return self._permissions[role]


class Planner:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def plan(self, connection: Connection, events: Sequence[LoggedEvent]) -> list[StoredMessage]:
        now = self._clock.now_microseconds()
        known: dict[str, _Organisation] = {}
        planned: dict[str, StoredMessage] = {}
        for event in events:
            if event.event_type not in rules.TYPES_READ:
                continue
            organisation = known.get(event.org_id)
            if organisation is None:
                organisation = known[event.org_id] = _Organisation(connection, event.org_id)
            try:
                made = list(_Made(connection, organisation, event, now).messages())
            except Exception:  # a defect, which must not keep everybody else's messages
                logger.exception("an event makes no messages", extra={"event": event.id})
                continue
            planned |= {message.id: message for message in made}
        return list(planned.values())


class _Made:
    """The messages of one event."""

    def __init__(self, connection: Connection, organisation: _Organisation, event: LoggedEvent, now: int) -> None:
        self._connection = connection
        self._organisation = organisation
        self._event = event
        self._now = now

    def messages(self) -> Iterable[StoredMessage]:
        event_type = self._event.event_type
        document = msgspec.json.decode(self._event.data)["object"]
        if event_type == rules.MAIL_REQUESTED:
            yield from self._mail(msgspec.convert(document, Mail))
        if event_type in rules.SECURITY:
            yield from self._security(document)
        if not rules.is_told(event_type, document):
            return
        if event_type in _FOR_CUSTOMERS:
            yield from self._customer(document)
        if event_type in rules.NOTICES:
            yield from self._members(rules.NOTICES[event_type], document)

    def _mail(self, mail: Mail) -> Iterable[StoredMessage]:
        expires = mail.expires * MICROSECONDS_PER_SECOND
        if expires > self._now:
            yield self._message(
                mail.template,
                mail.email,
                rules.language_of(mail.locale, self._organisation.branding.language),
                {**mail.data, "mail": mail.id},
                user_id=mail.user,
                sealed=mail.sealed,
                expires=expires,
            )

    def _security(self, document: dict[str, Any]) -> Iterable[StoredMessage]:
        """It is in the logs of all of somebody's organisations, and told once."""
        user = people.find(self._connection, self._event.object_id or "")
        if user is None or document.get("of") == _SHARED:
            return
        if self._event.org_id not in (INSTALLATION, *organisations_of(self._connection, user.id)[:1]):
            return
        facts = rules.facts_of(self._event.event_type, document, self._event.created)
        language = rules.language_of(user.locale, self._organisation.branding.language)
        template = rules.SECURITY[self._event.event_type]
        yield self._message(template, user.email, language, facts, user_id=user.id)

    def _customer(self, document: dict[str, Any]) -> Iterable[StoredMessage]:
        template, switch = _FOR_CUSTOMERS[self._event.event_type]
        if not getattr(self._organisation.branding, switch):
            return
        email, locale = self._customer_of(document)
        if email is None:
            return
        facts = rules.facts_of(self._event.event_type, document, self._event.created)
        for name in _HIDDEN_FROM_CUSTOMERS:
            facts.pop(name, None)
        yield self._message(template, email, rules.language_of(locale, self._organisation.branding.language), facts)

    def _customer_of(self, document: dict[str, Any]) -> tuple[str | None, str | None]:
        """The address that the payment was made with, else that of its customer."""
        place = (self._event.org_id, self._event.livemode)
        email, customer_id = document.get("receipt_email"), document.get("customer")
        if document.get("object") == "refund":
            found = charges.find(self._connection, *place, document["charge"])
            email = document.get("instructions_email") or (found.charge.receipt_email if found else None)
            customer_id = found.charge.customer if found else None
        stored = customers.find(self._connection, *place, customer_id) if customer_id else None
        if stored is None:
            return email, None
        customer = stored[0]
        return email or customer.email, next(iter(customer.preferred_locales or []), None)

    def _members(self, notice: Notice, document: dict[str, Any]) -> Iterable[StoredMessage]:
        event = self._event
        facts: dict[str, Any] | None = None
        for member, wish in self._organisation.wishes(notice):
            facts = facts or rules.facts_of(event.event_type, document, event.created)
            language = rules.language_of(member.locale, self._organisation.branding.language)
            yield self._message(
                notice.template, member.email, language, facts, user_id=member.user_id, is_gathered=wish == "digest"
            )
        for found in self._organisation.targets(notice):
            facts = facts or rules.facts_of(event.event_type, document, event.created)
            target = found.target
            yield self._message(notice.template, target.id, target.language, facts, channel=target.kind)

    def _message(
        self,
        template: str,
        recipient: str,
        language: str,
        data: dict[str, Any],
        *,
        channel: str = "email",
        user_id: str | None = None,
        sealed: str | None = None,
        expires: int | None = None,
        is_gathered: bool = False,
    ) -> StoredMessage:
        event, now = self._event, self._now
        next_at = rules.next_digest(now) if is_gathered else now
        return StoredMessage(
            org_id=event.org_id,
            livemode=event.livemode,
            id=rules.message_id(event.id, template, channel, recipient),
            event_id=event.id,
            channel=channel,
            template=template,
            language=language,
            recipient=recipient,
            user_id=user_id,
            data=rules.calmed(data),
            sealed=sealed,
            state=GATHERED if is_gathered else WAITING,
            next_at=next_at,
            created=now,
            expires=expires or next_at + rules.WAIT_SECONDS_MAX * MICROSECONDS_PER_SECOND,
        )


# A pause of everybody who comes from one network address, which is told beside that of the account itself.
_SHARED = "address"
