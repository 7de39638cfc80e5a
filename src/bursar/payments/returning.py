"""Where a customer goes after the bank, or our own page, has asked them. Pure."""

from __future__ import annotations

from bursar.attempts.schemas import Attempt
from bursar.payments.schemas import PaymentIntent
from bursar.three_d_secure.rules import RedirectStatus, return_address
from bursar.three_d_secure.service import Return


def sent_back(intent: PaymentIntent, return_url: str | None, status: RedirectStatus, source_type: str) -> Return:
    """The merchant's address with what its page needs to look the payment up."""
    told = {
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "source_type": source_type,
        "redirect_status": status,
    }
    url = return_address(return_url, told) if return_url else None
    return Return(url, status == "succeeded", pending=status == "pending")


def sent_back_from_bank(intent: PaymentIntent, attempt: Attempt) -> Return:
    """What became of this attempt, whatever the intent has done since."""
    status: RedirectStatus = "failed"
    if attempt.state == "succeeded":
        status = "succeeded"
    elif attempt.state in ("prepared", "unknown", "pending"):
        status = "pending"
    return sent_back(intent, attempt.order.notes.get("return_url"), status, attempt.order.method)
