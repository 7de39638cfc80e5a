"""Banks' messages as they came; what has counted, by account, too; settlements that were announced."""

import hashlib
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, PrimaryKeyConstraint, SmallInteger, column, select, table

from bursar.store.columns import document_text, key_text, people_text

revision = "0009"
down_revision = "0008"

ROWS_AT_ONCE = 500
TABLE_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _org_id() -> Column[str]:
    return Column("org_id", key_text(40), nullable=False)


def _livemode() -> Column[int]:
    return Column("livemode", SmallInteger, nullable=False)


def _id(name: str = "id") -> Column[str]:
    return Column(name, key_text(40), nullable=False)


def upgrade() -> None:
    _hooks()
    _known_events()
    op.drop_table("bank_events")


def _hooks() -> None:
    op.create_table(
        "incoming_webhooks",
        _org_id(),
        _livemode(),
        _id(),
        Column("connector", key_text(40), nullable=False),
        Column("account", key_text(100), nullable=False),
        Column("state", key_text(14), nullable=False),
        Column("kind", key_text(40)),
        Column("received", BigInteger, nullable=False),
        Column("next_at", BigInteger),
        Column("tries", Integer, nullable=False),
        Column("finished", BigInteger),
        Column("reason", document_text()),
        Column("sender", people_text(64)),
        Column("request_id", key_text(40)),
        Column("named", key_text(130)),
        Column("body_length", Integer, nullable=False),
        Column("body_digest", key_text(64), nullable=False),
        Column("is_exact", SmallInteger, nullable=False),
        Column("headers_document", document_text()),
        Column("body_text", document_text()),
        Column("events_document", document_text(), nullable=False),
        PrimaryKeyConstraint("org_id", "livemode", "id", name="pk_incoming_webhooks"),
        **TABLE_OPTIONS,
    )
    op.create_index("ix_incoming_webhooks_due", "incoming_webhooks", ["state", "next_at"])
    op.create_index("ix_incoming_webhooks_state", "incoming_webhooks", ["org_id", "livemode", "state", "id"])
    op.create_table(
        "incoming_webhook_events",
        _org_id(),
        _livemode(),
        _id("connector"),
        Column("account", key_text(100), nullable=False),
        Column("event_id", key_text(100), nullable=False),
        Column("webhook_id", key_text(40)),
        Column("kind", key_text(40), nullable=False),
        Column("state", key_text(12), nullable=False),
        Column("received", BigInteger, nullable=False),
        Column("note", document_text()),
        PrimaryKeyConstraint(
            "org_id", "livemode", "connector", "account", "event_id", name="pk_incoming_webhook_events"
        ),
        **TABLE_OPTIONS,
    )
    op.create_table(
        "announced_settlements",
        _org_id(),
        _livemode(),
        _id("connector"),
        Column("account", key_text(100), nullable=False),
        Column("settlement_id", key_text(100), nullable=False),
        Column("announced", BigInteger, nullable=False),
        Column("document", document_text(), nullable=False),
        PrimaryKeyConstraint(
            "org_id", "livemode", "connector", "account", "settlement_id", name="pk_announced_settlements"
        ),
        **TABLE_OPTIONS,
    )


def _known_events() -> None:
    """What has counted must not count again; what nobody knew rests where people see it."""
    common = ("org_id", "livemode", "connector", "event_id", "kind", "state", "received", "note")
    before = table("bank_events", *(column(name) for name in (*common, "document")))
    events = table("incoming_webhook_events", *(column(name) for name in (*common, "account", "webhook_id")))
    messages = table("incoming_webhooks", *(column(name) for name in _MESSAGE_COLUMNS))
    connection = op.get_bind()
    if connection.dialect.name.startswith("firebird"):
        # Nobody may touch a new table there before it is committed.
        connection.connection.commit()
    place = (before.c.org_id, before.c.livemode, before.c.connector, before.c.event_id)
    after: tuple[Any, ...] | None = None
    while True:
        query = select(before).order_by(*place).limit(ROWS_AT_ONCE)
        if after is not None:
            query = query.where(_behind(place, after))
        rows = connection.execute(query).mappings().all()
        counted = [dict(row) for row in rows if row["state"] != "unmatched"]
        unmatched = [dict(row) for row in rows if row["state"] == "unmatched"]
        if counted:
            wanted = [{name: row[name] for name in common} | _account(row) | {"webhook_id": None} for row in counted]
            connection.execute(events.insert(), wanted)
        if unmatched:
            connection.execute(messages.insert(), [_message(row) for row in unmatched])
        if len(rows) < ROWS_AT_ONCE:
            return
        after = tuple(rows[-1][each.name] for each in place)


_MESSAGE_COLUMNS = (
    *("org_id", "livemode", "id", "connector", "account", "state", "kind", "received", "tries", "finished", "reason"),
    *("body_length", "body_digest", "is_exact", "events_document"),
)


def _behind(place: tuple[Any, ...], after: tuple[Any, ...]) -> Any:
    """Row values are not known everywhere."""
    first, value = place[0], after[0]
    if len(place) == 1:
        return first > value
    return (first > value) | ((first == value) & _behind(place[1:], after[1:]))


def _account(row: dict[str, Any]) -> dict[str, str]:
    return {"account": f"{row['org_id']}:{'live' if row['livemode'] else 'test'}"}


def _message(row: dict[str, Any]) -> dict[str, Any]:
    """Its id is made of what it was known by: the bodies of that time were not kept."""
    digest = hashlib.sha256("\0".join(str(row[name]) for name in ("connector", "event_id")).encode()).hexdigest()
    same = {name: row[name] for name in ("org_id", "livemode", "connector", "state", "kind", "received")}
    return (
        same
        | _account(row)
        | {
            "id": f"iwh_{digest[:24]}",
            "tries": 1,
            "finished": row["received"],
            "reason": row["note"],
            "body_length": 0,
            "body_digest": "",
            "is_exact": 0,
            "events_document": f"[{row['document']}]",
        }
    )
