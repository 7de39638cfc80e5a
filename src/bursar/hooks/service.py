"""Takes banks' messages in: verified, kept, and only then acknowledged. What they change, others see to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import msgspec

from bursar.accounts import repository as organisations
from bursar.connectors.contract import BankEvent, WebhookRefused
from bursar.connectors.registry import Registry
from bursar.hooks import bodies, repository, rules
from bursar.hooks.arrivals import Arrivals
from bursar.hooks.budgets import Budgets
from bursar.hooks.figures import Figures
from bursar.hooks.places import NOBODYS, Place, account_of, is_about
from bursar.hooks.repository import PREFIX, StoredMessage
from bursar.hooks.tables import ACCOUNT_LENGTH
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import BursarError
from bursar.kit.ids import ID_LENGTH_MAX, IdFactory, may_be_id
from bursar.store.columns import INSTALLATION
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

# Of what nobody has signed so much is kept, for people to see, in one process: of one account, and of all.
UNVERIFIED_COUNT, UNVERIFIED_SECONDS = 20, 60
ALL_UNVERIFIED_COUNT, ALL_UNVERIFIED_SECONDS = 60, 60
# So often it is looked whether the organisation that a stranger has named is there. Names that nobody has take nothing
# from what is kept.
LOOKS_COUNT, LOOKS_SECONDS = 600, 60
# What was taken in lately and comes again is acknowledged without being kept again.
REMEMBERED_MAX = 10_000
NOTHING_FOR_US = "nothing in it is for us"


class UnknownAccount(BursarError):
    """Nobody here has an account of this name."""


class Delivery(NamedTuple):
    """One message on its way in. Without an account it was sent to the connector's own address."""

    connector: str
    account: str | None
    headers: dict[str, str]
    body: bytes
    origin: Origin


