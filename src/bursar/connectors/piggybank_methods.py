"""What pays, in PiggyBank's words; and what a customer has to do, in ours."""

from __future__ import annotations

from typing import Any

from bursar.connectors.contract import (
    Action,
    Authorize,
    Card,
    CustomerWallet,
    NetBanking,
    QrCode,
    Redirect,
    UpiCollect,
    UpiIntent,
    WaitForCustomer,
)
from bursar.connectors.piggybank_wire import Operation, WireCard, WireNetBanking, WireUpi, WireWallet

CHALLENGE = Redirect()


def wire_card(card: Card) -> WireCard:
    return WireCard(
        number=card.number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        cvc=card.cvc,
        name=card.name,
        line1=card.line1,
        postal_code=card.postal_code,
    )


def wire_method(order: Authorize) -> dict[str, Any]:
    """The members of the order that say what pays, and how long and where the customer may act."""
    method = order.method
    if isinstance(method, Card):
        return {"card": wire_card(method)}
    waiting = {"return_url": order.return_url, "expires_after_seconds": order.expires_after_seconds}
    return _without_card(method) | waiting


def _without_card(method: UpiIntent | UpiCollect | NetBanking | CustomerWallet) -> dict[str, Any]:
    if isinstance(method, UpiIntent):
        return {"upi": WireUpi(flow="intent")}
    if isinstance(method, UpiCollect):
        return {"upi": WireUpi(flow="collect", vpa=method.vpa)}
    if isinstance(method, NetBanking):
        return {"net_banking": WireNetBanking(bank_code=method.bank_code, account=method.account)}
    return {"wallet": WireWallet(wallet_id=method.wallet_id)}


def action_of(operation: Operation) -> Action:
    """Of an authorisation that waits. One that shows nothing and names no time is not what this bank answers."""
    if operation.status == "challenge":
        return CHALLENGE
    if operation.page_url is not None:
        return Redirect(url=operation.page_url, expires_at=operation.expires)
    expires_at = operation.expires or 0
    if operation.upi_link is not None:
        return QrCode(text=operation.upi_link, expires_at=expires_at)
    return WaitForCustomer(expires_at=expires_at)
