"""`bursar attempts`: what is open at the banks, and how much money is at risk in it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar.attempts import repository
from bursar.attempts.schemas import Attempt
from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import JSON_OPTION, console, explained, print_json, print_table
from bursar.kit.clock import MICROSECONDS_PER_SECOND, SystemClock
from bursar.kit.ids import created_microseconds
from bursar.kit.money import display
from bursar.runtime import running

app = typer.Typer(no_args_is_help=True, help="Operations at banks whose outcome is not known yet.")

# What would be lost or charged wrongly if nobody ever found out; a void or refund that is open risks as much.
MONEY_KINDS = frozenset({"authorize", "complete", "capture", "increment", "refund", "void"})
COLUMNS = ["id", "kind", "state", "subject", "amount", "age_seconds", "looks", "organisation"]


@app.callback()
def _attempts() -> None:
    """Keeps `open` a word of its own."""


@app.command("open")
def show_open(
    organisation: Annotated[str | None, typer.Option(help="Only those of one organisation, by its id.")] = None,
    data: FolderOption = None,
    config: ConfigOption = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Every operation that was or may have been sent and is not known to have ended, the oldest first."""
    with explained(), running(chosen_settings(config, data)) as runtime:
        found = runtime.store.read_blocking(lambda connection: repository.find_open(connection, organisation))
    now = SystemClock().now_microseconds()
    at_risk = _at_risk(found)
    if as_json:
        print_json({"open": [_row(attempt, now) for attempt in found], "at_risk_minor": at_risk})
        return
    _print(found, at_risk, now)


def _print(found: list[Attempt], at_risk: dict[str, int], now: int) -> None:
    if not found:
        console.print("Nothing is open: the end of every operation is known.")
        return
    rows = [_row(attempt, now) | {"amount": display(attempt.amount_minor, attempt.currency)} for attempt in found]
    print_table(rows, COLUMNS)
    console.print("At risk: " + ", ".join(display(amount, currency) for currency, amount in at_risk.items()))


def _at_risk(found: list[Attempt]) -> dict[str, int]:
    """The sum for each currency."""
    sums: dict[str, int] = {}
    for attempt in found:
        if attempt.kind in MONEY_KINDS:
            sums[attempt.currency] = sums.get(attempt.currency, 0) + attempt.amount_minor
    return dict(sorted(sums.items()))


def _row(attempt: Attempt, now: int) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "organisation": attempt.org_id,
        "livemode": bool(attempt.livemode),
        "kind": attempt.kind,
        "state": attempt.state,
        "subject": attempt.subject_id,
        "amount_minor": attempt.amount_minor,
        "currency": attempt.currency,
        "connector": attempt.order.connector,
        "age_seconds": _age_seconds(attempt, now),
        "looks": attempt.tries,
    }


def _age_seconds(attempt: Attempt, now: int) -> int:
    return max(0, now - created_microseconds(attempt.id)) // MICROSECONDS_PER_SECOND
