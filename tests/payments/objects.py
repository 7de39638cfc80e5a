"""Plain objects for tests of what needs no database."""

from typing import Any

import msgspec

from bursar.attempts.schemas import Attempt, BankOrder, Kind, State
from bursar.connectors.contract import Outcome
from bursar.kit.clock import ManualClock
from bursar.kit.ids import IdFactory
from bursar.methods.rules import card_details, card_named_as_method, new_method
from bursar.methods.schemas import BillingDetails, PaymentMethod
from bursar.payments.schemas import PaymentIntent

NOW = ManualClock().now_microseconds()
_ids = IdFactory(ManualClock())


def method(name: str = "pm_card_visa") -> PaymentMethod:
    given = card_named_as_method(name, NOW)
    assert given is not None
    billing = BillingDetails()
    return new_method("pm_1", 1, 0, card_details(given, "fp_1", billing), billing, None)


def intent(**changes: Any) -> PaymentIntent:
    secret = "pi_1_secret_x"
    made = PaymentIntent(id="pi_1", amount=2000, client_secret=secret, created=1, currency="usd", livemode=False)
    return msgspec.structs.replace(made, **changes)


def attempt(kind: Kind = "authorize", *, state: State = "prepared", amount: int = 2000, **more: Any) -> Attempt:
    """`more` are members of the attempt where it has them, else of its order."""
    own = {name: more.pop(name) for name in list(more) if name in Attempt.__struct_fields__}
    made = Attempt(
        org_id="acct_1",
        livemode=0,
        id=_ids.new("att"),
        kind=kind,
        subject_id="pi_1",
        state=state,
        amount_minor=amount,
        currency="usd",
        fence=1,
        tries=0,
        next_look=NOW,
        bank_reference=None,
        order=BankOrder(connector="scripted", merchant="acct_1:test", **more),
    )
    return msgspec.structs.replace(made, **own)


def approved(**more: Any) -> Outcome:
    return Outcome(kind="succeeded", bank_reference="ba_1", authorization_code="A1B2C3", **more)
