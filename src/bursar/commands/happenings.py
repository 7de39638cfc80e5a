"""What can be made to happen on a server in test mode: each by the calls that a merchant's program would make.

Nothing is pretended: the payments, refunds and disputes are real ones at the simulated bank, and what the bank tells
later, it tells in its own time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

from bursar.commands.output import EXIT_FOUND_WRONG, fail
from bursar.commands.server_calls import Json, Refusal, Server

AMOUNT_MINOR = 2_000
CURRENCY = "usd"
RETURN_URL = "https://example.com/done"
LOOK_SECONDS = 0.3
LATER_SECONDS_MAX = 30.0  # what the bank tells by itself comes a second later, on a machine that is not busy

# Makes it happen; the answer is the id of an object that the event is about, or that its object names.
Happening = Callable[[Server], str]


class Way(NamedTuple):
    happening: Happening
    # In a few words, for the list.
    told: str


def _pay(server: Server, card: str = "pm_card_visa", **more: Any) -> Json:
    wish = {"amount": AMOUNT_MINOR, "currency": CURRENCY, "confirm": True, "payment_method": card}
    return server.post("/v1/payment_intents", {**wish, **more})


def _id(answer: Json) -> str:
    return str(answer["id"])


def _succeeded(server: Server) -> str:
    return _id(_pay(server))


def _prepared(server: Server) -> str:
    return _id(server.post("/v1/payment_intents", {"amount": AMOUNT_MINOR, "currency": CURRENCY}))


def _held(server: Server) -> str:
    return _id(_pay(server, capture_method="manual"))


def _captured(server: Server) -> str:
    held = _held(server)
    server.post(f"/v1/payment_intents/{held}/capture")
    return held


def _canceled(server: Server) -> str:
    return _id(server.post(f"/v1/payment_intents/{_prepared(server)}/cancel"))


def _asks_customer(server: Server) -> str:
    return _id(_pay(server, "pm_card_authenticationRequired", return_url=RETURN_URL))


def _declined(server: Server) -> str:
    wish = {"amount": AMOUNT_MINOR, "currency": CURRENCY, "confirm": True}
    return _refused(server, "/v1/payment_intents", wish, "payment_intent")


def _refused(server: Server, path: str, wish: Json, member: str) -> str:
    reply = server.try_post(path, {**wish, "payment_method": "pm_card_visa_chargeDeclined"})
    if not isinstance(reply, Refusal) or reply.status != HTTPStatus.PAYMENT_REQUIRED:
        raise fail("The card that is always declined was not: is this a server in test mode?", EXIT_FOUND_WRONG)
    return _id(reply.error[member])


def _processing(server: Server) -> str:
    method = {"type": "upi", "upi": {"vpa": "success@piggybank"}}
    wish = {"amount": 49_900, "currency": "inr", "confirm": True, "payment_method_data": method}
    return _id(server.post("/v1/payment_intents", wish))


def _refunded(server: Server, card: str = "pm_card_visa") -> str:
    return _id(server.post("/v1/refunds", {"payment_intent": _id(_pay(server, card))}))


def _charge_refunded(server: Server) -> str:
    refund = server.post("/v1/refunds", {"payment_intent": _succeeded(server)})
    return str(refund["charge"])


def _refund_fails(server: Server) -> str:
    return _refunded(server, "pm_card_refundFail")


def _disputed(server: Server) -> str:
    payment = _id(_pay(server, "pm_card_createDispute"))
    deadline = time.monotonic() + LATER_SECONDS_MAX
    while not (found := server.get("/v1/disputes", {"payment_intent": payment})["data"]):
        if time.monotonic() > deadline:
            raise fail("The bank has not disputed the payment: does its webhook reach the server?", EXIT_FOUND_WRONG)
        time.sleep(LOOK_SECONDS)
    return _id(found[0])


def _answered(server: Server, evidence: str) -> str:
    dispute = _disputed(server)
    server.post(f"/v1/disputes/{dispute}", {"evidence": {"uncategorized_text": evidence}})
    return dispute


def _dispute_answered(server: Server) -> str:
    return _answered(server, "winning_evidence")


def _dispute_closed(server: Server) -> str:
    return _id(server.post(f"/v1/disputes/{_disputed(server)}/close"))


def _warned(server: Server) -> str:
    return _id(_pay(server, "pm_card_createIssuerFraudRecord"))


def _customer(server: Server) -> str:
    return _id(server.post("/v1/customers", {"name": "Ada Lovelace", "email": "ada@example.com"}))


def _customer_updated(server: Server) -> str:
    return _id(server.post(f"/v1/customers/{_customer(server)}", {"description": "Came back"}))


def _customer_deleted(server: Server) -> str:
    return _id(server.delete(f"/v1/customers/{_customer(server)}"))


def _attached(server: Server) -> str:
    return _id(server.post("/v1/payment_methods/pm_card_visa/attach", {"customer": _customer(server)}))


def _detached(server: Server) -> str:
    return _id(server.post(f"/v1/payment_methods/{_attached(server)}/detach"))


def _method_updated(server: Server) -> str:
    return _id(server.post(f"/v1/payment_methods/{_attached(server)}", {"metadata": {"color": "blue"}}))


def _set_up(server: Server, card: str = "pm_card_visa") -> str:
    wish = {"confirm": True, "payment_method": card, "customer": _customer(server), "return_url": RETURN_URL}
    return _id(server.post("/v1/setup_intents", wish))


def _setup_prepared(server: Server) -> str:
    return _id(server.post("/v1/setup_intents", {"customer": _customer(server)}))


def _setup_canceled(server: Server) -> str:
    return _id(server.post(f"/v1/setup_intents/{_setup_prepared(server)}/cancel"))


def _setup_asks_customer(server: Server) -> str:
    return _set_up(server, "pm_card_authenticationRequired")


def _setup_failed(server: Server) -> str:
    wish = {"confirm": True, "customer": _customer(server)}
    return _refused(server, "/v1/setup_intents", wish, "setup_intent")


WAYS = {
    "charge.captured": Way(_captured, "captures an authorisation"),
    "charge.dispute.closed": Way(_dispute_closed, "gives a dispute up"),
    "charge.dispute.created": Way(_disputed, "pays with a card that disputes"),
    "charge.dispute.funds_reinstated": Way(_dispute_answered, "wins a dispute by its evidence"),
    "charge.dispute.funds_withdrawn": Way(_disputed, "pays with a card that disputes"),
    "charge.dispute.updated": Way(_dispute_answered, "answers a dispute with evidence"),
    "charge.failed": Way(_declined, "pays with a card that is declined"),
    "charge.refunded": Way(_charge_refunded, "refunds a payment"),
    "charge.succeeded": Way(_succeeded, "pays"),
    "charge.updated": Way(_succeeded, "pays: the charge gets its balance transaction"),
    "customer.created": Way(_customer, "makes a customer"),
    "customer.deleted": Way(_customer_deleted, "deletes a customer"),
    "customer.updated": Way(_customer_updated, "changes a customer"),
    "payment_intent.amount_capturable_updated": Way(_held, "authorises a payment"),
    "payment_intent.canceled": Way(_canceled, "cancels a payment"),
    "payment_intent.created": Way(_prepared, "prepares a payment"),
    "payment_intent.payment_failed": Way(_declined, "pays with a card that is declined"),
    "payment_intent.processing": Way(_processing, "pays by UPI, which the customer approves a moment later"),
    "payment_intent.requires_action": Way(_asks_customer, "pays with a card whose holder must authenticate"),
    "payment_intent.succeeded": Way(_succeeded, "pays"),
    "payment_method.attached": Way(_attached, "keeps a card for a customer"),
    "payment_method.detached": Way(_detached, "forgets a customer's card"),
    "payment_method.updated": Way(_method_updated, "changes a customer's card"),
    "radar.early_fraud_warning.created": Way(_warned, "pays with a card that was reported"),
    "refund.created": Way(_refunded, "refunds a payment"),
    "refund.failed": Way(_refund_fails, "refunds to a card that takes no refund"),
    "refund.updated": Way(_refunded, "refunds a payment, which arrives"),
    "setup_intent.canceled": Way(_setup_canceled, "stops saving a card"),
    "setup_intent.created": Way(_setup_prepared, "prepares saving a card"),
    "setup_intent.requires_action": Way(_setup_asks_customer, "saves a card whose holder must authenticate"),
    "setup_intent.setup_failed": Way(_setup_failed, "saves a card that is declined"),
    "setup_intent.succeeded": Way(_set_up, "saves a card"),
}
OUT_OF_REACH = {
    "charge.expired": "an authorisation lasts seven days, and nobody can make them pass sooner",
    "charge.refund.updated": "refund.updated tells of every refund; this older name is never told",
}


def ways() -> Iterator[tuple[str, str, bool]]:
    """Every type, how it comes about or why it cannot, and whether it can."""
    for name in sorted(WAYS.keys() | OUT_OF_REACH.keys()):
        can_be = name in WAYS
        yield name, WAYS[name].told if can_be else OUT_OF_REACH[name], can_be
