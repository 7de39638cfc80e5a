"""Who counts as alive, and what nobody does."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.processes.schemas import ProcessView, RoleView, WorkersView

BEAT_SECONDS = 10
# Three times unheard of: a process that died, or a machine too slow to be counted on.
ALIVE_SECONDS = 3 * BEAT_SECONDS
FORGOTTEN_SECONDS = 86_400


def alive_since(now_microseconds: int) -> int:
    return now_microseconds - ALIVE_SECONDS * MICROSECONDS_PER_SECOND


def forgotten_before(now_microseconds: int) -> int:
    return now_microseconds - FORGOTTEN_SECONDS * MICROSECONDS_PER_SECOND


def view(roles: Sequence[str], processes: Sequence[ProcessView]) -> WorkersView:
    """Every role that there is, and those that an older or newer version runs beside this one."""
    names = sorted({*roles, *(role for process in processes for role in process.roles)})
    told = []
    for name in names:
        ids = [process.id for process in processes if name in process.roles]
        told.append(RoleView(name=name, is_running=bool(ids), processes=ids))
    return WorkersView(roles=told, processes=list(processes))


def idle(view: WorkersView) -> list[str]:
    """The roles that run nowhere."""
    return [role.name for role in view.roles if not role.is_running]
