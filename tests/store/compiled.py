"""Every table, index and statement of Bursar's, as text for a database that cannot be run here."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import Select
from sqlalchemy.dialects import mssql, mysql, oracle
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.dml import UpdateBase

import bursar
from bursar.store.columns import metadata


def dialect(name: str) -> Dialect:
    own: dict[str, Any] = {"mssql": mssql.dialect, "oracle": oracle.dialect, "mysql": mysql.dialect}
    if name in own:
        return cast("Dialect", own[name]())
    from ibm_db_sa.ibm_db import DB2Dialect_ibm_db  # type: ignore[import-untyped]

    found: Dialect = DB2Dialect_ibm_db()
    return found


def statements() -> Iterator[tuple[str, Any]]:
    """Module-level constants, under their full names; a new one is found without being listed."""
    for module_info in sorted(pkgutil.walk_packages(bursar.__path__, "bursar."), key=lambda info: info.name):
        if ".migrations" in module_info.name or module_info.name.endswith("__main__"):
            continue  # Alembic runs these itself
        module = importlib.import_module(module_info.name)
        for name, value in vars(module).items():
            if isinstance(value, UpdateBase | Select):
                yield f"{module_info.name}.{name}", value


def sql(name: str) -> str:
    target = dialect(name)
    parts = []
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        parts.append(_text(CreateTable(table), target))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts.extend(_text(CreateIndex(index), target) for index in indexes)
    parts.extend(f"-- {where}\n{_text(statement, target)}" for where, statement in statements())
    return "\n\n".join(parts) + "\n"


def _text(element: Any, target: Dialect) -> str:
    lines = str(element.compile(dialect=target)).replace("\t", "    ").strip().splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip()) + ";"
