"""Every kind of background work, by the name of its role. A new one is a line here.

Several processes may have the same role. Where only one of them may do the work at a time, leases decide; what must
not happen twice is kept from it by conditional updates, whoever holds what. What every process needs for itself, such
as writing down when API keys were used, is no role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bursar.hooks.assembly import workers as hook_workers
from bursar.notifications.assembly import workers as notification_workers
from bursar.runtime import Runtime
from bursar.settings import SettingsError
from bursar.webhooks.assembly import workers as webhook_workers
from bursar.workers import upkeep


class Worker(Protocol):
    """Runs until it is cancelled, and leaves nothing behind that another process could not go on with."""

    async def run(self) -> None: ...


ROLES: dict[str, Callable[[Runtime], Sequence[Worker]]] = {
    "bookkeeping": upkeep.bookkeeping,
    "housekeeping": upkeep.housekeeping,
    "incoming_webhooks": hook_workers,
    "notifications": notification_workers,
    "resolver": lambda runtime: [runtime.resolver],
    "webhooks": webhook_workers,
}
ALL, NONE = "all", "none"


def chosen(text: str) -> tuple[str, ...]:
    """Of a setting such as `webhooks,notifications`."""
    return of_names([part.strip() for part in text.split(",")])


def of_names(names: Sequence[str]) -> tuple[str, ...]:
    if list(names) == [NONE]:
        return ()
    unknown = sorted({name for name in names if name not in ROLES and name != ALL})
    if unknown or not names:
        raise SettingsError(
            f"There is no role named {', '.join(map(repr, unknown)) or 'nothing'} for workers. "
            f"They are {', '.join(ROLES)}; {ALL} means each of them, and {NONE} by itself means no role."
        )
    return tuple(ROLES) if ALL in names else tuple(role for role in ROLES if role in names)
