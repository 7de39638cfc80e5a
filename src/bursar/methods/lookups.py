"""Finding a payment method with its card, and saying why one cannot be had."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.call import Call
from bursar.http.paging import missing
from bursar.kit.errors import InvalidRequest, NotFound
from bursar.kit.scrub import scrub_text
from bursar.methods import repository, rules
from bursar.methods.repository import Found
from bursar.methods.schemas import Token
from bursar.vault import repository as vault_repository
from bursar.vault.schemas import SealedCard

UNEXPECTED_STATE = "payment_method_unexpected_state"


def no_method(method_id: str, param: str = "payment_method") -> NotFound:
    """Scrubbed, as people put card numbers where ids belong."""
    return missing("payment_method", scrub_text(method_id), param)


def refuse_declined(number: str) -> None:
    refusal = rules.attachment_refusal(number)
    if refusal is not None:
        raise refusal


def refuse_other_kinds(method_id: str, param: str) -> None:
    prefix = method_id.partition("_")[0]
    if prefix == repository.TOKEN_PREFIX:
        raise InvalidRequest(
            "A token is no payment method. Make one of it: send type=card and card[token] to /v1/payment_methods, or "
            "payment_method_data[card][token] with the payment.",
            param=param,
        )
    if prefix in ("src", "card", "ba"):
        raise InvalidRequest(
            "Sources and stored cards of the older interface cannot be used; make a payment method of the card.",
            param=param,
        )


def unexpected_state(message: str, param: str | None = None) -> InvalidRequest:
    return InvalidRequest(message, param=param, code=UNEXPECTED_STATE)


def find_with_card(connection: Connection, call: Call, method_id: str) -> tuple[Found | None, SealedCard | None]:
    found = repository.find(connection, call.org_id, call.livemode, method_id)
    if found is None:
        return None, None
    return found, vault_repository.find_card(connection, call.org_id, call.livemode, method_id)


def find_token_with_card(connection: Connection, call: Call, token_id: str) -> tuple[Token | None, SealedCard | None]:
    token = repository.find_token(connection, call.org_id, call.livemode, token_id)
    if token is None:
        return None, None
    return token, vault_repository.find_card(connection, call.org_id, call.livemode, token_id)
