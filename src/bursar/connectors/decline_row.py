"""One row of the table of declines: what a refusal means to a merchant, to the customer, and to another try."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

# `another_acquirer` also means: the same one, after a while.
Retry = Literal["never", "later", "fix_data", "authenticate", "another_acquirer"]
AdviceCode = Literal["try_again_later", "do_not_try_again", "confirm_card_data"]
NetworkStatus = Literal["declined_by_network", "not_sent_to_network"]
OutcomeType = Literal["issuer_declined", "blocked", "invalid"]

DECLINED = "The card was declined."
ATTEMPT_FAILED = "payment_intent_payment_attempt_failed"
ATTEMPT_EXPIRED = "payment_intent_payment_attempt_expired"

ADVICE_BY_RETRY: dict[Retry, AdviceCode | None] = {
    "never": "do_not_try_again",
    "later": "try_again_later",
    "another_acquirer": "try_again_later",
    "fix_data": "confirm_card_data",
    # Authenticating is neither waiting nor correcting; `retry` says it.
    "authenticate": None,
}
# Mastercard's merchant advice codes: 24 to 30 name how long to wait, from an hour to ten days.
ADVICE_BY_NETWORK_CODE: dict[str, AdviceCode] = {
    "01": "confirm_card_data",
    "02": "try_again_later",
    "03": "do_not_try_again",
    "21": "do_not_try_again",
    **{str(code): "try_again_later" for code in range(24, 31)},
}


@dataclass(frozen=True, slots=True)
class DeclineRow:
    """One reason. `message` is for the customer, `seller_message` for the merchant only.

    A message to the customer never tells that a card counts as lost, stolen or fraudulent: whoever holds it
    might be the thief.
    """

    code: str
    # ISO 8583 field 39; none where the card network has no part in it.
    iso_codes: tuple[str, ...]
    decline_code: str | None
    retry: Retry
    seller_message: str
    # What holds where `retry` cannot be done, or was done already.
    retry_otherwise: Retry | None = None
    error_code: str = "card_declined"
    error_type: Literal["card_error", "invalid_request_error"] = "card_error"
    param: str | None = None
    message: str = DECLINED
    network_status: NetworkStatus = "declined_by_network"
    outcome_type: OutcomeType = "issuer_declined"
    # `charge.outcome.reason` where it is not the decline code.
    own_reason: str | None = None
    # UPI's response codes.
    upi_codes: tuple[str, ...] = ()
    # For the customer, where nothing of a card can be said.
    message_without_card: str = "The payment was declined. Try again, or pay in another way."

    @property
    def outcome_reason(self) -> str | None:
        return self.own_reason or self.decline_code

    @property
    def advice_code(self) -> AdviceCode | None:
        return ADVICE_BY_RETRY[self.retry] or (ADVICE_BY_RETRY[self.retry_otherwise] if self.retry_otherwise else None)

    def without_card(self) -> DeclineRow:
        """The same reason for what was not paid by card: a decline code is a word of card networks."""
        if self.decline_code is None:
            return self
        return replace(
            self,
            decline_code=None,
            error_code=ATTEMPT_FAILED,
            error_type="invalid_request_error",
            param=None,
            message=self.message_without_card,
            own_reason=self.outcome_reason,
        )
