"""`bursar openapi`: the API's description, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import msgspec
import typer

from bursar.commands.output import EXIT_USAGE, console, explained, fail, print_json
from bursar.http import openapi as description
from bursar.http.endpoint import Surface
from bursar.runtime import running
from bursar.settings import DEVELOPMENT_SECRET, Settings
from bursar.store.engine import MEMORY_URL


def openapi(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output if left away.")] = None,
    surface: Annotated[str, typer.Option(help="data for /v1, control for /api/v1")] = "data",
) -> None:
    """Print the OpenAPI 3.1 document that the server gives at /openapi.json, or at /api/v1/openapi.json."""
    from bursar.app import all_endpoints, control_endpoints

    declared = {"data": all_endpoints, "control": control_endpoints}
    if surface not in declared:
        raise fail(f"There is no surface {surface}; there are {' and '.join(declared)}.", EXIT_USAGE)

    with explained():
        settings = Settings(development=True, database_url=MEMORY_URL, secret_key=DEVELOPMENT_SECRET)
        with running(settings) as runtime:
            document = description.document(declared[surface](runtime), cast("Surface", surface))
    if file is None:
        print_json(document)
        return
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    except OSError as problem:
        raise fail(f"{file} cannot be written: {problem.strerror}.", EXIT_USAGE) from None
    console.print(f"The description is in {file}.")
