"""Both signatures of a webhook, and the secrets that they are made with. Pure.

The two schemes differ in what they take as the key: the one the secret as it is written, the other the bytes that
its base64 stands for. So one secret serves both.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence

import msgspec

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES = 24  # 32 characters of base64 without padding


class SigningKey(msgspec.Struct, frozen=True):
    """One secret, as each scheme takes it."""

    text: bytes
    raw: bytes


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def signing_key(secret: str) -> SigningKey:
    try:
        raw = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("not a secret of ours") from None
    return SigningKey(secret.encode(), raw)


def signature_headers(keys: Sequence[SigningKey], event_id: str, timestamp: int, body: bytes) -> str:
    """Four headers, each with its line's end. With two keys, whoever has either of the secrets is served."""
    stripe_content = b"%d.%b" % (timestamp, body)
    standard_content = b"%b.%b" % (event_id.encode(), stripe_content)
    stripe = ",".join([f"t={timestamp}", *(f"v1={_hexadecimal(key, stripe_content)}" for key in keys)])
    standard = " ".join(f"v1,{_base64(key, standard_content)}" for key in keys)
    return (
        f"Stripe-Signature: {stripe}\r\n"
        f"webhook-id: {event_id}\r\n"
        f"webhook-timestamp: {timestamp}\r\n"
        f"webhook-signature: {standard}\r\n"
    )


def _hexadecimal(key: SigningKey, content: bytes) -> str:
    return hmac.digest(key.text, content, "sha256").hex()


def _base64(key: SigningKey, content: bytes) -> str:
    return binascii.b2a_base64(hmac.digest(key.raw, content, "sha256"), newline=False).decode()
