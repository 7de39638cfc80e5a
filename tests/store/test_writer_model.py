"""Random batches against a dictionary: whatever meets in a commit, the outcome is as if units came one by one."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursar.store.errors import DuplicateKey, RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit
from tests.databases import EMBEDDED, Database
from tests.store.harness import commit_together, entry, insert, kinds, logged, opened, stored, update

KEYS = "abcdef"
EXAMPLES_EMBEDDED = 150
EXAMPLES_ON_SERVERS = 15

Rows = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Step:
    """An insert, or an update of the version that the row had before the batch, or of an older or later one."""

    key: str
    updates: bool
    version_offset: int


steps = st.builds(Step, st.sampled_from(KEYS), st.booleans(), st.sampled_from([0, 0, 0, 1, -1]))
batches = st.lists(st.lists(steps, min_size=1, max_size=3, unique_by=lambda step: step.key), max_size=12)


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    with opened(database) as one:
        yield one


def test_a_batch_is_as_if_its_units_came_one_by_one(database: Database, store: Store) -> None:
    numbers = itertools.count()

    @settings(
        max_examples=EXAMPLES_EMBEDDED if database.kind in EMBEDDED else EXAMPLES_ON_SERVERS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(batches, min_size=1, max_size=3))
    def check(several: list[list[list[Step]]]) -> None:
        org_id = f"org_{next(numbers)}"  # an organisation per example, so that none sees another's rows
        rows: Rows = {}
        log: list[str] = []
        for batch_number, batch in enumerate(several):
            units, expected = [], []
            before = dict(rows)
            for unit_number, unit_steps in enumerate(batch):
                name = f"{batch_number}.{unit_number}"
                changes = [_change(step, before, name, org_id) for step in unit_steps]
                units.append(Unit(changes, [entry(name, org_id)]))
                error = _apply(changes, rows)
                expected.append(error)
                if error is None:
                    log.append(name)
            found = kinds(commit_together(store, units))
            assert [outcome is None for outcome in found] == [error is None for error in expected]
            assert all(
                outcome in allowed for outcome, allowed in zip(found, expected, strict=True) if allowed is not None
            )
            assert stored(store, org_id) == rows
            assert logged(store, org_id) == log

    check()


def _change(step: Step, before: Rows, name: str, org_id: str) -> Change:
    """An update of a row of the same batch is always of a version that never is: a batch may be carried out
    in another order than it was made in, as long as nobody has been answered yet."""
    if not step.updates:
        return insert(step.key, name, org_id)
    version = before[step.key][0] + step.version_offset if step.key in before else 99
    return update(step.key, version, name, org_id)


def _apply(changes: list[Change], rows: Rows) -> set[type[Exception]] | None:
    """Carries the unit out, or leaves the rows alone and tells which errors are right."""
    after = dict(rows)
    errors: set[type[Exception]] = set()
    for change in changes:
        if change.rows_expected is None:
            key = change.row["id"]
            if key in rows:
                errors.add(DuplicateKey)
            after[key] = (1, change.row["document"])
        else:
            key = change.row["i"]
            if key not in rows or rows[key][0] != change.row["expected_version"]:
                errors.add(RowsExpected)
            after[key] = (change.row["new_version"], change.row["new_document"])
    if errors:
        return errors
    rows.update(after)
    return None
