"""The inbox' SQL, on every database."""

from pathlib import Path

from bursar.connectors.contract import BankEvent
from bursar.hooks import repository
from bursar.hooks.repository import StoredMessage
from bursar.hooks.rules import Ending
from bursar.hooks.schemas import AnnouncedSettlement
from bursar.hooks.service import with_events
from bursar.http.paging import Window
from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from tests.databases import Database
from tests.store.harness import opened

ORG, ACCOUNT = "org_1", "org_1:test"
EVENT = BankEvent(event_id="bev_1", kind="refund_failed", merchant=ACCOUNT, created=1, operation_id="att_1")
BODY = '{"name": "Žofie – 東京"}'


def message(number: int, next_at: int | None = 100) -> StoredMessage:
    made = StoredMessage(
        org_id=ORG, livemode=0, id=f"iwh_{number:024}", connector="piggybank", account=ACCOUNT, state="received",
        kind=None, received=50, next_at=next_at, tries=0, finished=None, reason=None, sender="192.0.2.1",
        request_id="req_1", named=None, body_length=len(BODY), body_digest="0" * 64, is_exact=1,
        headers_document="{}", body_text=BODY, events_document="[]",
    )  # fmt: skip
    return with_events(made, [EVENT])


def commit(store: Store, *changes: Change) -> None:
    store.transact_blocking(lambda _: (None, Unit(list(changes))))


def refuses(store: Store, problem: type[Exception], *changes: Change) -> bool:
    try:
        commit(store, *changes)
    except problem:
        return True
    return False


def found(store: Store, number: int) -> StoredMessage | None:
    return store.read_blocking(lambda connection: repository.find(connection, ORG, 0, f"iwh_{number:024}"))


def test_a_message_goes_its_way(database: Database, tmp_path: Path) -> None:
    with opened(database) as store:
        one, two = message(1), message(2, next_at=90)
        commit(store, repository.insertion(one), repository.insertion(two), repository.insertion(message(3, None)))
        assert found(store, 1) == one
        due = store.read_blocking(lambda connection: repository.find_due(connection, "received", 100, 10))
        assert due == [two, one]
        assert store.read_blocking(lambda connection: repository.find_waiting(connection, ORG, 0)) == {"att_1"}
        commit(store, repository.claiming(one, 200))
        held = one._replace(next_at=200)
        assert refuses(store, RowsExpected, repository.claiming(one, 300))
        assert refuses(store, RowsExpected, repository.ending(one, Ending("failed", "late"), 1))
        counting = repository.event_insertion(held, EVENT, "applied", 150, None)
        commit(store, counting, repository.ending(held, Ending("processed", "schön"), 150))
        assert refuses(store, DuplicateKey, repository.event_insertion(two, EVENT, "applied", 150, None))
        known = store.read_blocking(lambda connection: repository.find_event(connection, two, "bev_1"))
        assert known is not None and (known.webhook_id, known.state) == (one.id, "applied")
        rests = found(store, 1)
        assert rests is not None
        assert (rests.state, rests.next_at, rests.tries, rests.finished, rests.reason) == (
            "processed", None, 1, 150, "schön",
        )  # fmt: skip
        commit(store, repository.processing_again(rests, rests._replace(state="received", next_at=400)))
        again = found(store, 1)
        assert again is not None and (again.state, again.next_at, again.finished) == ("received", 400, None)
        assert refuses(store, RowsExpected, repository.processing_again(rests, rests))


def test_pages_and_what_makes_room(database: Database, tmp_path: Path) -> None:
    with opened(database) as store:
        commit(store, *(repository.insertion(message(number, None)) for number in range(1, 6)))

        def ids(window: Window, **filters: str | None) -> list[str]:
            wanted = {"state": None, "connector": None} | filters
            rows = store.read_blocking(
                lambda connection: repository.page(connection, ORG, 0, window, **wanted)  # type: ignore[arg-type]
            )
            return [row.id[-1] for row in rows]

        assert ids(Window(2)) == ["5", "4", "3"]
        assert ids(Window(5, after_id=f"iwh_{3:024}")) == ["2", "1"]
        assert ids(Window(1, before_id=f"iwh_{2:024}")) == ["3", "4"]
        assert ids(Window(9), state="received", connector="piggybank") == ["5", "4", "3", "2", "1"]
        assert (ids(Window(9), state="failed"), ids(Window(9), connector="other")) == ([], [])
        before = f"iwh_{4:024}"
        bodies = store.read_blocking(lambda connection: repository.with_old_bodies(connection, ORG, 0, before, 2))
        assert bodies == [message(1).id, message(2).id]
        commit(store, repository.forgetting_body(ORG, 0, message(1).id), repository.deletion(ORG, 0, message(2).id))
        first = found(store, 1)
        assert first is not None and (first.body_text, first.headers_document, first.is_exact) == (None, None, 0)
        assert found(store, 2) is None
        old = store.read_blocking(lambda connection: repository.old(connection, ORG, 0, before, 9))
        assert old == [message(1).id, message(3).id]
        none = store.read_blocking(lambda connection: repository.old(connection, ORG, 0, before, 9, "unverified"))
        assert none == []


def test_a_settlement_is_announced_once(database: Database, tmp_path: Path) -> None:
    settlement = AnnouncedSettlement(
        id="stl_1", account=ACCOUNT, begins=1, connector="piggybank", currency="usd", disputed_minor=0, ends=2,
        fee_minor=15, gross_minor=1_000, livemode=False, net_minor=985, payments=1, refunded_minor=0,
    )  # fmt: skip
    with opened(database) as store:
        commit(store, repository.settlement_insertion(ORG, settlement, 1))
        assert refuses(store, DuplicateKey, repository.settlement_insertion(ORG, settlement, 2))
        one = message(1)
        known = store.read_blocking(lambda connection: repository.find_settlement(connection, one, "stl_1"))
        assert known == settlement
        assert store.read_blocking(lambda connection: repository.find_settlement(connection, one, "stl_2")) is None
