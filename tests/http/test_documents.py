"""Resources that are kept as documents: their pages, their searches, and what is expanded of them."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.http import documents
from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import encode
from bursar.http.paging import window
from bursar.http.params import ListParams
from bursar.http.search import Clause, parse_query
from bursar.kit.clock import ManualClock
from bursar.kit.errors import NotFound
from bursar.kit.ids import IdFactory
from bursar.payments import repository, rules
from bursar.payments.repository import KIND, PREFIX
from bursar.payments.schemas import PaymentIntent
from bursar.payments.tables import payment_intents
from bursar.store.search_index import Terms
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.vault.harness import opened

ORG, OTHER = "acct_documents", "acct_other"
STATUSES = ("requires_payment_method", "succeeded", "canceled")
CURRENCIES = ("usd", "eur")
START_SECONDS = 1_800_000_000
SERVERS_TOO = pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb"), indirect=True)
ONE_KIND = pytest.mark.parametrize("database", on("sqlite"), indirect=True)


class Shelf:
    """Intents of two organisations and both modes, one each second."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock()
        self.ids = IdFactory(self.clock)
        self.own: list[PaymentIntent] = []

    def fill(self, count: int) -> None:
        changes = []
        for number in range(count):
            self.clock.advance(1)
            for org_id, livemode in ((ORG, 0), (ORG, 1), (OTHER, 0)):
                intent = self._intent(number)
                changes += repository.insertion(org_id, livemode, intent, encode(intent), None)
                if (org_id, livemode) == (ORG, 0):
                    self.own.append(intent)
        asyncio.run(self.store.commit(Unit(changes)))

    def page(self, **params: Any) -> list[str]:
        asked = ListParams(**params)
        view = window(asked)

        def query(connection: Any) -> list[str]:
            documents.check_cursors(connection, payment_intents, call(), asked, KIND)
            return documents.read_page(connection, payment_intents, call(), view, (None, None), PREFIX)

        shown, self.has_more = view.cut(self.store.read_blocking(query))
        return ids_of(shown)

    def search(self, text: str, after_id: str | None = None, rows: int = 100) -> list[str]:
        query = parse_query(text, rules.SEARCHABLE)

        def read(connection: Any) -> list[str]:
            terms = Terms.read(connection, ORG, 0, payment_intents)

            def condition(clause: Clause) -> Any:
                return documents.clause_condition(payment_intents, PREFIX, KIND, terms, clause)

            return documents.read_search(connection, payment_intents, call(), query, condition, after_id, rows)

        return ids_of(self.store.read_blocking(read))

    def newest(self, wanted: Any = lambda _: True) -> list[str]:
        return [intent.id for intent in reversed(self.own) if wanted(intent)]

    def _intent(self, number: int) -> PaymentIntent:
        return PaymentIntent(
            id=self.ids.new(PREFIX),
            amount=100 * (number % 5 + 1),
            client_secret="secret",
            created=self.clock.now_microseconds() // 1_000_000,
            currency=CURRENCIES[number % 2],
            customer=f"cus_{number % 2}" if number % 3 else None,
            livemode=False,
            metadata={"order": str(number)} if number % 2 else {},
            status=STATUSES[number % 3],  # type: ignore[arg-type]
        )


@pytest.fixture
def shelf(database: Database) -> Iterator[Shelf]:
    with opened(database) as store:
        made = Shelf(store)
        made.fill(17)
        yield made


def call(org_id: str = ORG, livemode: int = 0) -> Call:
    return Call(Principal(org_id, livemode, "key_1"), "req_1")


def ids_of(found: list[str]) -> list[str]:
    return [json.loads(document)["id"] for document in found]


@SERVERS_TOO
@pytest.mark.parametrize("limit", [1, 5, 17, 18])
def test_pages_forward_and_back_show_everything_once_and_newest_first(shelf: Shelf, limit: int) -> None:
    everything = shelf.newest()
    pages = [shelf.page(limit=limit)]
    while shelf.has_more:
        pages.append(shelf.page(limit=limit, starting_after=pages[-1][-1]))
    assert list(itertools.chain(*pages)) == everything
    back = [shelf.page(limit=limit, ending_before=everything[-1])]
    while shelf.has_more:
        back.append(shelf.page(limit=limit, ending_before=back[-1][0]))
    assert list(itertools.chain(*reversed(back))) == everything[:-1]


@ONE_KIND
def test_a_cursor_is_an_object_of_the_caller(shelf: Shelf) -> None:
    foreign = shelf.store.read_blocking(
        lambda connection: documents.read_page(
            connection, payment_intents, call(OTHER), window(ListParams(limit=1)), (None, None), PREFIX
        )
    )
    for cursor in (ids_of(foreign)[0], "pi_nobody"):
        with pytest.raises(NotFound) as caught:
            shelf.page(starting_after=cursor)
        assert caught.value.param == "starting_after"


