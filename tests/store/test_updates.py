"""Updates of many rows in one statement: each row by its own values, and values that stand in the statement itself."""

import asyncio

import pytest
from sqlalchemy import BigInteger, Integer, bindparam, select

from bursar.customers.tables import customers
from bursar.store.errors import RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from tests.databases import SERVERS, Database, on
from tests.store.harness import ORG, commit_together, insert, kinds, opened

pytestmark = pytest.mark.parametrize("database", on("sqlite", *SERVERS), indirect=True)

# A value that is named twice, one that stands in the statement, and a condition without any.
RAISE = (
    customers.update()
    .where(
        customers.c.org_id == bindparam("o"),
        customers.c.livemode == bindparam("m"),
        customers.c.id == bindparam("i"),
        customers.c.version < bindparam("limit", type_=Integer) - bindparam("step", type_=BigInteger),
        customers.c.email.is_(None),
    )
    .values(version=customers.c.version + bindparam("step", type_=BigInteger) + 1, phone_folded="seen")
)


def raising(key: str, step: int, limit: int = 100) -> Unit:
    row = {"o": ORG, "m": 0, "i": key, "step": step, "limit": limit}
    return Unit([Change(RAISE, row, rows_expected=1)])


def versions(store: Store) -> dict[str, tuple[int, str | None]]:
    statement = select(customers.c.id, customers.c.version, customers.c.phone_folded)
    return store.read_blocking(lambda connection: {row[0]: (row[1], row[2]) for row in connection.execute(statement)})


def test_each_row_gets_its_own_values(database: Database) -> None:
    with opened(database) as store:
        commit_together(store, [Unit([insert(f"c{number}")]) for number in range(70)])
        outcomes = commit_together(store, [raising(f"c{number}", number) for number in range(70)])
        assert kinds(outcomes) == [None] * 70
        assert versions(store) == {f"c{number}": (1 + number + 1, "seen") for number in range(70)}


def test_a_row_that_the_condition_leaves_out_fails_only_its_own_unit(database: Database) -> None:
    with opened(database) as store:
        commit_together(store, [Unit([insert(key)]) for key in ("a", "b", "c")])
        outcomes = commit_together(store, [raising("a", 1), raising("b", 1, limit=1), raising("c", 1)])
        assert [isinstance(outcome, RowsExpected) for outcome in outcomes] == [False, True, False]
        assert {key: version for key, (version, _) in versions(store).items()} == {"a": 3, "b": 1, "c": 3}


def test_two_changes_of_one_row_in_a_batch_are_both_made(database: Database) -> None:
    with opened(database) as store:
        asyncio.run(store.commit(Unit([insert("a")])))
        outcomes = commit_together(store, [raising("a", 1), raising("a", 2)])
        assert not any(outcomes)
        assert versions(store)["a"] == (1 + 2 + 3, "seen")
