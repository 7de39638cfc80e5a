"""The upkeep of what is stored: one process at a time looks after each half of it."""

from __future__ import annotations

from functools import partial

from bursar.hooks.sweeping import run_sweeping
from bursar.payments.tasks import run_expiry
from bursar.people.tasks import run_housekeeping as run_people_housekeeping
from bursar.runtime import Runtime
from bursar.second_factors.tasks import run_forgetting
from bursar.tasks import run_bookkeeping, run_housekeeping
from bursar.workers.turns import Job, OneAtATime


def bookkeeping(runtime: Runtime) -> list[OneAtATime]:
    """Pending money matures, and balances are added up."""
    return [OneAtATime(runtime.store, runtime.clock, "bookkeeping", [partial(run_bookkeeping, runtime)])]


def housekeeping(runtime: Runtime) -> list[OneAtATime]:
    """What was not paid, captured or confirmed in time comes to its end, and what has ended makes room."""
    jobs: list[Job] = [
        runtime.session_ends.run,
        partial(run_expiry, runtime.store, runtime.clock, runtime.operations),
        partial(run_forgetting, runtime.second_factors),
        partial(run_housekeeping, runtime),
        partial(run_people_housekeeping, runtime.store, runtime.clock),
        partial(run_sweeping, runtime.store, runtime.clock),
    ]
    return [OneAtATime(runtime.store, runtime.clock, "housekeeping", jobs)]
