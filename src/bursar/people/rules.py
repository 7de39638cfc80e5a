"""How e-mail addresses and passwords may look. Pure."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from typing import Any

from bursar.kit.errors import InvalidRequest

EMAIL_LENGTH_MAX = 254  # what RFC 5321 lets through
NAME_LENGTH_MAX = 200
LOCALE_LENGTH_MAX = 35
PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
SCORE_MIN = 3  # of 4: safely unguessable to whoever has stolen the slow hash
ESTIMATED_LENGTH_MAX = 72  # the estimate's time grows with the square of the length, and the score long before it
INPUTS_MAX = 20

DEVELOPMENT_EMAIL = "owner@bursar.test"
DEVELOPMENT_PASSWORD = "bursar-development-owner"  # noqa: S105 - public by design; refused outside dev mode
DEVELOPMENT_USER_ID = "usr_bursardevelopment"
# Of the password above, made once: so that the start of dev mode does not wait for it.
DEVELOPMENT_PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$0mxx7KWo5GcWhYit5ZRW+A$MtdNrIwl01NUiftCsT4DlK6hQyafHjSRx94WmBQSC1M"  # noqa: S105
)

_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")
_WORDS = re.compile(r"\w{3,}")
_estimating = threading.Lock()  # the estimator keeps the inputs of the one who asks in a global


def canonical_email(email: str) -> str:
    """The one spelling that somebody is found by."""
    folded = unicodedata.normalize("NFKC", email).strip().lower()
    return unicodedata.normalize("NFKC", folded)  # a lower-case letter may be two, which are one again


def checked_email(email: str, param: str = "email") -> str:
    """Only what can never be an address is refused: whether it is one, a message to it tells."""
    canonical = canonical_email(email)
    local, at, domain = canonical.rpartition("@")
    if not at or not local or not domain or _SPACE.search(canonical) or len(canonical) > EMAIL_LENGTH_MAX:
        raise InvalidRequest(
            f"Invalid {param}: it must look like name@domain, without spaces, of at most {EMAIL_LENGTH_MAX} "
            "characters.",
            param=param,
            code="email_invalid",
        )
    return canonical


def checked_name(name: str, param: str = "name") -> str:
    trimmed = " ".join(name.split())
    if len(trimmed) > NAME_LENGTH_MAX:
        raise InvalidRequest(f"A name has at most {NAME_LENGTH_MAX} characters.", param=param)
    return trimmed


def canonical_password(password: str) -> str:
    """Keyboards differ in how they compose letters; it is the same password."""
    return unicodedata.normalize("NFC", password)


def check_password_length(password: str, param: str = "password") -> None:
    length = len(canonical_password(password))
    if not PASSWORD_LENGTH_MIN <= length <= PASSWORD_LENGTH_MAX:
        raise InvalidRequest(
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters of any kind; this one has "
            f"{length}.",
            param=param,
            code="password_too_short" if length < PASSWORD_LENGTH_MIN else "password_too_long",
        )


def check_password_strength(password: str, inputs: Sequence[str], param: str = "password") -> None:
    """Refuses what is guessed first: known passwords, words, dates, keyboard patterns, and what is known of the person.

    `inputs` are the e-mail, the name, the organisation. Takes some milliseconds: not for the event loop.
    """
    check_password_length(password, param)
    plain = canonical_password(password)
    with _estimating:
        estimate, is_known = _estimate(plain, inputs)
    if estimate["score"] >= SCORE_MIN and not is_known:
        return
    feedback = estimate["feedback"]
    warning = feedback["warning"] or "This password is easy to guess."
    raise InvalidRequest(
        " ".join([warning, *feedback["suggestions"], "Choose another one."]),
        param=param,
        code="password_too_weak",
    )


def _estimate(password: str, inputs: Sequence[str]) -> tuple[dict[str, Any], bool]:
    # Loading the list of known passwords takes 13 MiB: only who sets a password pays for it.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]
    from zxcvbn.matching import RANKED_DICTIONARIES  # type: ignore[import-untyped]

    estimate: dict[str, Any] = zxcvbn(
        password[:ESTIMATED_LENGTH_MAX], user_inputs=_parts(inputs), max_length=ESTIMATED_LENGTH_MAX
    )
    return estimate, password.lower() in RANKED_DICTIONARIES["passwords"]


def _parts(inputs: Sequence[str]) -> list[str]:
    """Each as a whole, as one word and word by word: both halves of an address are easy to guess."""
    parts = [part for text in inputs if text for part in (text, "".join(_WORDS.findall(text)), *_WORDS.findall(text))]
    return [part.lower() for part in dict.fromkeys(parts)][:INPUTS_MAX]
