"""Stops whoever guesses, and nobody else.

A try is counted before it is made and given back when it was right, so that a hundred at once are no more than a
hundred after each other. Ten that were wrong, and there is a pause of half an hour: for the account, and for the
address. An unknown account is counted like a known one, so that the pause tells nothing either.

Somebody who comes from where the account was signed in to before is counted on their own: a pause that others caused
does not reach them. For a browser that is its device cookie, which nobody can guess; for the rest it is the address.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict, TooManyRequests
from bursar.people.secrets import Secrets
from bursar.people.tables import sign_in_failures, sign_in_places
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

FAILURES_MAX = 10
SENDINGS_MAX = 5  # codes for somebody, or to one telephone, that nobody used
SENDINGS_OF_ADDRESS_MAX = 20  # of all who come from there
PAUSE_SECONDS = 30 * 60
PAUSE = PAUSE_SECONDS * MICROSECONDS_PER_SECOND
FORGOTTEN_AFTER = PAUSE  # since the last failure
PLACE_REMEMBERED = 180 * 86_400 * MICROSECONDS_PER_SECOND
RACES_MAX = 20
IPV6_PREFIX = 64  # what one household or one server has: its owner can take any address of it
NOBODY = "usr_nobody"  # asked for where there is no user, so that both cases ask as much

INSERT = sign_in_failures.insert()
COUNT = (
    sign_in_failures.update()
    .where(
        sign_in_failures.c.org_id == bindparam("o"),
        sign_in_failures.c.subject_hash == bindparam("s"),
        sign_in_failures.c.version == bindparam("expected_version"),
    )
    .values(
        failures=bindparam("new_failures"),
        changed=bindparam("at"),
        locked_until=bindparam("until"),
        version=bindparam("new_version"),
    )
)
GIVE_BACK = (
    sign_in_failures.update()
    .where(
        sign_in_failures.c.org_id == bindparam("o"),
        sign_in_failures.c.subject_hash == bindparam("s"),
        sign_in_failures.c.failures > 0,
    )
    .values(
        failures=sign_in_failures.c.failures - 1, locked_until=bindparam("open"), version=sign_in_failures.c.version + 1
    )
)
FORGIVE = (
    sign_in_failures.update()
    .where(sign_in_failures.c.org_id == bindparam("o"), sign_in_failures.c.subject_hash == bindparam("s"))
    .values(failures=bindparam("zero"), locked_until=bindparam("open"), version=sign_in_failures.c.version + 1)
)
_FAILURES = select(sign_in_failures).where(
    sign_in_failures.c.org_id == INSTALLATION, sign_in_failures.c.subject_hash.in_(bindparam("s", expanding=True))
)
INSERT_PLACE = sign_in_places.insert()
TOUCH_PLACE = (
    sign_in_places.update()
    .where(
        sign_in_places.c.org_id == bindparam("o"),
        sign_in_places.c.user_id == bindparam("u"),
        sign_in_places.c.place_hash == bindparam("p"),
    )
    .values(seen=bindparam("at"))
)
_PLACES = select(sign_in_places.c.place_hash).where(
    sign_in_places.c.org_id == INSTALLATION,
    sign_in_places.c.user_id == bindparam("u"),
    sign_in_places.c.place_hash.in_(bindparam("p", expanding=True)),
    sign_in_places.c.seen > bindparam("since"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What failures are counted of. `shared` ones are of several people: one who was right forgives only their own."""

    kind: str
    subject_hash: str
    shared: bool = False
    most: int = FAILURES_MAX


