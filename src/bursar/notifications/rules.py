"""What is told to whom, and when it is tried again. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any, Literal, NamedTuple

from bursar.kit.canonical import Value, canonical_bytes
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import ALPHABET, CHANCE_LENGTH, TIME_LENGTH
from bursar.kit.scrub import scrub_text

LANGUAGES = ("en", "de", "es", "fr", "hi")
DEFAULT_LANGUAGE = "en"
MESSAGE_PREFIX = "msg"

Delivery = Literal["now", "digest", "off"]
Channel = Literal["email", "sms", "push"]
WAITING, WAITING_FOR_SETTINGS, GATHERED, DIGESTED, SENT, FAILED = (
    "waiting",
    "waiting_for_settings",
    "gathered",
    "digested",
    "sent",
    "failed",
)

HOUR_SECONDS, DAY_SECONDS = 3_600, 86_400
# The longest that a message is of use which does not say so itself.
WAIT_SECONDS_MAX = 3 * DAY_SECONDS
KEPT_SECONDS = 90 * DAY_SECONDS
BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX = 30, 4 * HOUR_SECONDS
DIGEST_HOUR = 6  # UTC: before people in most of the world begin to work
DIGEST_ITEMS_MAX = 100  # of one digest; the rest is counted
TEXT_LENGTH_MAX = 300

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+")


class Notice(NamedTuple):
    """Something that members are told of."""

    template: str
    # What a preference names.
    topic: str
    # Whoever is told must be allowed to see it.
    permission: str
    default: Delivery


# By the type of the event.
NOTICES: dict[str, Notice] = {
    "charge.succeeded": Notice("payment_received", "payments", "charges.read", "off"),
    "charge.captured": Notice("payment_received", "payments", "charges.read", "off"),
    "charge.failed": Notice("payment_declined", "declines", "charges.read", "off"),
    "refund.created": Notice("refund_made", "refunds", "refunds.read", "off"),
    "refund.failed": Notice("refund_failed", "failed_refunds", "refunds.read", "now"),
    "charge.dispute.created": Notice("dispute_opened", "disputes", "disputes.read", "now"),
    "charge.dispute.closed": Notice("dispute_closed", "disputes", "disputes.read", "now"),
    "bursar.withdrawal.requested": Notice("withdrawal_changed", "withdrawals", "withdrawals.read", "now"),
    "bursar.withdrawal.approved": Notice("withdrawal_changed", "withdrawals", "withdrawals.read", "now"),
    "bursar.withdrawal.refused": Notice("withdrawal_changed", "withdrawals", "withdrawals.read", "now"),
    "bursar.withdrawal.canceled": Notice("withdrawal_changed", "withdrawals", "withdrawals.read", "now"),
    "bursar.webhook_endpoint.disabled": Notice("webhook_disabled", "webhooks", "api_keys.read", "now"),
    "bursar.api_key.created": Notice("api_key_changed", "api_keys", "api_keys.write", "now"),
    "bursar.api_key.rotated": Notice("api_key_changed", "api_keys", "api_keys.write", "now"),
    "bursar.api_key.revoked": Notice("api_key_changed", "api_keys", "api_keys.write", "now"),
}
TOPICS: dict[str, Delivery] = {notice.topic: notice.default for notice in NOTICES.values()}
# What somebody is told of their own account, always: whoever got into it could turn it off first.
SECURITY = {
    "bursar.user.password_changed": "password_changed",
    "bursar.totp.added": "second_factor_added",
    "bursar.totp.removed": "second_factor_removed",
    "bursar.code_factor.added": "second_factor_added",
    "bursar.code_factor.removed": "second_factor_removed",
    "bursar.passkey.added": "second_factor_added",
    "bursar.passkey.removed": "second_factor_removed",
    "bursar.second_factors.removed": "second_factor_removed",
    "bursar.recovery_code.used": "recovery_code_used",
    "bursar.sign_in.locked": "sign_in_paused",
}
MAIL_REQUESTED = "bursar.mail.requested"
CUSTOMER_TYPES = frozenset({"charge.succeeded", "charge.captured", "charge.failed", "refund.created"})
TYPES_READ = frozenset(NOTICES) | frozenset(SECURITY) | CUSTOMER_TYPES | {MAIL_REQUESTED}


def message_id(event_id: str, *parts: Value) -> str:
    """Always the same of the same event for the same recipient; sorts by the event's time."""
    stamp = event_id.rpartition("_")[2][:TIME_LENGTH]
    digest = hashlib.sha256(canonical_bytes((event_id, *parts))).digest()
    return f"{MESSAGE_PREFIX}_{stamp}" + "".join(ALPHABET[byte % 32] for byte in digest[:CHANCE_LENGTH])


