"""Why a wallet does not pay. Each has a code that programs can tell apart."""

from __future__ import annotations

from typing import Literal

from bursar.kit.errors import InvalidRequest, TooManyRequests

Reason = Literal[
    "own_wallet",
    "not_primary",
    "wrong_currency",
    "insufficient_balance",
    "wallet_closed",
    "wrong_mode",
    "refunded_already",
]


class WalletRefused(InvalidRequest):
    """What was asked for breaks a rule of wallets; nothing has moved."""

    def __init__(self, reason: Reason, message: str, *, param: str | None = None) -> None:
        super().__init__(message, param=param, code=reason)
        self.reason = reason


class PinRefused(InvalidRequest):
    """Not the wallet's PIN. Says nothing of how near it came."""

    def __init__(self, message: str, *, param: str = "pin") -> None:
        super().__init__(message, param=param, code="pin_wrong")


class PinPaused(TooManyRequests):
    """Too many wrong PINs: nobody may try for a while, the owner included."""

    def __init__(self, message: str, *, retry_after_seconds: int, param: str = "pin") -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds, param=param)
        self.code = "pin_paused"
