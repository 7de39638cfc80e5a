"""What pays without a card, as it is kept of an attempt, and back. Pure."""

from __future__ import annotations

from bursar.attempts.schemas import BankOrder
from bursar.connectors.contract import Card, CustomerWallet, Method, NetBanking, UpiCollect, UpiIntent


def order_without_card(method: Method, token_id: str, *, connector: str, merchant: str) -> BankOrder:
    """All but an account at a bank, which stays in the vault under the token's id."""
    if isinstance(method, UpiIntent):
        return BankOrder(connector=connector, merchant=merchant, token_id=token_id, method="upi")
    if isinstance(method, UpiCollect):
        return BankOrder(connector=connector, merchant=merchant, token_id=token_id, method="upi", vpa=method.vpa)
    if isinstance(method, NetBanking):
        return BankOrder(
            connector=connector,
            merchant=merchant,
            token_id=token_id,
            method="net_banking",
            bank_code=method.bank_code,
            has_account=method.account is not None,
        )
    assert not isinstance(method, Card), "a card's order says more"
    return BankOrder(
        connector=connector, merchant=merchant, token_id=token_id, method="wallet", wallet_id=method.wallet_id
    )


def method_without_card(order: BankOrder, account: str | None) -> UpiIntent | UpiCollect | NetBanking | CustomerWallet:
    """What the bank was sent, or would have been."""
    if order.method == "upi":
        return UpiIntent() if order.vpa is None else UpiCollect(vpa=order.vpa)
    if order.method == "net_banking":
        assert order.bank_code is not None, "net banking is at a bank"
        return NetBanking(bank_code=order.bank_code, account=account)
    assert order.method == "wallet" and order.wallet_id is not None, "a card is sent from the vault"
    return CustomerWallet(wallet_id=order.wallet_id)
