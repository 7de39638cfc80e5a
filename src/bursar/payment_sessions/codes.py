"""Codes of transactions: what people read to each other when they mean one. Unique within an organisation."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "T"
CHANCE_LENGTH = 12  # 60 bits: a million transactions meet once in two million times
GROUP_LENGTH = 4


def new_code() -> str:
    """`T-7K3M-9TD2-X0AQ`"""
    chance = "".join(secrets.choice(ALPHABET) for _ in range(CHANCE_LENGTH))
    groups = [chance[start : start + GROUP_LENGTH] for start in range(0, CHANCE_LENGTH, GROUP_LENGTH)]
    return "-".join([PREFIX, *groups])
