"""Telephone numbers, and how somebody's number or address is shown where it need not be known in full."""

from __future__ import annotations

import re

_TELEPHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def is_telephone(text: str) -> bool:
    return _TELEPHONE.fullmatch(text) is not None


def masked(recipient: str) -> str:
    """Enough to recognise it by."""
    local, at, domain = recipient.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else f"***{recipient[-3:]}"
