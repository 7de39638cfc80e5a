"""A refusal in the words of the wire: as what the setup remembers of it, and as an error. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from bursar.connectors import declines
from bursar.connectors.contract import Outcome
from bursar.kit.errors import CardError
from bursar.methods.schemas import PaymentMethod
from bursar.payments import outcomes
from bursar.payments.schemas import PaymentError
from bursar.setup_intents.schemas import SetupIntent

AUTHENTICATION_FAILED = "setup_intent_authentication_failure"
_SHOWN = ("advice_code", "network_advice_code", "network_decline_code", "payment_method", "payment_method_type")


def last_error(outcome: Outcome, method: PaymentMethod) -> PaymentError:
    if outcome.kind in ("not_sent", "absent"):
        row = declines.find("system_error")
    else:
        row = declines.find(outcome.decline.code if outcome.decline else "do_not_honor")
    told = outcomes.last_error(row, outcome, None, method)
    if told.code != outcomes.AUTHENTICATION_FAILED:
        return told
    return msgspec.structs.replace(told, code=AUTHENTICATION_FAILED)


def card_error(setup: SetupIntent) -> CardError:
    """What the client is answered with, the whole setup included; the same each time it is asked for."""
    told = setup.last_setup_error
    assert told is not None, "only a setup that failed has an error"
    extras: dict[str, Any] = {name: getattr(told, name) for name in _SHOWN} | {"setup_intent": setup}
    return CardError(
        told.message or "The card was declined.",
        code=told.code,
        param=told.param,
        decline_code=told.decline_code,
        extras={name: value for name, value in extras.items() if value is not None},
    )
