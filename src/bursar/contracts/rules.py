"""Which acquirers there are, and what a contract may become. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bursar.contracts.schemas import Contract
from bursar.kit.clock import seconds
from bursar.kit.errors import InvalidRequest

PIGGYBANK = "piggybank"
ACQUIRERS: tuple[str, ...] = (PIGGYBANK,)
PREFIX = "ctr"


def require_acquirer(acquirer: str, param: str = "acquirer") -> str:
    """The one that is meant. There is no contract with somebody whom nothing here can talk to."""
    if acquirer in ACQUIRERS:
        return acquirer
    raise InvalidRequest(
        f"The acquirer {acquirer[:40]!r} is not known here; {' and '.join(ACQUIRERS)} is.",
        param=param,
        code="acquirer_unknown",
    )


def id_of(acquirer: str) -> str:
    """An organisation has one contract with an acquirer in each mode, so its name says which it is."""
    return f"{PREFIX}_{acquirer}"


def new(acquirer: str, now: int, *, livemode: bool) -> Contract:
    return Contract(id=id_of(acquirer), acquirer=acquirer, created=seconds(now), livemode=livemode, status="active")


def implied(*, livemode: bool) -> Contract:
    """What holds for organisations that the command line made, or that were there before contracts were."""
    return Contract(
        id=id_of(PIGGYBANK), acquirer=PIGGYBANK, by_default=True, created=None, livemode=livemode, status="active"
    )


def known(stored: Sequence[Contract], *, livemode: bool) -> list[Contract]:
    """What an organisation has: what it made, or the contract that is everybody's who never made or ended one."""
    return list(stored) if stored else [implied(livemode=livemode)]


def active(contracts: Sequence[Contract]) -> Contract | None:
    """The one that payments go by."""
    return next((contract for contract in contracts if contract.status == "active"), None)


def ended(contract: Contract, now: int) -> Contract:
    return msgspec.structs.replace(
        contract,
        by_default=False,
        created=seconds(now) if contract.created is None else contract.created,
        ended=seconds(now),
        status="ended",
    )


def renewed(contract: Contract) -> Contract:
    return msgspec.structs.replace(contract, ended=None, status="active")
