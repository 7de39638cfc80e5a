"""What a customer must do where the bank waits for them."""

from __future__ import annotations

from bursar.attempts.schemas import Attempt
from bursar.connectors.contract import Outcome, QrCode, Redirect
from bursar.payments.schemas import NextAction, QrImages, RedirectToUrl, UpiInstructions
from bursar.store.unit import Change
from bursar.three_d_secure.service import AuthenticationService


def what_to_do(
    authentications: AuthenticationService, attempt: Attempt, outcome: Outcome
) -> tuple[NextAction | None, Change | None]:
    """None where there is nothing to show: the bank asks the customer itself, or waits for another bank."""
    action = outcome.action if outcome.kind == "action_required" else None
    return_url = attempt.order.notes.get("return_url")
    if isinstance(action, Redirect) and action.url is not None:
        return NextAction(redirect_to_url=RedirectToUrl(url=action.url, return_url=return_url)), None
    if not isinstance(action, QrCode):
        return None, None
    assert outcome.bank_reference is not None, "what waits for the customer has its name at the bank"
    url, change = authentications.begin_at_bank(attempt, outcome.bank_reference, return_url)
    images = QrImages(expires_at=action.expires_at, image_url_png=f"{url}/qr.png", image_url_svg=f"{url}/qr.svg")
    shown = UpiInstructions(hosted_instructions_url=url, qr_code=images)
    next_action = NextAction(
        type="upi_handle_redirect_or_display_qr_code", upi_handle_redirect_or_display_qr_code=shown
    )
    return next_action, change
