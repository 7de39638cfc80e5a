"""No single amount of the books can be changed by anything without being found."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, select

from bursar.attempts.tables import attempts
from bursar.books.schemas import Ending
from bursar.disputes.tables import disputes
from bursar.ledger.tables import balance_transactions, ledger_holds, ledger_postings
from bursar.payments.tables import charges, payment_intents
from bursar.refunds.tables import refunds
from tests.books.plants import replace
from tests.books.world import World

AMOUNTS: list[Column[Any]] = [
    ledger_postings.c.amount_minor,
    ledger_holds.c.amount_minor,
    balance_transactions.c.amount_minor,
    balance_transactions.c.fee_minor,
    balance_transactions.c.net_minor,
    payment_intents.c.amount_minor,
    charges.c.amount_minor,
    charges.c.captured_minor,
    charges.c.refunded_minor,
    charges.c.disputed_minor,
    refunds.c.amount_minor,
    disputes.c.amount_minor,
    disputes.c.withdrawn_minor,
    attempts.c.amount_minor,
]
# Of what was not done, or without an amount, it does not matter how much it would have been.
WITHOUT_EFFECT = ("declined", "failed", "reversed")


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_single_amount_can_be_changed_unnoticed(data: st.DataObject, world: World) -> None:
    column = data.draw(st.sampled_from(AMOUNTS), label="column")
    difference = data.draw(st.integers(-(10**9), 10**9).filter(bool), label="difference")
    place = data.draw(st.integers(0, 10**6), label="place")

    def corrupt(connection: Connection) -> None:
        table = column.table
        found = connection.execute(select(table).order_by(*table.primary_key)).all()
        if table is attempts:
            found = [row for row in found if _moved(row)]
        row = found[place % len(found)]
        replace(connection, table, row, **{column.name: getattr(row, column.name) + difference})

    assert not world.verified(corrupt).is_clean


def _moved(row: Any) -> bool:
    """Increments may be of any higher total: what they added is held against the hold."""
    kind = msgspec.json.decode(row.outcome_document, type=Ending).kind
    return (
        row.state not in WITHOUT_EFFECT and kind != "action_required" and row.kind != "increment" and row.amount_minor
    )
