"""What banks warn of, on the wire."""

from __future__ import annotations

from typing import Literal

import msgspec


class EarlyFraudWarning(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["radar.early_fraud_warning"] = "radar.early_fraud_warning"
    actionable: bool
    charge: str
    created: int
    fraud_type: str
    livemode: bool
    payment_intent: str | None = None