def language_of(*wishes: str | None) -> str:
    """The first that there is; `de-AT` is German."""
    for wish in wishes:
        base = (wish or "").replace("_", "-").partition("-")[0].lower()
        if base in LANGUAGES:
            return base
    return DEFAULT_LANGUAGE


def calm(text: str) -> str:
    """One line of what somebody wrote: no control characters, nothing that turns the direction, no card's number."""
    kept = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
        if character not in _DIRECTIONS and unicodedata.category(character) != "Cs"
    )
    return scrub_text(" ".join(kept.split()))[:TEXT_LENGTH_MAX].replace("://", ": //")


def calmed(value: Any) -> Any:
    if isinstance(value, str):
        return calm(value)
    if isinstance(value, dict):
        return {str(key): calmed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [calmed(inner) for inner in value]
    return value


def is_address(text: str) -> bool:
    """One mailbox and nothing that a header or a server could take for more."""
    return _ADDRESS.fullmatch(text) is not None and text.isprintable() and len(text) <= 254


def next_try(tries: int, now: int) -> int:
    """Twice as long each time."""
    wait = min(BACK_OFF_SECONDS << min(max(tries - 1, 0), 20), BACK_OFF_SECONDS_MAX)
    return now + wait * MICROSECONDS_PER_SECOND


def next_digest(now: int) -> int:
    """The next time that digests are made, strictly later."""
    second = now // MICROSECONDS_PER_SECOND
    today = second - second % DAY_SECONDS + DIGEST_HOUR * HOUR_SECONDS
    return (today if today > second else today + DAY_SECONDS) * MICROSECONDS_PER_SECOND


def facts_of_charge(charge: dict[str, Any]) -> dict[str, Any]:
    card = ((charge.get("payment_method_details") or {}).get("card")) or {}
    captured = charge.get("amount_captured") or 0
    return {
        "amount": captured if charge.get("captured") and captured else charge["amount"],
        "currency": charge["currency"],
        "date": charge["created"],
        "description": charge.get("description"),
        "card": _card(card),
        "reason": charge.get("failure_code"),
        "reference": charge.get("payment_intent") or charge["id"],
    }


def facts_of_refund(refund: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount": refund["amount"],
        "currency": refund["currency"],
        "date": refund["created"],
        "reason": refund.get("failure_reason") or refund.get("reason"),
        "reference": refund.get("payment_intent") or refund["charge"],
    }


def facts_of_dispute(dispute: dict[str, Any]) -> dict[str, Any]:
    return {
        "amount": dispute["amount"],
        "currency": dispute["currency"],
        "date": dispute["created"],
        "reason": dispute.get("reason"),
        "due": (dispute.get("evidence_details") or {}).get("due_by"),
        "status": dispute["status"],
        "reference": dispute.get("payment_intent") or dispute["charge"],
    }


def facts_of_withdrawal(withdrawal: dict[str, Any]) -> dict[str, Any]:
    destination = withdrawal.get("destination") or {}
    shown = f"{destination.get('bank_name') or destination.get('kind', '')} •••• {destination.get('last4', '')}"
    return {
        "amount": withdrawal["amount"],
        "currency": withdrawal["currency"],
        "date": withdrawal["created"],
        "status": withdrawal["status"],
        "destination": shown,
        "reason": withdrawal.get("reason"),
        "reference": withdrawal["id"],
    }


def facts_of(event_type: str, document: dict[str, Any], created: int) -> dict[str, Any]:
    """What a notice shows: a few facts and never the whole document."""
    group = event_type.rpartition(".")[0]
    if group == "charge":
        return facts_of_charge(document)
    if group == "refund":
        return facts_of_refund(document)
    if group == "charge.dispute":
        return facts_of_dispute(document)
    if group == "bursar.withdrawal":
        return facts_of_withdrawal(document)
    shown = {"date": created // MICROSECONDS_PER_SECOND, "status": event_type.rpartition(".")[2]}
    if group == "bursar.api_key":
        return shown | {"name": document.get("name") or document.get("hint"), "reference": document.get("id")}
    if group == "bursar.webhook_endpoint":
        return shown | {"name": _host(str(document.get("url") or "")), "reference": document.get("id")}
    return {"date": shown["date"]}


def is_told(event_type: str, document: dict[str, Any]) -> bool:
    """An authorisation is no payment yet: its capture is."""
    if event_type == "charge.succeeded":
        return bool(document.get("captured"))
    if event_type == "refund.created":
        return document.get("status") not in ("failed", "canceled")
    return True


def _card(card: dict[str, Any]) -> str | None:
    if not card.get("last4"):
        return None
    return f"{str(card.get('brand') or '').capitalize()} •••• {card['last4']}".strip()


def _host(url: str) -> str:
    """Of an address that may have a secret in its path."""
    return url.partition("//")[2].partition("/")[0].rpartition("@")[2]
