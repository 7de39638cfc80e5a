"""The requests that are measured, and what each of them must leave in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from bursar.accounts.tables import organisations
from bursar.attempts.tables import attempts
from bursar.customers.tables import customers
from bursar.http.idempotency import idempotency_keys
from bursar.kit.ids import time_part
from bursar.payments.tables import charges, payment_intents

ORDER = "5f3a9c21000001"  # as long as those that the load sends
SUCCEEDED = '"status":"succeeded"'

Count = Select[int]
# Since when, in microseconds; None counts everything, whoever's it is.
Proofs = Callable[[int | None], Mapping[str, Count]]


@dataclass(frozen=True)
class Case:
    """`form` is the body, with {order} where each request has a number of its own."""

    name: str
    title: str
    path: str
    form: str
    # Each counts something that one acknowledged request leaves exactly once.
    proofs: Proofs

    def body(self, order: str) -> bytes:
        return self.form.replace("{order}", order).encode()


def _since(table: Table, prefix: str, since: int | None) -> list[ColumnElement[bool]]:
    """A range of ids is a range of time: counting what is new does not read what is old."""
    if since is None:
        return []
    return [*_everybody(table), table.c.id >= f"{prefix}_{time_part(since)}"]


def _everybody(table: Table) -> list[ColumnElement[bool]]:
    return [table.c.org_id.in_(select(organisations.c.org_id)), table.c.livemode == 0]


def _count(table: Table, *conditions: ColumnElement[Any]) -> Count:
    return select(func.count()).select_from(table).where(*conditions)


def _customer_proofs(since: int | None) -> Mapping[str, Count]:
    return {"customers": _count(customers, *_since(customers, "cus", since))}


def _payment_proofs(since: int | None) -> Mapping[str, Count]:
    """An answer is kept as it was given, so its count says how many were told that they have paid."""
    answers = [idempotency_keys.c.status == 200, idempotency_keys.c.body.contains(SUCCEEDED, autoescape=True)]
    if since is not None:
        answers += [*_everybody(idempotency_keys), idempotency_keys.c.created >= since]
    intents = _since(payment_intents, "pi", since)
    return {
        "payment intents": _count(payment_intents, *intents),
        "payment intents that succeeded": _count(payment_intents, payment_intents.c.status == "succeeded", *intents),
        "charges that succeeded": _count(charges, charges.c.status == "succeeded", *_since(charges, "ch", since)),
        "attempts that succeeded": _count(attempts, attempts.c.state == "succeeded", *_since(attempts, "att", since)),
        "answers that say succeeded": _count(idempotency_keys, *answers),
    }


CUSTOMERS = Case(
    name="customers",
    title="customers.create",
    path="/v1/customers",
    form="email=jenny.rosen.{order}%40example.com&name=Jenny+Rosen+{order}&metadata[order_id]={order}",
    proofs=_customer_proofs,
)
PAYMENTS = Case(
    name="payments",
    title="payment_intents.create, confirmed",
    path="/v1/payment_intents",
    form=(
        "amount=2000&currency=usd&confirm=true&payment_method_data[type]=card"
        "&payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12"
        "&payment_method_data[card][exp_year]=2030&payment_method_data[card][cvc]=123&metadata[order]={order}"
    ),
    proofs=_payment_proofs,
)
CASES = {case.name: case for case in (CUSTOMERS, PAYMENTS)}