@ONE_KIND
def test_another_organisation_and_the_other_mode_are_not_there(shelf: Shelf) -> None:
    own = shelf.own[0].id

    def read(org_id: str, livemode: int) -> str | None:
        return shelf.store.read_blocking(
            lambda connection: documents.read_document(connection, payment_intents, org_id, livemode, own)
        )

    assert read(ORG, 0) is not None
    assert read(ORG, 1) is read(OTHER, 0) is None


@ONE_KIND
@given(low=st.none() | st.integers(-2, 20), high=st.none() | st.integers(-2, 20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_range_of_time_takes_its_first_second_and_leaves_the_one_behind(
    shelf: Shelf, low: int | None, high: int | None
) -> None:
    first, behind = (None if one is None else START_SECONDS + one for one in (low, high))
    found = shelf.store.read_blocking(
        lambda connection: documents.read_page(
            connection, payment_intents, call(), window(ListParams(limit=100)), (first, behind), PREFIX
        )
    )
    expected = shelf.newest(
        lambda intent: (first is None or intent.created >= first) and (behind is None or intent.created < behind)
    )
    assert ids_of(found) == expected


@SERVERS_TOO
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("amount:300", lambda one: one.amount == 300),
        ("amount>300", lambda one: one.amount > 300),
        ("amount>=300", lambda one: one.amount >= 300),
        ("amount<300", lambda one: one.amount < 300),
        ("amount<=300", lambda one: one.amount <= 300),
        ("-amount:300", lambda one: one.amount != 300),
        ("status:'succeeded'", lambda one: one.status == "succeeded"),
        ("status:'SUCCEEDED'", lambda one: one.status == "succeeded"),
        ("-status:'succeeded'", lambda one: one.status != "succeeded"),
        ("currency:'EUR'", lambda one: one.currency == "eur"),
        ("customer:'cus_1'", lambda one: one.customer == "cus_1"),
        ("customer:'CUS_1'", lambda one: False),
        ("-customer:'cus_1'", lambda one: one.customer != "cus_1"),
        ("customer:null", lambda one: one.customer is None),
        ("-customer:null", lambda one: one.customer is not None),
        ("metadata['order']:'3'", lambda one: one.metadata.get("order") == "3"),
        ("-metadata['order']:'3'", lambda one: one.metadata.get("order") != "3"),
        ("metadata['order']:null", lambda one: not one.metadata),
        ("-metadata['order']:null", lambda one: bool(one.metadata)),
        ("metadata['other']:'3'", lambda one: False),
        (f"created:{START_SECONDS + 3}", lambda one: one.created == START_SECONDS + 3),
        (f"created>{START_SECONDS + 3}", lambda one: one.created > START_SECONDS + 3),
        (f"created<={START_SECONDS + 3}", lambda one: one.created <= START_SECONDS + 3),
        ("amount>100 AND currency:'usd'", lambda one: one.amount > 100 and one.currency == "usd"),
        ("amount:100 OR customer:null", lambda one: one.amount == 100 or one.customer is None),
        ("amount:100 OR -customer:null", lambda one: one.amount == 100 or one.customer is not None),
    ],
)
def test_a_search_finds_what_it_says(shelf: Shelf, query: str, wanted: Any) -> None:
    assert shelf.search(query) == shelf.newest(wanted)


@ONE_KIND
def test_a_search_goes_on_behind_the_last_one_found(shelf: Shelf) -> None:
    everything = shelf.search("currency:'usd'")
    first = shelf.search("currency:'usd'", rows=4)
    assert first + shelf.search("currency:'usd'", after_id=first[-1]) == everything


@ONE_KIND
def test_what_is_being_written_is_expanded_as_it_will_be(shelf: Shelf) -> None:
    load = documents.loader(shelf.store, payment_intents)
    stored, new = shelf.own[0].id, "pi_new"

    async def scenario() -> None:
        asking = call()
        asking.pending = {new: json.dumps({"id": new}), stored: json.dumps({"id": stored, "amount": 7})}
        found = await load(asking, [stored, new, shelf.own[1].id, "pi_nobody"])
        assert set(found) == {stored, new, shelf.own[1].id}
        # The version of this very commit, and not the one before it.
        assert found[stored]["amount"] == 7
        assert found[shelf.own[1].id]["amount"] == shelf.own[1].amount
        assert set(await load(call(OTHER), [stored])) == set()
        assert set(await load(call(ORG, 1), [stored])) == set()

    asyncio.run(scenario())
