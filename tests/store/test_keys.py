"""Every key carries the organisation, so that an engine sharded by tenant can spread the tables."""

import pytest
from sqlalchemy import Table, UniqueConstraint

import bursar.runtime  # noqa: F401 - importing every feature is what fills the metadata
from bursar.store.columns import metadata

# Indexes that may do without, each with its reason.
WITHOUT_ORGANISATION = {
    "ix_api_keys_hash": "a caller is looked up by its key before its organisation is known",
    "ix_attempts_next_look": "the resolver looks for what is due in all organisations at once",
    "ix_capture_deadlines_due": "the expiry looks for what is due in all organisations at once",
    "ix_incoming_webhooks_due": "the worker looks for what is due in all organisations at once",
    "ix_notification_messages_due": "the sender looks for what is due in all organisations at once",
    "ix_payment_sessions_due": "the task that ends sessions looks for what is due in all organisations at once",
}

TABLES = sorted(metadata.tables.values(), key=lambda table: table.name)


def _name(table: Table) -> str:
    return table.name


@pytest.mark.parametrize("table", TABLES, ids=_name)
def test_the_primary_key_begins_with_the_organisation(table: Table) -> None:
    assert [column.name for column in table.primary_key.columns][:1] == ["org_id"]


@pytest.mark.parametrize("table", TABLES, ids=_name)
def test_every_unique_key_carries_the_organisation(table: Table) -> None:
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    keys = [key.columns for key in unique] + [index.columns for index in table.indexes if index.unique]
    assert all("org_id" in [column.name for column in key] for key in keys)


@pytest.mark.parametrize("table", TABLES, ids=_name)
def test_every_index_begins_with_the_organisation_or_says_why_not(table: Table) -> None:
    wanting = {str(index.name) for index in table.indexes if index.columns[0].name != "org_id"}
    assert wanting <= set(WITHOUT_ORGANISATION)


@pytest.mark.parametrize("table", TABLES, ids=_name)
def test_every_foreign_key_carries_the_organisation(table: Table) -> None:
    assert all("org_id" in key.column_keys for key in table.foreign_key_constraints)


def test_no_exception_outlives_its_index() -> None:
    names = {str(index.name) for table in TABLES for index in table.indexes}
    assert set(WITHOUT_ORGANISATION) <= names
