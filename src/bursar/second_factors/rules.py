"""Codes and challenges: how they are made, and whether they are right. Pure but for the randomness."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from urllib.parse import urlsplit

from bursar.kit.canonical import canonical_bytes
from bursar.kit.clock import seconds
from bursar.kit.ids import ALPHABET

ISSUER = "Bursar"
STEP_SECONDS = 30
STEPS_AROUND = 1  # a phone's clock may be off by half a minute
SECRET_LENGTH = 32  # of five bits each
NEVER_USED = 0

RECOVERY_CODES = 10
RECOVERY_CODE_LENGTH = 16  # 80 bits: a keyed hash is enough, where 10 slow ones would take a fifth of a second
GROUP_LENGTH = 4

CHALLENGE_SECONDS = 5 * 60
NONCE_BYTES, EXPIRES_BYTES, PROOF_BYTES = 16, 8, 32
CHALLENGE_BYTES = NONCE_BYTES + EXPIRES_BYTES + PROOF_BYTES
REGISTRATION = "registration"  # beside the purposes of assertions
PROOF_SECONDS = 2 * 60
PROOF_PREFIX = "pkp_"

PASSKEYS_MAX = 20

CODE_DIGITS = 6
CODE_SECONDS = 10 * 60
CODE_TRIES_MAX = 5

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_TO_CHARACTER = (ALPHABET * 8).encode()
# Letters that the alphabet leaves out because they look like others.
_LOOKALIKES = str.maketrans({"o": "0", "i": "1", "l": "1", "u": "v", "-": None, " ": None})


def new_totp_secret() -> str:
    from pyotp import random_base32

    return random_base32(SECRET_LENGTH)


def otpauth_url(secret: str, account: str) -> str:
    from pyotp import TOTP

    return TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: int, last_step: int) -> int | None:
    """The half minute whose code this is, if that is later than the last one whose code was taken."""
    from pyotp import TOTP

    given = "".join(code.split())
    totp = TOTP(secret)
    today = seconds(now) // STEP_SECONDS
    found = None
    for step in range(today - STEPS_AROUND, today + STEPS_AROUND + 1):  # all of them, so that time tells nothing
        if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode()) and step > last_step:
            found = step
    return found


def new_recovery_codes() -> list[str]:
    raw = os.urandom(RECOVERY_CODES * RECOVERY_CODE_LENGTH).translate(_TO_CHARACTER).decode()
    return [_grouped(raw[start : start + RECOVERY_CODE_LENGTH]) for start in range(0, len(raw), RECOVERY_CODE_LENGTH)]


def _grouped(code: str) -> str:
    return "-".join(code[start : start + GROUP_LENGTH] for start in range(0, len(code), GROUP_LENGTH))


def plain_recovery_code(code: str) -> str | None:
    """In the one spelling that it is known by: people write capitals, spaces and letters that look alike."""
    plain = code.lower().translate(_LOOKALIKES)
    if len(plain) == RECOVERY_CODE_LENGTH and all(character in ALPHABET for character in plain):
        return plain
    return None


def new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def plain_code(code: str) -> str | None:
    """As it was sent: people write spaces between the digits."""
    plain = "".join(code.split())
    return plain if len(plain) == CODE_DIGITS and plain.isascii() and plain.isdigit() else None


def new_challenge(key: bytes, purpose: str, user_id: str, now: int, lifetime_seconds: int = CHALLENGE_SECONDS) -> bytes:
    """What an authenticator must sign. It proves itself that it is ours, for what, for whom and until when."""
    nonce = os.urandom(NONCE_BYTES)
    expires = seconds(now) + lifetime_seconds
    return nonce + expires.to_bytes(EXPIRES_BYTES) + _proof(key, purpose, user_id, nonce, expires)


def challenge_holds(key: bytes, challenge: bytes, purpose: str, user_id: str, now: int) -> bool:
    if len(challenge) != CHALLENGE_BYTES:
        return False
    nonce, expires = challenge[:NONCE_BYTES], challenge_expires(challenge)
    proof = _proof(key, purpose, user_id, nonce, expires)
    return hmac.compare_digest(proof, challenge[-PROOF_BYTES:]) and seconds(now) < expires


def challenge_expires(challenge: bytes) -> int:
    return int.from_bytes(challenge[NONCE_BYTES:-PROOF_BYTES])


def challenge_hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()


def _proof(key: bytes, purpose: str, user_id: str, nonce: bytes, expires: int) -> bytes:
    return hmac.digest(key, canonical_bytes((purpose, user_id, nonce.hex(), expires)), hashlib.sha256)


def credential_hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def counter_is_plausible(known: int, told: int) -> bool:
    """It rises with each use, or is 0 for ever. Anything else means that somebody has made a copy."""
    return told > known or known == told == 0


def relying_party(public_url: str) -> tuple[str, list[str]]:
    """Under which name passkeys are made, and in which pages. Browsers want a name, so loopback gets its own."""
    parts = urlsplit(public_url)
    host = parts.hostname or "localhost"
    if host not in LOOPBACK:
        return host, [f"{parts.scheme}://{parts.netloc}"]
    port = f":{parts.port}" if parts.port else ""
    return "localhost", [f"{parts.scheme}://localhost{port}"]
