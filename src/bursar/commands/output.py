"""How commands speak: tables for people, JSON for programs, and an exit code for both."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import typer

from bursar.kit.errors import BursarError
from bursar.kit.scrub import scrub_text
from bursar.settings import SettingsError
from bursar.store.errors import DatabaseNotSupported, SchemaTooOld, StoreBusy, StoreUnavailable

# Documented in docs/guides/command-line.md.
EXIT_FOUND_WRONG = 1
EXIT_USAGE = 2
EXIT_SETTINGS = 3
EXIT_UNAVAILABLE = 4

TABLE_WIDTH_MAX = 500  # the terminal may wrap a line; an id that is folded in two cannot be copied

JSON_OPTION = typer.Option(False, "--json", help="Print JSON for programs instead of text for people.")


class LazyConsole:
    """Rich takes a while to import; commands that print nothing fancy do without."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._stderr = stderr

    def print(self, *parts: Any, width: int | None = None, **options: Any) -> None:
        from rich.console import Console

        Console(stderr=self._stderr, highlight=False, soft_wrap=True, width=width).print(*parts, **options)


console = LazyConsole()
complaints = LazyConsole(stderr=True)


def print_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    console.print(table, width=TABLE_WIDTH_MAX)


def fail(message: str, code: int) -> typer.Exit:
    complaints.print(f"[bold red]bursar:[/] {escaped(scrub_text(message))}")
    return typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """Turns errors that people can mend into a sentence and an exit code; others keep their traceback."""
    try:
        yield
    except (SettingsError, DatabaseNotSupported, SchemaTooOld) as problem:
        raise fail(str(problem), EXIT_SETTINGS) from None
    except StoreUnavailable as problem:
        raise fail(f"The database cannot be used: {problem}. `bursar doctor` says more.", EXIT_UNAVAILABLE) from None
    except StoreBusy as problem:
        raise fail(str(problem), EXIT_UNAVAILABLE) from None
    except BursarError as problem:
        raise fail(str(problem), EXIT_FOUND_WRONG) from None


def escaped(text: str) -> str:
    return text.replace("[", r"\[")
