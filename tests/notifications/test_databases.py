"""The outbox, preferences and targets are the same on every database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from bursar.http.paging import Window
from bursar.notifications import repository
from bursar.notifications.schemas import Branding, StoredMessage, Target
from bursar.store.errors import RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from tests.databases import Database
from tests.store.harness import opened

ORG = "acct_notifications"
NOW = 1_800_000_000_000_000
TEXT = "Grüße, नमस्ते, 你好 ' \" \\ 🧾"


@dataclass
class House:
    store: Store

    def commit(self, *changes: Change) -> None:
        asyncio.run(self.store.commit(Unit(list(changes))))

    def found(self, message: StoredMessage) -> StoredMessage | None:
        return self.store.read_blocking(lambda c: repository.find(c, message.org_id, message.livemode, message.id))

    def due(self, now: int, state: str = "waiting") -> list[str]:
        return [one.id for one in self.store.read_blocking(lambda c: repository.due(c, state, now, 10))]


def message(number: int, **changes: object) -> StoredMessage:
    made = StoredMessage(
        org_id=ORG,
        livemode=0,
        id=f"ntf_{number:04}",
        event_id=f"evt_{number:04}",
        channel="email",
        template="receipt",
        language="hi",
        recipient="somebody@example.test",
        user_id=None,
        data={"title": TEXT},
        next_at=NOW + number,
        created=NOW,
        expires=NOW + 1_000_000,
    )
    return msgspec.structs.replace(made, **changes)


def test_a_message_is_claimed_once_and_comes_to_rest(database: Database) -> None:
    with opened(database) as store:
        house = House(store)
        first, second = message(1), message(2)
        house.commit(repository.insertion(first), repository.insertion(second))
        assert house.found(first) == first
        assert house.due(NOW + 1) == [first.id]
        assert house.due(NOW + 2) == [first.id, second.id]
        house.commit(repository.claim(first, NOW + 500))
        with pytest.raises(RowsExpected):  # by another process, which saw it before
            house.commit(repository.claim(first, NOW + 600))
        assert house.due(NOW + 2) == [second.id]
        claimed = house.found(first)
        assert claimed is not None and claimed.tries == 1
        sent = msgspec.structs.replace(claimed, state="sent", finished=NOW + 9, next_at=NOW + 900, problem=TEXT)
        house.commit(repository.settlement(claimed, sent))
        assert house.found(first) == sent
        house.commit(repository.forgetting(sent))
        assert house.found(first) is None


def test_what_waits_for_a_setting_is_revived_but_letters_only_where_there_is_a_mail_server(database: Database) -> None:
    with opened(database) as store:
        house = House(store)
        letter, text = message(1), message(2, channel="sms")
        house.commit(*(repository.insertion(one) for one in (letter, text)))
        house.commit(*(repository.parking(one) for one in (letter, text)))
        assert house.due(NOW + 9_000_000) == []
        house.commit(repository.revival(NOW, letters=False))
        assert house.due(NOW) == [text.id]
        house.commit(repository.revival(NOW, letters=True))
        assert sorted(house.due(NOW)) == [letter.id, text.id]


def test_pages_go_from_the_newest_to_the_oldest(database: Database) -> None:
    with opened(database) as store:
        house = House(store)
        house.commit(*(repository.insertion(message(number)) for number in range(5)))
        window = Window(limit=2)
        rows = store.read_blocking(lambda c: repository.page(c, ORG, 0, window, "waiting"))
        assert [one.id for one in rows][:2] == ["ntf_0004", "ntf_0003"]
        assert store.read_blocking(lambda c: repository.page(c, ORG, 1, window, None)) == []


def test_branding_preferences_and_targets_are_kept_and_changed_by_version(database: Database) -> None:
    with opened(database) as store:
        house = House(store)
        assert store.read_blocking(lambda c: repository.find_branding(c, ORG)) == (Branding(), 0)
        house.commit(repository.keep_branding(ORG, Branding(name=TEXT), 0))
        house.commit(repository.keep_branding(ORG, Branding(name="Shop", footer=TEXT), 1))
        with pytest.raises(RowsExpected):
            house.commit(repository.keep_branding(ORG, Branding(), 1))
        assert store.read_blocking(lambda c: repository.find_branding(c, ORG)) == (
            Branding(name="Shop", footer=TEXT),
            2,
        )
        house.commit(repository.keep_preferences(ORG, "usr_1", {"refunds": "digest"}, 0))
        house.commit(repository.keep_preferences(ORG, "usr_1", {"refunds": "off"}, 1))
        assert store.read_blocking(lambda c: repository.preferences_of(c, ORG)) == {"usr_1": {"refunds": "off"}}
        target = Target(
            id="ntt_1", created=NOW, kind="push", language="en", name=TEXT, service="ntfy", topics=["refunds"]
        )
        house.commit(repository.keep_target(ORG, target, "sealed"))
        assert [one.target for one in store.read_blocking(lambda c: repository.targets_of(c, ORG))] == [target]
        house.commit(repository.delete_target(ORG, target.id))
        assert store.read_blocking(lambda c: repository.find_target(c, ORG, target.id)) is None
