"""Terms are kept by when their object was made; a search looks wherever objects of the organisation can be."""

import itertools
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select

from bursar.customers import repository
from bursar.customers.schemas import Customer
from bursar.customers.tables import customers
from bursar.http.endpoint import encode
from bursar.http.paging import Window
from bursar.kit.ids import CHANCE_LENGTH, time_part
from bursar.store.search_index import SLICE_BITS, Terms, search_terms, slice_of
from bursar.store.store import Store
from tests.databases import Database
from tests.store.harness import ORG, commit, opened

NOW = 1_795_000_000_000_000  # some moment, in microseconds
SLICE = 1 << SLICE_BITS
EMAIL = "jenny@example.com"
EVERYTHING = Window(limit=100, after_id=None, before_id=None)

_chances = itertools.count(10**12)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with opened(database) as store:
        yield store


def customer_made_at(microseconds: int, email: str | None = EMAIL) -> Customer:
    chance = str(next(_chances)).zfill(CHANCE_LENGTH)
    return Customer(id=f"cus_{time_part(microseconds)}{chance}", created=0, livemode=False, email=email)


def keep(store: Store, customer: Customer, org_id: str = ORG) -> None:
    commit(store, *repository.insertion(org_id, 0, customer, encode(customer)))


def found(store: Store, email: str = EMAIL, org_id: str = ORG) -> list[str]:
    listed = store.read_blocking(
        lambda connection: repository.page(connection, org_id, 0, EVERYTHING, created=(None, None), email=email)
    )
    return [customer.id for customer in listed]


def with_an_email(store: Store) -> set[str]:
    def query(connection: Connection) -> set[str]:
        having = Terms.read(connection, ORG, 0, customers).has_field("customer.email")
        return set(connection.execute(select(customers.c.id).where(having)).scalars())

    return store.read_blocking(query)


def test_customers_of_every_time_are_found_newest_first(store: Store) -> None:
    made = [customer_made_at(NOW - slices * SLICE) for slices in (0, 1, 30, 700)]
    for customer in made:
        keep(store, customer)
    assert found(store) == [customer.id for customer in made]
    assert with_an_email(store) == {customer.id for customer in made}


def test_customers_at_either_end_of_a_slice_are_found(store: Store) -> None:
    start = slice_of(customer_made_at(NOW).id) * SLICE
    made = [customer_made_at(start + offset) for offset in (SLICE, SLICE - 1, 0, -1)]
    for customer in made:
        keep(store, customer)
    assert [slice_of(customer.id) - start // SLICE for customer in made] == [1, 0, 0, -1]
    assert found(store) == [customer.id for customer in made]


def test_where_nothing_was_made_nothing_is_found(store: Store) -> None:
    assert found(store) == []
    assert with_an_email(store) == set()
    keep(store, customer_made_at(NOW), org_id="org_other")
    assert found(store) == []


def test_a_term_that_comes_late_is_found_where_its_object_is(store: Store) -> None:
    old, new = customer_made_at(NOW - 9 * SLICE, email=None), customer_made_at(NOW, email="other@example.com")
    keep(store, old)
    keep(store, new)
    assert found(store) == []
    after = Customer(id=old.id, created=0, livemode=False, email=EMAIL)
    commit(store, *repository.update(ORG, 0, old, after, 1, encode(after)))
    assert found(store) == [old.id]
    commit(store, *repository.deletion(ORG, 0, after, 2))
    assert found(store) == []
    left = store.read_blocking(lambda connection: set(connection.execute(select(search_terms.c.object_id)).scalars()))
    assert left == {new.id}
