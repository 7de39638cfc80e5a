"""How a database comes to this version's schema: made at once, step by step, by several at once, or not at all."""

import contextlib
import multiprocessing
import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, inspect, select, text

from bursar.store import migrations, schema
from bursar.store.columns import metadata
from bursar.store.engine import Engines
from bursar.store.errors import SchemaTooNew, StoreUnavailable
from bursar.store.unit import Unit
from tests.databases import SERVERS, Database, on
from tests.store.harness import commit, entry, insert, logged, opened, stored

MIGRATIONS = Path(migrations.__file__).parent
GENERATED_NAME = re.compile(r"^integ_\d+$")  # Firebird numbers what has no name of ours
NEXT = f"{int(migrations.HEAD) + 1:04}"
# A step as the next version may bring it: a table, a column with a value for the rows that are there, an index.
NEXT_STEP = f'''
from alembic import op
from sqlalchemy import Column, Integer, text

revision = "{NEXT}"
down_revision = "{migrations.HEAD}"


def upgrade() -> None:
    op.create_table("things", Column("thing", Integer, primary_key=True, autoincrement=False))
    op.add_column("customers", Column("score", Integer, server_default=text("7"), nullable=False))
    op.create_index("ix_customers_version", "customers", ["org_id", "version"])
'''


@pytest.fixture
def engines(empty_database: Database) -> Iterator[Engines]:
    made = Engines(empty_database.url, readers=1, writers=4)
    yield made
    made.close()


def _by_steps(engine: Engine) -> None:
    """As databases came here that were made by the first version."""
    with engine.connect() as connection:
        schema._version_table.create(connection)
        connection.commit()
    with engine.connect() as connection, connection.begin():
        schema._run_steps(connection)


def _described(engine: Engine) -> dict[str, Any]:
    """Everything that the database says of its tables."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        return {name: _describe(inspector, name) for name in inspector.get_table_names()}


def _describe(inspector: Any, table: str) -> dict[str, Any]:
    columns = [
        (column["name"], _type(column["type"]), column["nullable"], column["default"])
        for column in inspector.get_columns(table)
    ]
    indexes = [(index["name"], index["column_names"], bool(index["unique"])) for index in inspector.get_indexes(table)]
    key = inspector.get_pk_constraint(table)
    return {
        "columns": columns,
        "primary key": (GENERATED_NAME.sub("", key["name"] or ""), key["constrained_columns"]),
        "indexes": sorted(indexes, key=str),
        "unique": sorted(map(str, inspector.get_unique_constraints(table))),
        "options": inspector.get_table_options(table) if inspector.dialect.name == "mysql" else None,
    }


def _type(kind: Any) -> tuple[str, Any, Any]:
    return (str(kind), getattr(kind, "collation", None), getattr(kind, "charset", None))


def test_the_steps_lead_to_the_same_schema_as_making_it_at_once(empty_database: Database, engines: Engines) -> None:
    _by_steps(engines.writing)
    by_steps = _described(engines.reading)
    _drop_all(engines.writing)
    schema.upgrade(engines.writing)
    at_once = _described(engines.reading)
    assert set(at_once) == {*metadata.tables, schema.VERSION_TABLE}
    assert by_steps == at_once
    assert schema.current_version(engines.reading) == migrations.HEAD


def _drop_all(engine: Engine) -> None:
    with engine.begin() as connection:
        metadata.drop_all(connection)
        schema._version_table.drop(connection)


def test_the_newest_step_is_the_one_that_this_version_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_opening_twice_changes_nothing(empty_database: Database) -> None:
    with opened(empty_database) as store:
        commit(store, insert("kept"))
        before = _described(store.engines.reading)
        assert schema.upgrade(store.engines.writing) == (migrations.HEAD, migrations.HEAD)
        assert _described(store.engines.reading) == before
    with opened(empty_database) as store:
        assert set(stored(store)) == {"kept"}


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """As if this program were one version newer, with one step more."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"v{NEXT}_next.py").write_text(NEXT_STEP)
    monkeypatch.setattr(schema, "MIGRATIONS", folder)
    monkeypatch.setattr(schema, "HEAD", NEXT)
    return NEXT


def test_an_older_database_is_upgraded_with_its_data(empty_database: Database, request: pytest.FixtureRequest) -> None:
    with opened(empty_database) as store:
        commit(store, insert("old", "document"))
        store.transact_blocking(lambda _: (None, Unit([], [entry("old")])))
    request.getfixturevalue("next_version")
    with opened(empty_database) as store:
        assert schema.current_version(store.engines.reading) == NEXT
        assert stored(store) == {"old": (1, "document")}
        assert logged(store) == ["old"]
        assert store.read_blocking(_scores) == [7]
        assert "things" in store.read_blocking(lambda connection: inspect(connection).get_table_names())
        commit(store, insert("new"))
        assert set(stored(store)) == {"old", "new"}


