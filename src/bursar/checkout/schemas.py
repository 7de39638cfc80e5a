from __future__ import annotations

import msgspec

from bursar.payment_sessions.schemas import SessionView


class LastDecline(msgspec.Struct, kw_only=True):
    """Why the last try by a method came to nothing, where that was known only after the form was answered."""

    reason: str
    message: str | None
    method: str | None


class CheckoutView(msgspec.Struct, kw_only=True):
    """What the page shows."""

    session: SessionView
    declined: LastDecline | None = None
