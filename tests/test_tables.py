"""No table may be missing from a database only because of which command made it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LIST_TABLES = """
import json, {module}
from bursar.store.columns import metadata
print(json.dumps(sorted(metadata.tables)))
"""


def tables_known_to(module: str) -> list[str]:
    """In a process of its own, as the suite's has imported everything."""
    program = LIST_TABLES.format(module=module)
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    tables: list[str] = json.loads(result.stdout)
    return tables


@pytest.mark.parametrize("module", ["bursar.tables", "bursar.runtime"])
def test_every_way_in_knows_every_table(module: str) -> None:
    assert tables_known_to(module) == tables_known_to("bursar.app")
