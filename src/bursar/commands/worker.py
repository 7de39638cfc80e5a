"""`bursar worker`: background work in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bursar.commands.options import ConfigOption, FolderOption, chosen_settings
from bursar.commands.output import explained
from bursar.commands.server import server_options
from bursar.settings import Settings


def worker(
    role: Annotated[
        list[str] | None, typer.Option("--role", help="What to work at, again for each; everything when none is named.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port for health and metrics; without it none is opened.")
    ] = None,
    config: ConfigOption = None,
    data: FolderOption = None,
) -> None:
    """Background work without the API: beside `bursar serve`, on this host or on others."""
    with explained():
        settings = chosen_settings(config, data)
        if data is not None:
            settings = _with_its_bank(settings, data)
        _work(settings, role or ["all"], port)


def _work(settings: Settings, names: list[str], port: int | None) -> None:
    from bursar.kit import logs
    from bursar.runtime import Runtime
    from bursar.workers import process, registry
    from bursar.workers.background import working

    roles = registry.of_names(names)
    logs.configure(settings.log_level, settings.log_format)
    runtime = Runtime(settings)
    if port is not None:
        import uvicorn

        options = server_options(settings) | {"port": port}
        uvicorn.Server(uvicorn.Config(process.listening(runtime, roles), **options)).run()
        return
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(process.until_told_to_end(working(runtime, "worker", roles)))


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _with_its_bank(settings: Settings, data: Path) -> Settings:
    """The one that `bursar dev` started for the folder, unless another is set."""
    from bursar.commands.bank_process import read_address

    if settings.piggybank_url is not None:
        return settings
    try:
        address = read_address(data)
    except FileNotFoundError:
        return settings
    return msgspec.structs.replace(settings, piggybank_url=address.url, piggybank_api_key=address.api_key)
