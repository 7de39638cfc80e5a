"""What can go wrong with a database, and the one place where drivers' errors become ours."""

from __future__ import annotations

import re

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


class StoreUnavailable(StoreError):
    """The database is away, full or failing. Nothing of this unit is known to be kept."""


class StoreBusy(StoreError):
    """The queue of the writer is full: back-pressure, nothing was taken."""


class StoreDefect(StoreError):
    """The statement itself is wrong: a bug of ours."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version than this one."""


# SQLSTATE (PostgreSQL), error numbers (MySQL, SQL Server) and words (Firebird, Oracle, Db2) that mean
# "try the same again"; anything not listed here is either a known class below or a defect.
_CONTENTION = re.compile(
    r"40001|40P01|55P03|\b1205\b|\b1213\b|deadlock|lock conflict|update conflicts with concurrent"
    r"|could not serialize|ORA-00060|SQL0911N",
    re.IGNORECASE,
)
_DUPLICATE = re.compile(
    r"unique constraint|duplicate (?:key|entry)|violation of PRIMARY or UNIQUE KEY|\b23505\b|ORA-00001|SQL0803N",
    re.IGNORECASE,
)
_UNAVAILABLE = re.compile(
    r"disk is full|disk I/O error|database is locked|no space left|could not extend file|table .* is full"
    r"|unable to open database|readonly database|connection|server closed|gone away|shut(?:ting)? ?down|broken pipe"
    r"|starting up|too many clients|timed? ?out|network|QueuePool|\b5310\d\b|\b57P0\d\b|refused|lost",
    re.IGNORECASE,
)


def translate(error: Exception) -> StoreError:
    """Names a driver's error in our words. Never includes row values: they may be personal."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable("no database connection became free in time")
    text = _describe(error)
    if isinstance(error, exc.DBAPIError):
        return _translate_driver_error(error, text)
    return StoreDefect(f"{type(error).__name__}: {text}")


def _translate_driver_error(error: exc.DBAPIError, text: str) -> StoreError:
    if error.connection_invalidated:
        return StoreUnavailable(f"the database connection was lost: {text}")
    if _CONTENTION.search(text):
        return StoreContention(text)
    if _DUPLICATE.search(text):
        return DuplicateKey(text)
    if isinstance(error, exc.IntegrityError | exc.DataError | exc.ProgrammingError):
        return StoreDefect(text)
    if _UNAVAILABLE.search(text) or isinstance(error, exc.InterfaceError | exc.OperationalError):
        return StoreUnavailable(text)
    return StoreDefect(text)


def _describe(error: Exception) -> str:
    """The driver's first line and its code; the parameters that SQLAlchemy appends are left away."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    first_line = (str(original).splitlines() or [type(original).__name__])[0][:300]
    if isinstance(original, BaseException) and original.args and isinstance(original.args[0], int):
        first_line = f"{original.args[0]} {first_line}"
    if "FULL" not in first_line and "Firebird" in type(original).__module__:
        first_line = str(original)[:300].replace("\n", " ")
    return f"{state} {first_line}" if state else first_line
