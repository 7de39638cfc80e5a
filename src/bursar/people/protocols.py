"""What people asks of the features above it; the runtime fills it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bursar.http.authentication import Principal
from bursar.http.call import Call


@dataclass(frozen=True, slots=True)
class Membership:
    """What somebody is in an organisation."""

    org_id: str
    # The organisation's name, for people to choose by.
    organisation_name: str
    role: str
    permissions: frozenset[str]
    # The organisation wants a second factor of everybody, and this member has none: then the permissions are none.
    second_factor_missing: bool = False


class Memberships(Protocol):
    async def of(self, user_id: str, org_id: str) -> Membership | None:
        """None for a member that was removed, and for an organisation that is not there."""

    async def all_of(self, user_id: str) -> Sequence[Membership]:
        """The first is where somebody is signed in to who names none. None of them for an unknown user."""


class NoMemberships:
    """Nobody belongs to anything."""

    async def of(self, user_id: str, org_id: str) -> Membership | None:
        return None

    async def all_of(self, user_id: str) -> Sequence[Membership]:
        return ()


class SecondFactors(Protocol):
    async def required(self, user_id: str) -> bool:
        """Whether a password alone does not do for this user."""

    async def check(self, user_id: str, code: str, call: Call) -> str | None:
        """How the code proves who it is, such as "totp" or "recovery_code"; None when it does not.

        A code works once: whoever implements this makes that durable before it answers. Failures are counted here.
        """


class NoSecondFactors:
    async def required(self, user_id: str) -> bool:
        return False

    async def check(self, user_id: str, code: str, call: Call) -> str | None:
        return None


class ProviderTokens(Protocol):
    """Access tokens that other issuers made."""

    async def principal(self, token: str, *, organisation: str | None, livemode: int) -> Principal | None:
        """Whom a token of a configured provider stands for; None when it is none of theirs.

        `organisation` is the one that the caller named, if any. The token is not checked at all before.
        """


class NoProviderTokens:
    async def principal(self, token: str, *, organisation: str | None, livemode: int) -> Principal | None:
        return None