class HookService:
    def __init__(
        self, store: Store, ids: IdFactory, clock: Clock, registry: Registry, arrivals: Arrivals, figures: Figures
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._registry = registry
        self._arrivals = arrivals
        self._figures = figures
        self._unverified = Budgets(clock, UNVERIFIED_COUNT, UNVERIFIED_SECONDS)
        self._all_unverified = Budgets(clock, ALL_UNVERIFIED_COUNT, ALL_UNVERIFIED_SECONDS)
        self._looks = Budgets(clock, LOOKS_COUNT, LOOKS_SECONDS)
        self._remembered: OrderedDict[Hashable, None] = OrderedDict()

    async def receive(self, delivery: Delivery) -> None:
        """Returns once all of it is durable. Raises UnknownConnector, UnknownAccount, and WebhookRefused for what
        the bank has not signed for this account.
        """
        connector = self._registry.connector(delivery.connector)
        place = None
        if delivery.account is not None:
            place = account_of(delivery.connector, delivery.account)
            if place is None:
                raise UnknownAccount(delivery.account)
        now = self._clock.now_microseconds()
        try:
            events = connector.read_webhook(delivery.headers, delivery.body, seconds(now))
            _check(events, delivery.account)
        except WebhookRefused as refusal:
            self._figures.refused(delivery.connector, refusal.reason)
            # What was signed for another account is nothing that this one may see.
            if place is not None and delivery.account is not None and refusal.reason != "wrong_account":
                await self._keep_unverified(delivery, delivery.account, place, str(refusal))
            raise
        await self._keep(delivery, events, now)

    def refused(self, connector: str, reason: str) -> None:
        """Something was refused before it came here."""
        self._figures.refused(connector, reason)

    async def _keep(self, delivery: Delivery, events: Sequence[BankEvent], now: int) -> None:
        by_account: dict[str, list[BankEvent]] = {}
        for event in events:
            by_account.setdefault(delivery.account or event.merchant, []).append(event)
        if not events:
            by_account[delivery.account or ""] = []
        kept = bodies.kept(delivery.headers, delivery.body)
        messages = []
        for account, own in by_account.items():
            place = account_of(delivery.connector, account) or NOBODYS
            key = (delivery.connector, account, *(event.event_id for event in own))
            if own and key in self._remembered:
                self._figures.ended(delivery.connector, "duplicate")
                continue
            message = self._message(delivery, _named_account(account), place, kept, now)
            messages.append((key, self._with_events(message, own, now)))
        if not messages:
            return
        await self._store.commit(Unit([repository.insertion(message) for _, message in messages]))
        for key, message in messages:
            self._remember(key)
            self._figures.ended(delivery.connector, message.state)
            self._hand_over(message, now)

    async def _keep_unverified(self, delivery: Delivery, account: str, place: Place, reason: str) -> None:
        """Where people see it, as a secret may be wrong here or at the bank; bounded, as anybody can send it."""
        if not (self._unverified.take((delivery.connector, account)) and self._looks.take()):
            return
        found = await self._store.read(lambda connection: organisations.find_organisation(connection, place.org_id))
        if found is None or not self._all_unverified.take():
            return
        now = self._clock.now_microseconds()
        kept = bodies.kept(delivery.headers, delivery.body, bodies.UNVERIFIED_BYTES_MAX)
        message = self._message(delivery, account, place, kept, now)
        named = bodies.operations_in(delivery.body)
        if named:
            message = message._replace(named=",".join(named), next_at=self._due_at(now))
        message = message._replace(state="unverified", reason=reason, finished=None if named else now)
        await self._store.commit(Unit([repository.insertion(message)]))
        self._figures.ended(delivery.connector, message.state)
        self._hand_over(message, now)

    def _message(self, delivery: Delivery, account: str, place: Place, kept: bodies.Kept, now: int) -> StoredMessage:
        return StoredMessage(
            org_id=place.org_id,
            livemode=place.livemode,
            id=self._ids.new(PREFIX),
            connector=delivery.connector,
            account=account,
            state="received",
            kind=None,
            received=now,
            next_at=None,
            tries=0,
            finished=None,
            reason=None,
            sender=delivery.origin.address,
            request_id=delivery.origin.request_id,
            named=None,
            body_length=kept.length,
            body_digest=kept.digest,
            is_exact=int(kept.is_exact),
            headers_document=kept.headers,
            body_text=kept.body,
            events_document="[]",
        )

    def _with_events(self, message: StoredMessage, events: Sequence[BankEvent], now: int) -> StoredMessage:
        if not events:
            message = message._replace(state="processed", reason=NOTHING_FOR_US, finished=now)
            if message.org_id != INSTALLATION:  # nobody knows whether it is about the account that it was sent to
                message = message._replace(headers_document=None, body_text=None, is_exact=0)
            return message
        return with_events(message, events)._replace(next_at=self._due_at(now))

    def _due_at(self, now: int) -> int:
        """Processed by this process at once if it can; otherwise by whoever looks first."""
        return rules.leased_until(now) if self._arrivals.has_room else now

    def _hand_over(self, message: StoredMessage, now: int) -> None:
        if message.next_at is not None and message.next_at > now:
            self._arrivals.put(message)
        elif message.next_at is not None:
            self._arrivals.committed.tell()

    def _remember(self, key: Hashable) -> None:
        self._remembered[key] = None
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def with_events(message: StoredMessage, events: Sequence[BankEvent]) -> StoredMessage:
    """With what was read in it."""
    named = dict.fromkeys(event.operation_id for event in events if event.operation_id)
    shown = [name for name in named if may_be_id(name) and len(name) <= ID_LENGTH_MAX][: bodies.OPERATIONS_MAX]
    return message._replace(
        kind=events[0].kind,
        named=",".join(shown) or None,
        events_document=msgspec.json.encode(events).decode(),
    )


def _check(events: Sequence[BankEvent], account: str | None) -> None:
    for event in events:
        if not may_be_id(event.event_id):
            raise WebhookRefused("The message has no id.")
        if account is not None and not is_about(event, account):
            raise WebhookRefused("The message is about another account than the one it was sent to.", "wrong_account")


def _named_account(account: str) -> str:
    """Banks may say anything, which not every database can keep as a key."""
    return account.encode("ascii", "replace").decode()[:ACCOUNT_LENGTH]
