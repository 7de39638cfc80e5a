"""Who may make whom what. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.errors import Conflict, InvalidRequest, PermissionMissing
from bursar.kit.permissions import NAMES, OWNER

INVITATION_SECONDS = 7 * 86_400
INVITATIONS_PENDING_MAX = 200  # of one organisation: each may send a mail to anybody
ROUNDS_MAX = 10  # mails of one invitation
MEMBERS_MAX = 1_000

PENDING, ACCEPTED, REVOKED = "pending", "accepted", "revoked"


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's role and what it allows, at this moment."""

    role: str
    permissions: frozenset[str]

    @property
    def is_owner(self) -> bool:
        return self.role == OWNER


def check_giving(giver: Standing, given: Standing) -> None:
    """Nobody makes anybody what they are not themselves."""
    if given.is_owner and not giver.is_owner:
        raise PermissionMissing("Only an owner makes somebody an owner.", code="owner_required", param="role")
    _check_covers(giver, given, "and cannot give a role that has it")


def check_managing(manager: Standing, managed: Standing) -> None:
    """Nobody changes or removes somebody who may more than they do."""
    if managed.is_owner and not manager.is_owner:
        raise PermissionMissing("Only an owner changes or removes an owner.", code="owner_required", param="user")
    _check_covers(manager, managed, "which this member has: ask somebody who has it, too")


def _check_covers(one: Standing, other: Standing, consequence: str) -> None:
    lacking = [name for name in NAMES if name in other.permissions - one.permissions]
    if lacking:
        raise PermissionMissing(
            f"Your role {one.role} lacks the permission {', '.join(lacking)}, {consequence}.",
            code="permission_missing",
            param=lacking[0],
        )


def owners_after(owners: int, before: str | None, after: str | None) -> int:
    """How many there are then. The last one can neither go nor become something else."""
    left = owners - (before == OWNER) + (after == OWNER)
    if before == OWNER and left < 1:
        raise Conflict(
            "The last owner cannot leave or become something else. Make another member an owner first.",
            code="last_owner",
            param="user",
        )
    return left


def invitation_expires(now: int) -> int:
    return now + INVITATION_SECONDS * MICROSECONDS_PER_SECOND


def no_such_role(role: str) -> InvalidRequest:
    return InvalidRequest(
        f"There is no role {role[:40]!r} in this organisation; GET /api/v1/roles lists them.",
        param="role",
        code="role_unknown",
    )


def invitation_invalid() -> InvalidRequest:
    """The same for whatever is wrong with it, as whoever guesses should learn nothing."""
    return InvalidRequest(
        "This invitation is not valid: it was used, revoked, replaced by a newer one, or is older than "
        f"{INVITATION_SECONDS // 86_400} days. Ask whoever invited you for another one.",
        param="token",
        code="invitation_invalid",
    )
