"""What Alembic must be told of databases that it does not know by itself: it looks them up by name."""

from typing import Any

from alembic.ddl.base import AddColumn, alter_table
from alembic.ddl.impl import DefaultImpl
from sqlalchemy.ext.compiler import compiles

FIREBIRD = "firebird.firebird"  # as its dialect calls itself


class FirebirdImpl(DefaultImpl):
    __dialect__ = FIREBIRD
    transactional_ddl = True


class Db2Impl(DefaultImpl):
    __dialect__ = "ibm_db_sa"
    transactional_ddl = True


@compiles(AddColumn, FIREBIRD)
def _add_column(element: AddColumn, compiler: Any, **_: Any) -> str:
    """Firebird has no word COLUMN here."""
    table = alter_table(compiler, element.table_name, element.schema)
    return f"{table} ADD {compiler.get_column_specification(element.column)}"
