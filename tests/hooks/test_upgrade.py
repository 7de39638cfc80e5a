"""Databases from before messages were kept: what had counted does not count again."""

import json

import pytest
from sqlalchemy import column, select, table

from bursar.hooks.tables import incoming_webhook_events, incoming_webhooks
from bursar.store import schema
from bursar.store.engine import Engines
from tests.databases import Database

COLUMNS = ("org_id", "livemode", "connector", "event_id", "kind", "state", "received", "note", "document")


def test_what_had_counted_is_known_and_what_nobody_knew_is_shown(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = Engines(empty_database.url, readers=1, writers=1)
    try:
        with engines.writing.connect() as connection:
            schema._version_table.create(connection)
            connection.commit()
        with monkeypatch.context() as patch, engines.writing.connect() as connection, connection.begin():
            patch.setattr(schema, "HEAD", "0009")
            schema._run_steps(connection)
        before = table("bank_events", *(column(name) for name in COLUMNS))
        event = {"event_id": "bev_1", "kind": "refund_failed", "merchant": "org_1:test", "created": 1}
        rows = [
            ("org_1", livemode, "piggybank", f"bev_{number}", "refund_failed", state, 1_000 + number, note)
            for livemode in (0, 1)
            for number, (state, note) in enumerate([("applied", None), ("known", "asked"), ("unmatched", "nobody's")])
        ]
        with engines.writing.connect() as connection, connection.begin():
            document = json.dumps(event)
            connection.execute(before.insert(), [dict(zip(COLUMNS, (*row, document), strict=True)) for row in rows])
        assert schema.upgrade(engines.writing)[0] == "0009"
        with engines.reading.connect() as connection:
            known = connection.execute(select(incoming_webhook_events)).all()
            resting = connection.execute(select(incoming_webhooks)).all()
    finally:
        engines.close()
    assert sorted((row.account, row.event_id, row.state) for row in known) == [
        ("org_1:live", "bev_0", "applied"), ("org_1:live", "bev_1", "known"),
        ("org_1:test", "bev_0", "applied"), ("org_1:test", "bev_1", "known"),
    ]  # fmt: skip
    assert sorted((row.account, row.state, row.reason, row.next_at) for row in resting) == [
        ("org_1:live", "unmatched", "nobody's", None), ("org_1:test", "unmatched", "nobody's", None),
    ]  # fmt: skip
    assert json.loads(resting[0].events_document) == [event]
