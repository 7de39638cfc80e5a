"""`bursar dev`, `bursar serve`, `bursar migrate`."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bursar import settings as settings_module
from bursar.commands.options import ConfigOption
from bursar.commands.output import EXIT_SETTINGS, JSON_OPTION, console, explained, fail, print_json
from bursar.settings import DEVELOPMENT_PORT, Settings

BACKLOG = 2_048
WORKER_START_SECONDS_MAX = 60  # on a machine so busy that importing takes a while, it must not be taken for dead
KEEP_ALIVE_SECONDS = 75  # longer than what load balancers keep idle connections for

DataOption = Annotated[Path, typer.Option("--data", help="Folder for everything that is kept.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on the loopback address.")]


def dev(port: PortOption = DEVELOPMENT_PORT, data: DataOption = Path("var")) -> None:
    """Everything in one process on SQLite, with fixed keys. For this machine only."""
    with explained():
        settings = settings_module.development(data, port)
        _refuse_taken_port(settings)
        if settings.piggybank_url is not None:
            _serve_one(settings, announce=True)
            return
        with _own_bank(settings, data) as settings:
            _serve_one(settings, announce=True)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=128, help="Processes.")] = None,
    config: ConfigOption = None,
) -> None:
    """The server for production. Refuses to start on defaults that are not secret."""
    with explained():
        settings = settings_module.load(config, overrides={"host": host, "port": port, "workers": workers})
        if settings.development:
            raise fail("BURSAR_DEVELOPMENT is set; `bursar serve` is not for development.", EXIT_SETTINGS)
        if settings.workers == 1:
            _serve_one(settings, announce=False)
        else:
            _serve_many(settings)


def migrate(config: ConfigOption = None, as_json: bool = JSON_OPTION) -> None:
    """Bring the database to this version's schema. The server does it by itself when it starts."""
    from bursar import tables  # noqa: F401 - makes them known to the schema
    from bursar.store import schema
    from bursar.store.engine import Engines

    with explained():
        settings = settings_module.load(config)
        engines = Engines(settings.database_url, readers=1, writers=1)
        try:
            before, after = schema.upgrade(engines.writing)
        finally:
            engines.close()
    if as_json:
        print_json({"from": before, "to": after})
    else:
        console.print(
            f"The schema is at {after}" + (" already." if before == after else f", from {before or 'nothing'}.")
        )


@contextmanager
def _own_bank(settings: Settings, data: Path) -> Iterator[Settings]:
    """A bank simulator for as long as the server runs, with everything that it keeps in the same folder."""
    from bursar.commands.bank_process import BankProcess

    bank = BankProcess(data, webhook_url=f"http://{settings.host}:{settings.port}/hooks/piggybank/{{merchant}}")
    bank.start()
    try:
        yield msgspec.structs.replace(
            settings,
            piggybank_url=bank.url,
            piggybank_api_key=bank.api_key,
            piggybank_webhook_secret=bank.webhook_secret,
        )
    finally:
        bank.stop()


def _serve_one(settings: Settings, *, announce: bool) -> None:
    import uvicorn

    from bursar import app
    from bursar.kit import logs

    logs.configure(settings.log_level, settings.log_format)

    class AnnouncingServer(uvicorn.Server):
        """Says that it is ready when it is: listening, not merely started."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if announce and self.started:
                _announce(settings)

    AnnouncingServer(uvicorn.Config(app.build(settings), **server_options(settings))).run()


def _serve_many(settings: Settings) -> None:
    import uvicorn

    from bursar import tables  # noqa: F401 - makes them known to the schema
    from bursar.kit import logs
    from bursar.store import schema
    from bursar.store.engine import Engines
    from bursar.workers import registry

    registry.chosen(settings.worker_roles)  # before any process starts that would refuse it
    logs.configure(settings.log_level, settings.log_format)
    engines = Engines(settings.database_url, readers=1, writers=1)
    try:  # once, here, so that a database that is away is said once and by whoever started this
        if settings.migrate_at_start:
            schema.upgrade(engines.writing)
    finally:
        engines.close()
    figures = tempfile.mkdtemp(prefix="bursar-metrics-")
    os.environ.update(settings_module.to_environment(settings), PROMETHEUS_MULTIPROC_DIR=figures)
    try:
        uvicorn.run("bursar.app:create", factory=True, workers=settings.workers, **server_options(settings))
    finally:
        shutil.rmtree(figures, ignore_errors=True)


def server_options(settings: Settings) -> dict[str, Any]:
    from bursar.http.protocol import BoundedProtocol

    return {
        "host": settings.host,
        "port": settings.port,
        "http": BoundedProtocol,
        "loop": "uvloop" if sys.platform != "win32" else "asyncio",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "date_header": True,
        "backlog": BACKLOG,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
        "timeout_worker_healthcheck": WORKER_START_SECONDS_MAX,
    }


def _refuse_taken_port(settings: Settings) -> None:
    """Said before anything is written, instead of by a traceback after."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise fail(
                f"Port {settings.port} is in use. Stop what runs there, or choose another with --port.",
                EXIT_SETTINGS,
            ) from None


def _announce(settings: Settings) -> None:
    from bursar.accounts.rules import DEVELOPMENT_PUBLISHABLE_KEY, DEVELOPMENT_SECRET_KEY
    from bursar.people.rules import DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD

    base = f"http://{settings.host}:{settings.port}"
    # Plain, as importing what makes it colourful would delay the first answer.
    typer.echo(f"""
Bursar is ready at {base}

  API reference    {base}/docs (for keys), {base}/api/v1/docs (for people)
  secret key       {DEVELOPMENT_SECRET_KEY}
  publishable key  {DEVELOPMENT_PUBLISHABLE_KEY}
  sign-in          {DEVELOPMENT_EMAIL} with {DEVELOPMENT_PASSWORD}

A first payment, to paste into another terminal:

  curl {base}/v1/payment_intents -u {DEVELOPMENT_SECRET_KEY}: \\
    -d amount=2000 -d currency=usd -d confirm=true -d payment_method=pm_card_visa

Stop with Ctrl-C.
""")
