"""Signatures of the form `t=<unix seconds>,v1=<hex>`, an HMAC-SHA256 over the time and the bytes as they came."""

from __future__ import annotations

import hashlib
import hmac

from bursar.connectors.contract import WebhookRefused

# Older ones may be replays, younger ones come from a clock that cannot be believed.
TOLERANCE_SECONDS = 300
HEADER_LENGTH_MAX = 4096
# A sender that changes its secret signs with both for a while.
SIGNATURES_MAX = 10


def verify(secret: str, header: str, body: bytes, now_seconds: int) -> None:
    if not secret:
        raise WebhookRefused("No secret for this bank's webhooks is set.", "forged")
    sent, signatures = _parse(header)
    if abs(now_seconds - int(sent)) > TOLERANCE_SECONDS:
        raise WebhookRefused("The signature's time is too far from ours.", "stale")
    expected = hmac.digest(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hex().encode()
    # All are compared, so that the time taken tells nothing about which of them was nearly right.
    matches = [hmac.compare_digest(expected, signature) for signature in signatures]
    if not any(matches):
        raise WebhookRefused("No signature holds.", "forged")


def sign(secret: str, body: bytes, now_seconds: int) -> str:
    digest = hmac.digest(secret.encode(), b"%d." % now_seconds + body, hashlib.sha256)
    return f"t={now_seconds},v1={digest.hex()}"


def _parse(header: str) -> tuple[str, list[bytes]]:
    """The time as it was written, and the signatures."""
    sent: str | None = None
    signatures = []
    if len(header) > HEADER_LENGTH_MAX:
        raise WebhookRefused("The signature cannot be read.", "forged")
    for entry in header.split(","):
        name, _, value = entry.strip().partition("=")
        if name == "t" and sent is None and value.isascii() and value.isdecimal() and len(value) <= 12:
            sent = value
        elif name == "t":
            raise WebhookRefused("The signature cannot be read.", "forged")
        elif name == "v1":
            signatures.append(value.encode(errors="replace"))
    if sent is None or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise WebhookRefused("The signature cannot be read.", "forged")
    return sent, signatures
