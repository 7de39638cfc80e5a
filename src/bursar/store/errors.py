"""What can go wrong with a database, and the one place where drivers' errors become ours."""

from __future__ import annotations

import re
import traceback

from sqlalchemy import exc

from bursar.kit.errors import BursarError


class StoreError(BursarError):
    """Root of the store's errors."""


class DuplicateKey(StoreError):
    """A row with this primary or unique key exists already."""


class RowsExpected(StoreError):
    """A conditional change found fewer or more rows than it must: somebody else was quicker."""


class StoreContention(StoreError):
    """The database broke off a deadlock or a conflict: the same work may be tried again at once."""


class StoreLocked(StoreContention):
    """Somebody holds a row for longer than anybody should. Trying at once again would only wait as long again."""


class StoreUnavailable(StoreError):
    """The database is away, full or failing. Nothing of this unit is known to be kept."""


class StoreBusy(StoreError):
    """The queue of the writer is full: back-pressure, nothing was taken."""


class StoreDefect(StoreError):
    """The statement itself is wrong: a bug of ours."""


class DatabaseNotSupported(StoreError):
    """The address is of no database that Bursar knows, or its driver is not installed."""


class SchemaTooOld(StoreError):
    """The database lacks steps that this version needs, and it may not take them by itself."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version than this one."""


# SQLSTATE (PostgreSQL), error numbers (MySQL, SQL Server) and words (Firebird, Oracle, Db2); anything not
# listed here is a defect. They are looked for only in texts that `_describe` has taken all values out of.
_LOCKED = re.compile(r"55P03|lock wait timeout|lock time-?out|\b1222\b|ORA-30006", re.IGNORECASE)
_CONTENTION = re.compile(
    r"40001|40P01|\b1205\b|\b1213\b|deadlock|lock conflict|update conflicts with concurrent"
    r"|could not serialize|ORA-00060|SQL0911N",
    re.IGNORECASE,
)
_DUPLICATE = re.compile(
    r"unique constraint|duplicate (?:key|entry)|violation of PRIMARY or UNIQUE KEY|\b23505\b|ORA-00001|SQL0803N",
    re.IGNORECASE,
)
_UNAVAILABLE = re.compile(
    r"disk is full|disk I/O error|database is locked|no space left|could not extend file|table .* is full"
    r"|unable to open database|readonly database|read[- ]only|connection|server closed|gone away|shut(?:ting)? ?down"
    r"|starting up|too many clients|timed? ?out|network|QueuePool|\b5310\d\b|\b57P0\d\b|refused|lost|broken pipe",
    re.IGNORECASE,
)

# Where drivers put values into their messages: each pattern, and what stays of it.
_VALUES = (
    (re.compile(r"Duplicate entry '.*' for key '([^']*)'", re.DOTALL), r"Duplicate entry for key \1"),
    (re.compile(r"(?:-?Problematic key value|The duplicate key value) is.*", re.DOTALL), ""),
    (re.compile(r"'.*'", re.DOTALL), "…"),
    (re.compile(r"""(: |from string )".*\"""", re.DOTALL), r"\1…"),
)
# MySQL's errors that name a table, a column, a user or an address, and never a value; its client's start at 2000.
_MYSQL_NAMES_ONLY = frozenset({1044, 1045, 1049, 1054, 1146, *range(2000, 3000)})
_TEXT_LENGTH_MAX = 300


def translate(error: Exception) -> StoreError:
    """Names a driver's error in our words. Never includes row values: they may be personal."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable("no database connection became free in time")
    if isinstance(error, exc.DBAPIError):
        return _translate_driver_error(error, _describe(error))
    # What Python says of a value that cannot be sent is often the value itself: where it was must do.
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return StoreDefect(f"{type(error).__name__}{place}")


def _translate_driver_error(error: exc.DBAPIError, text: str) -> StoreError:
    if error.connection_invalidated:
        return StoreUnavailable(f"the database connection was lost: {text}")
    if _LOCKED.search(text):
        return StoreLocked(text)
    if _CONTENTION.search(text):
        return StoreContention(text)
    if _DUPLICATE.search(text):
        return DuplicateKey(text)
    if isinstance(error, exc.IntegrityError | exc.DataError | exc.ProgrammingError):
        return StoreDefect(text)
    if getattr(error.orig, "sqlite_errorname", None) == "SQLITE_ERROR":  # its name for a statement that is wrong
        return StoreDefect(text)
    if _UNAVAILABLE.search(text) or isinstance(error, exc.InterfaceError | exc.OperationalError):
        return StoreUnavailable(text)
    return StoreDefect(text)


def _describe(error: exc.DBAPIError) -> str:
    """What the driver says, with its code and without values; SQLAlchemy's parameters are left away."""
    original = error.orig or error
    number = original.args[0] if original.args and isinstance(original.args[0], int) else None
    text = str(original) if number is None else " ".join(map(_as_text, original.args[1:]))
    module = type(original).__module__
    if not module.startswith("firebird"):
        text = text.partition("\n")[0]  # what follows is detail, and values; Firebird's reason is spread
    if not (module.startswith("pymysql") and number in _MYSQL_NAMES_ONLY):
        for pattern, kept in _VALUES:
            text = pattern.sub(kept, text)
    words = [getattr(original, "sqlstate", None), None if number is None else str(number)]
    words.append(" ".join(text.split())[:_TEXT_LENGTH_MAX] or type(original).__name__)
    return " ".join(word for word in words if word)


def _as_text(argument: object) -> str:
    return argument.decode(errors="replace") if isinstance(argument, bytes) else str(argument)
