"""Puts the parts together, for the process that has them."""

from __future__ import annotations

from typing import Protocol

from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.memberships.mails import Mails
from bursar.notifications import push
from bursar.notifications.codes import Codes
from bursar.notifications.composing import Composer, Sender
from bursar.notifications.outbox import Letters, Outbox
from bursar.notifications.planning import Planner
from bursar.notifications.push import PushTransport
from bursar.notifications.service import NotificationService
from bursar.notifications.smtp import SmtpTransport
from bursar.notifications.smtp_address import read_mail_from, read_smtp_url
from bursar.notifications.tasks import Notifier, Worker
from bursar.notifications.unsubscribing import Unsubscribing
from bursar.people.secrets import Secrets
from bursar.store.store import Store

DEVELOPMENT_SCHEMES = frozenset({"json", "jsons"})


class Notifications:
    """What the rest of the program knows: the service, the codes, and the worker that sends."""

    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        secrets: Secrets,
        mails: Mails,
        *,
        public_url: str,
        smtp_url: str | None,
        mail_from: str,
        sms_url: str | None = None,
        services: str = "",
        development: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        unsubscribing = Unsubscribing(secrets, public_url)
        self._composer = Composer(mails, secrets, unsubscribing, public_url)
        self._sender = Sender(*read_mail_from(mail_from))
        self._letters: Letters | None = SmtpTransport(read_smtp_url(smtp_url)) if smtp_url else None
        allowed = push.SCHEMES | read_services(services) | (DEVELOPMENT_SCHEMES if development else frozenset())
        self.service = NotificationService(store, ids, clock, secrets, unsubscribing, allowed, sms_url)
        self.codes = Codes(store, ids, clock, self._composer)

    def notifier(self) -> Notifier:
        """Belongs to the event loop that it is made on."""
        outbox = Outbox(
            self._store,
            self._clock,
            self._composer,
            self._sender,
            self._letters,
            PushTransport(),
            self.service.address_of,
        )
        return Notifier(self._store, self._clock, Planner(self._clock), outbox)


def read_services(text: str) -> frozenset[str]:
    """Further services that the installation allows, comma separated."""
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


class HasNotifications(Protocol):
    @property
    def notifications(self) -> Notifications: ...


def workers(runtime: HasNotifications) -> list[Worker]:
    return [runtime.notifications.notifier()]