def _scores(connection: Connection) -> list[int]:
    customers = Table("customers", MetaData(), Column("score", Integer))
    return list(connection.execute(select(customers.c.score)).scalars())


def test_a_newer_database_is_refused_and_left_alone(empty_database: Database) -> None:
    with opened(empty_database) as store:
        commit(store, insert("kept"))
        store.transact_blocking(lambda connection: _stamp(connection, "9999"))
        with pytest.raises(SchemaTooNew, match=rf"schema 9999.*knows up to {migrations.HEAD}.*backup"):
            schema.upgrade(store.engines.writing)
        assert schema.current_version(store.engines.reading) == "9999"
        assert set(stored(store)) == {"kept"}


def _stamp(connection: Connection, version: str) -> tuple[None, Unit]:
    connection.execute(schema._version_table.update().values(version_num=version))
    return None, Unit()


def _upgrade_at_the_same_time(url: str, start: Any) -> tuple[str | None, str]:
    import bursar.runtime  # noqa: F401 - a process of its own has imported nothing yet

    engines = Engines(url, readers=1, writers=1)
    try:
        start.wait(30)
        return schema.upgrade(engines.writing)
    finally:
        engines.close()


def test_several_threads_may_make_the_schema_at_once(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As several processes would: nothing but the database keeps them apart."""
    monkeypatch.setattr(schema, "_alone_in_this_process", contextlib.nullcontext())
    start = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(_upgrade_at_the_same_time, empty_database.url, start) for _ in range(4)]
        assert {answer.result(120)[1] for answer in answers} == {migrations.HEAD}
    with opened(empty_database) as store:
        commit(store, insert("k"))
        assert set(stored(store)) == {"k"}
        versions = store.read_blocking(lambda c: list(c.execute(select(schema._version_table)).scalars()))
        assert versions == [migrations.HEAD]


@pytest.mark.parametrize("empty_database", on("postgresql"), indirect=True)
def test_several_processes_may_make_the_schema_at_once(empty_database: Database) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(2, mp_context=context) as pool:
        start = manager.Barrier(2)
        answers = [pool.submit(_upgrade_at_the_same_time, empty_database.url, start) for _ in range(2)]
        assert {answer.result(120)[1] for answer in answers} == {migrations.HEAD}
    with opened(empty_database) as store:
        commit(store, insert("k"))


@pytest.mark.usefixtures("next_version")
def test_several_threads_may_take_a_step_at_once(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(schema, "HEAD", migrations.HEAD)
        _upgrade_at_the_same_time(empty_database.url, threading.Barrier(1))
    start = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(_upgrade_at_the_same_time, empty_database.url, start) for _ in range(3)]
        assert {answer.result(120)[1] for answer in answers} == {NEXT}
    with opened(empty_database) as store:
        assert schema.current_version(store.engines.reading) == NEXT


@pytest.mark.parametrize("reached", ["events", "ix_events_type", "search_terms", schema.VERSION_TABLE])
@pytest.mark.parametrize("empty_database", on(*SERVERS), indirect=True)
def test_a_start_that_was_cut_short_is_completed_by_the_next(
    empty_database: Database, engines: Engines, reached: str
) -> None:
    """Where each table is committed by itself, a crash leaves some of them."""
    with engines.writing.connect() as connection:
        for item in _in_order_of_making():
            item.create(connection)
            connection.commit()
            if item.name == reached:
                break
    schema.upgrade(engines.writing)
    completed = _described(engines.reading)
    _drop_all(engines.writing)
    schema.upgrade(engines.writing)
    assert completed == _described(engines.reading)


def _in_order_of_making() -> Iterator[Any]:
    for table in metadata.sorted_tables:
        bare = table.to_metadata(MetaData())
        indexes = sorted(bare.indexes, key=lambda index: str(index.name))
        bare.indexes.clear()
        yield bare
        yield from indexes
    yield schema._version_table


@pytest.mark.parametrize("empty_database", on("mariadb"), indirect=True)
def test_whoever_waits_too_long_for_another_upgrade_says_so(
    empty_database: Database, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_WAIT_SECONDS", 1)
    with engines.reading.connect() as other:
        other.execute(text(f"SELECT GET_LOCK('bursar-{schema.LOCK_NUMBER}', 0)"))
        with pytest.raises(StoreUnavailable, match="another process"):
            schema.upgrade(engines.writing)
