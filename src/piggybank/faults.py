"""How the bank is told to misbehave. This lives as long as the process, and stands in no journal."""

from __future__ import annotations

import random
from typing import Annotated

import msgspec
from msgspec import Meta

from piggybank_cards import RESPONSE_CODES

LATENCY_MILLISECONDS_MAX = 600_000

Rate = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    latency_ms: Annotated[int, Meta(ge=0, le=LATENCY_MILLISECONDS_MAX)] = 0
    drop_reply: Rate = 0.0
    decline: Rate = 0.0
    decline_code: str = "do_not_honor"
    refuse: Rate = 0.0
    duplicate_reply: Rate = 0.0
    down: bool = False
    late_approval: Rate = 0.0
    bad_gateway: Rate = 0.0

    def __post_init__(self) -> None:
        if self.decline_code not in RESPONSE_CODES:
            raise ValueError(f"decline_code must be one of {', '.join(RESPONSE_CODES)}")


class Plan(msgspec.Struct, frozen=True):
    """What will go wrong with one request."""

    latency_seconds: float = 0.0
    refuse: bool = False
    drop_reply: bool = False
    duplicate_reply: bool = False
    bad_gateway: bool = False
    carry_out: bool = True


NONE = Settings()
NO_PLAN = Plan()


class Faults:
    def __init__(self, dice: random.Random | None = None) -> None:
        self.settings = NONE
        self._dice = dice or random.Random()  # noqa: S311 - accidents, no secrets

    def plan(self) -> Plan:
        settings = self.settings
        if settings is NONE or settings == NONE:
            return NO_PLAN
        bad_gateway = self._happens(settings.bad_gateway)
        return Plan(
            latency_seconds=settings.latency_ms / 1000,
            refuse=self._happens(settings.refuse),
            drop_reply=self._happens(settings.drop_reply),
            duplicate_reply=self._happens(settings.duplicate_reply),
            bad_gateway=bad_gateway,
            carry_out=not bad_gateway or self._happens(0.5),
        )

    def decline(self) -> str | None:
        return self.settings.decline_code if self._happens(self.settings.decline) else None

    def late_approval(self) -> bool:
        return self._happens(self.settings.late_approval)

    def _happens(self, rate: float) -> bool:
        return rate > 0 and self._dice.random() < rate