Rows = Mapping[str, Row[Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a try would be counted of, and how often that was wrong of late."""

    subjects: tuple[Subject, ...]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that was counted, and is not decided yet."""

    subjects: tuple[Subject, ...]
    # Those for which it was the last try before the pause, should it have been wrong.
    last_for: tuple[Subject, ...]
    locked_until: int


class Lockout:
    def __init__(self, store: Store, clock: Clock, secrets: Secrets) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        # One try is counted at a time in this process, so that those of one address do not fail each other's commits.
        self._counting = asyncio.Lock()

    def look(
        self, connection: Connection, email: str, user_id: str | None, address: str | None, device: str | None
    ) -> Look:
        """What a try to sign in is counted of. The same questions whether there is such a user or not."""
        whose = user_id or NOBODY
        known = self._known_places(connection, whose, address, device)
        shared = self._subject("address", _network(address), shared=True)
        if device is not None and self._place("device", device) in known:
            subjects: tuple[Subject, ...] = (self._subject("device", whose, device),)
        elif address is not None and self._place("address", _network(address)) in known:
            subjects = (self._subject("place", whose, _network(address)), shared)
        else:
            subjects = (self._subject("account", email), shared)
        return Look(subjects, _rows(connection, subjects))

    async def begin_second_factor(self, user_id: str, address: str | None, device: str | None) -> Attempt:
        """Whoever has the password and guesses codes cannot keep out who has signed in from elsewhere before."""
        return await self.begin([await self._by_place("factor", user_id, address, device)])

    async def count_sending(
        self, user_id: str, address: str | None, device: str | None, telephone: str | None = None
    ) -> None:
        """A code is about to be sent to somebody. `telephone`: a number that may be somebody else's."""
        subjects = await self._sending(user_id, address, device)
        if telephone is not None:
            subjects.append(replace(self._subject("code to", telephone), most=SENDINGS_MAX))
        try:
            await self.begin(subjects)
        except TooManyRequests as pause:
            raise _sending_paused(pause.retry_after_seconds or PAUSE_SECONDS) from None

    async def sending_was_right(self, user_id: str, address: str | None, device: str | None) -> list[Change]:
        """The code that was sent has been used: for the transaction that uses it up."""
        return self.right(Attempt(tuple(await self._sending(user_id, address, device)), (), 0))

    async def _sending(self, user_id: str, address: str | None, device: str | None) -> list[Subject]:
        own = await self._by_place("code", user_id, address, device)
        shared = self._subject("codes from", _network(address), shared=True)
        return [replace(own, most=SENDINGS_MAX), replace(shared, most=SENDINGS_OF_ADDRESS_MAX)]

    async def _by_place(self, kind: str, user_id: str, address: str | None, device: str | None) -> Subject:
        known = await self._store.read(lambda connection: self._known_places(connection, user_id, address, device))
        if device is not None and self._place("device", device) in known:
            return self._subject(f"{kind} by device", user_id, device)
        if address is not None and self._place("address", _network(address)) in known:
            return self._subject(f"{kind} by place", user_id, _network(address))
        return self._subject(kind, user_id)

    async def begin_proof(self, session_id: str) -> Attempt:
        """By session, so that whoever stole one cannot lock out its owner."""
        return await self.begin([self._subject("proof", session_id)])

    async def begin(self, subjects: Sequence[Subject], seen: Rows | None = None) -> Attempt:
        """Counts a try. Raises TooManyRequests in a pause. `seen`: how often it was wrong, as just read."""
        if seen is not None:
            self._refuse_in_pause(subjects, seen)
        async with self._counting:
            for _ in range(RACES_MAX):
                rows = seen if seen is not None else await self._store.read(lambda found: _rows(found, subjects))
                seen = None
                attempt, changes = self._counted(subjects, rows)
                try:
                    await self._store.commit(Unit(changes))
                except (RowsExpected, DuplicateKey):  # somebody else counts the same
                    continue
                return attempt
        raise Conflict("Too many people sign in at this moment; try again.", code="lock_timeout")

    def right(self, attempt: Attempt) -> list[Change]:
        """For the transaction of what the right answer allows. Not for a unit: two in one batch would count as one."""
        row = {"o": INSTALLATION, "open": 0}
        return [
            Change(GIVE_BACK, row | {"s": subject.subject_hash})
            if subject.shared
            else Change(FORGIVE, row | {"s": subject.subject_hash, "zero": 0})
            for subject in attempt.subjects
        ]

    def forgiven(self, email: str) -> list[Change]:
        """For who has shown otherwise that the account is theirs. The address they came from may still be paused."""
        subject = self._subject("account", email)
        return [Change(FORGIVE, {"o": INSTALLATION, "s": subject.subject_hash, "zero": 0, "open": 0})]

    async def give_back(self, attempt: Attempt) -> None:
        """The try was never made."""
        row = {"o": INSTALLATION, "open": 0}
        changes = [Change(GIVE_BACK, row | {"s": subject.subject_hash}) for subject in attempt.subjects]
        await self._store.transact(lambda _: (None, Unit(changes)))

    def remember(
        self, connection: Connection, user_id: str, address: str | None, device: str | None, now: int
    ) -> list[Change]:
        """That somebody has signed in here. Within a transaction; two first ones at once: one has DuplicateKey."""
        places = [self._place("address", _network(address))] if address is not None else []
        if device is not None:
            places.append(self._place("device", device))
        known = set(connection.execute(_PLACES, {"u": user_id, "p": places, "since": -1}).scalars()) if places else ()
        return [
            Change(TOUCH_PLACE, {"o": INSTALLATION, "u": user_id, "p": place, "at": now})
            if place in known
            else Change(INSERT_PLACE, {"org_id": INSTALLATION, "user_id": user_id, "place_hash": place, "seen": now})
            for place in places
        ]

    def _known_places(self, connection: Connection, user_id: str, address: str | None, device: str | None) -> set[str]:
        places = [self._place("address", _network(address)), self._place("device", device or "")]
        since = self._clock.now_microseconds() - PLACE_REMEMBERED
        return set(connection.execute(_PLACES, {"u": user_id, "p": places, "since": since}).scalars())

    def _refuse_in_pause(self, subjects: Sequence[Subject], rows: Rows) -> None:
        now = self._clock.now_microseconds()
        until = max((rows[one.subject_hash].locked_until for one in subjects if one.subject_hash in rows), default=0)
        if until > now:
            raise locked(until - now)

    def _counted(self, subjects: Sequence[Subject], rows: Rows) -> tuple[Attempt, list[Change]]:
        self._refuse_in_pause(subjects, rows)
        now = self._clock.now_microseconds()
        changes, last_for = [], []
        for subject in subjects:
            row = rows.get(subject.subject_hash)
            is_over = row is None or row.locked_until != 0 or row.changed + FORGOTTEN_AFTER <= now
            failures = 1 if is_over or row is None else row.failures + 1
            if failures >= subject.most:
                last_for.append(subject)
            changes.append(_count(subject, row, failures, now))
        return Attempt(tuple(subjects), tuple(last_for), now + PAUSE), changes

    def _subject(self, kind: str, *whose: str, shared: bool = False) -> Subject:
        return Subject(kind, self._secrets.hash("sign-in failures", "\n".join((kind, *whose))), shared)

    def _place(self, kind: str, value: str) -> str:
        return self._secrets.hash("sign-in places", f"{kind}\n{value}")


def locked(remaining: int) -> TooManyRequests:
    wait = -(-remaining // MICROSECONDS_PER_SECOND)
    minutes = -(-wait // 60)
    refusal = TooManyRequests(
        f"Too many tries were wrong. Wait {minutes} minute{'s' if minutes > 1 else ''}, or sign in from where you have "
        "signed in before.",
        retry_after_seconds=wait,
    )
    refusal.code = "sign_in_locked"
    return refusal


def _sending_paused(wait: int) -> TooManyRequests:
    refusal = TooManyRequests(
        "Too many codes were sent. Use the newest one, another second factor, or wait half an hour.",
        retry_after_seconds=wait,
    )
    refusal.code = "codes_paused"
    return refusal


def _count(subject: Subject, row: Row[Any] | None, failures: int, now: int) -> Change:
    until = now + PAUSE if failures >= subject.most else 0
    if row is None:
        values = {"failures": failures, "changed": now, "locked_until": until, "version": 1}
        return Change(INSERT, {"org_id": INSTALLATION, "subject_hash": subject.subject_hash} | values)
    values = {"new_failures": failures, "at": now, "until": until, "new_version": row.version + 1}
    key = {"o": INSTALLATION, "s": subject.subject_hash, "expected_version": row.version}
    return Change(COUNT, key | values, rows_expected=1)


def _rows(connection: Connection, subjects: Sequence[Subject]) -> Rows:
    found = connection.execute(_FAILURES, {"s": [subject.subject_hash for subject in subjects]})
    return {row.subject_hash: row for row in found}


def _network(address: str | None) -> str:
    """What an attacker has one of: an address, or the network that a provider gives to each customer."""
    if address is None:
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
