"""New data keys for all organisations, while servers go on sealing and opening.

A rotation marks every key in use as leaving, which is its plan; then it gives each organisation a new key, seals
all cards under it again, and retires the old ones. Each step is a small transaction of conditional changes, so it
may be killed at any time: the next run finds the marks and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.store.errors import DuplicateKey, StoreContention, StoreUnavailable
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from bursar.store.writer import Work
from bursar.vault import repository
from bursar.vault.keys import (
    KEY_CREATED,
    KEY_RETIRED,
    KEY_REWRAPPED,
    CardBroken,
    KeyRing,
    Wrapping,
    key_entry,
)
from bursar.vault.schemas import DataKey, SealedCard
from bursar.vault.service import KEYS_KNOWN_SECONDS

ROWS_MAX = 200  # of one transaction: short enough that no payment waits long behind it
# Twice as long as a server may use a replaced key, as what it sealed may wait to be written.
SETTLING_SECONDS = 2 * KEYS_KNOWN_SECONDS
TRIES_MAX = 6
FIRST_WAIT_SECONDS = 0.2
BROKEN_NAMED_MAX = 100
COMMAND_LINE = Origin(actor="command_line")

Told = Callable[[int, int], None]  # how many are done, of how many


@dataclass(slots=True)
class Report:
    resumed: bool = False
    keys_created: int = 0
    keys_retired: int = 0
    keys_rewrapped: int = 0
    cards_resealed: int = 0
    # Cards that cannot be opened, and so cannot be sealed again. They stay as they are, and so do their keys.
    broken: list[str] = field(default_factory=list)
    broken_unnamed: int = 0
    places_with_broken: set[tuple[str, int]] = field(default_factory=set)

    @property
    def is_complete(self) -> bool:
        return not self.broken

    def forget_broken(self) -> None:
        """Before all cards are looked at once more."""
        self.broken, self.broken_unnamed, self.places_with_broken = [], 0, set()

    def add_broken(self, place: tuple[str, int], token_id: str) -> None:
        self.places_with_broken.add(place)
        if len(self.broken) < BROKEN_NAMED_MAX:
            self.broken.append(f"{place[0]} {'live' if place[1] else 'test'} {token_id}")
        else:
            self.broken_unnamed += 1


class Rotation:
    """Blocking, for a command. Several may run at once: they only take work from each other."""

    def __init__(
        self, store: Store, clock: Clock, wrapping: Wrapping, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._store = store
        self._clock = clock
        self._wrapping = wrapping
        self._sleep = sleep

    def rotate(self, told: Told) -> Report:
        report = Report(resumed=any(key.state == "leaving" for key in self._keys()))
        if not report.resumed:
            self._transact(_mark_leaving)
        created = [self._make_new_key(place, report) for place in _places(self._keys())]
        self._reseal_all(report, told)
        self._settle(max(created, default=0))
        self._reseal_all(report, told)
        for place in _places(self._keys()):
            self._retire(place, report)
        return report

    def rewrap(self, told: Told) -> Report:
        """Every data key under the key-encryption key of today."""
        report = Report()
        behind = [key for key in self._keys() if key.kek_id != self._wrapping.key_id]
        for done, key in enumerate(behind, start=1):
            wrapped, kek_id = self._wrapping.wrap(key.org_id, key.livemode, key.version, self._wrapping.unwrap(key))
            change = repository.rewrap_key(key, wrapped, kek_id)
            self._commit([change], [key_entry(KEY_REWRAPPED, key, COMMAND_LINE)])
            report.keys_rewrapped += 1
            told(done, len(behind))
        return report

    def _keys(self) -> list[DataKey]:
        return self._store.read_blocking(repository.all_keys)

    def _make_new_key(self, place: tuple[str, int], report: Report) -> int:
        """When the newest key of the place was made, which may be now."""
        now = self._clock.now_microseconds()

        def work(connection: Connection) -> tuple[DataKey | None, Unit]:
            newest = repository.find_keys(connection, *place)[-1]
            if newest.state != "leaving":
                return None, Unit()
            key = self._wrapping.new_data_key(*place, newest.version + 1, now)
            return key, Unit([repository.insert_key(key)], [key_entry(KEY_CREATED, key, COMMAND_LINE)])

        try:
            made = self._transact(work)
        except DuplicateKey:  # another rotation has just made it
            return now
        report.keys_created += made is not None
        newest = self._store.read_blocking(lambda connection: repository.find_keys(connection, *place))[-1]
        return newest.created

    def _reseal_all(self, report: Report, told: Told) -> None:
        report.forget_broken()
        newest = {(key.org_id, key.livemode): key.version for key in self._keys()}  # oldest first, so newest stays
        counts = self._store.read_blocking(repository.count_cards)
        behind: dict[tuple[str, int], int] = {}
        for (org_id, livemode, version), count in counts.items():
            place = (org_id, livemode)
            if version < newest.get(place, 0):
                behind[place] = behind.get(place, 0) + count
        done, total = 0, sum(behind.values())
        for place in sorted(behind):
            for seen in self._reseal(place, report):
                done += seen
                told(min(done, total), total)

    def _reseal(self, place: tuple[str, int], report: Report) -> Iterator[int]:
        """Works through the cards in the order of their ids; says of each transaction how many it saw."""
        keys = self._store.read_blocking(lambda connection: repository.find_keys(connection, *place))
        ring = KeyRing(self._wrapping, *place, keys)
        after_id = ""
        while cards := self._read_behind(place, ring.newest_version, after_id):
            changes = []
            for card in cards:
                try:
                    changes.append(repository.reseal_card(*place, card, ring.seal(card.token_id, ring.unseal(card))))
                except CardBroken:
                    report.add_broken(place, card.token_id)
            self._commit(changes)
            report.cards_resealed += len(changes)
            after_id = cards[-1].token_id
            yield len(cards)

    def _read_behind(self, place: tuple[str, int], newest_version: int, after_id: str) -> list[SealedCard]:
        return self._store.read_blocking(
            lambda connection: repository.cards_behind(connection, *place, newest_version, after_id, ROWS_MAX)
        )

    def _settle(self, newest_created: int) -> None:
        """Until every server knows the new keys."""
        age_seconds = (self._clock.now_microseconds() - newest_created) / MICROSECONDS_PER_SECOND
        if 0 <= age_seconds < SETTLING_SECONDS:
            self._sleep(SETTLING_SECONDS - age_seconds)

    def _retire(self, place: tuple[str, int], report: Report) -> None:
        def work(connection: Connection) -> tuple[int, Unit]:
            leaving = [key for key in repository.find_keys(connection, *place)[:-1] if key.state == "leaving"]
            used = repository.used_versions(connection, leaving)
            if place in report.places_with_broken:
                used = set()  # those stay under it for good, and must not keep the next rotation from beginning
            done = [key for key in leaving if (*place, key.version) not in used]
            changes = [repository.set_key_state(key, "retired") for key in done]
            return len(done), Unit(changes, [key_entry(KEY_RETIRED, key, COMMAND_LINE) for key in done])

        report.keys_retired += self._transact(work)

    def _commit(self, changes: list[Change], entries: list[Entry] | None = None) -> None:
        self._transact(lambda _: (None, Unit(changes, entries or [])))

    def _transact(self, work: Work) -> Any:
        """Waits out a database that is busy or away for a moment."""
        wait_seconds = FIRST_WAIT_SECONDS
        for _ in range(TRIES_MAX):
            try:
                return self._store.transact_blocking(work)
            except (StoreUnavailable, StoreContention):
                self._sleep(wait_seconds)
                wait_seconds *= 2
        return self._store.transact_blocking(work)


def _mark_leaving(connection: Connection) -> tuple[None, Unit]:
    connection.execute(repository.MARK_LEAVING)
    return None, Unit()


def _places(keys: Iterable[DataKey]) -> list[tuple[str, int]]:
    return sorted({(key.org_id, key.livemode) for key in keys})
