"""Logs: JSON for machines, text for people, scrubbed for both."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec

from bursar.kit.scrub import scrub_event


def configure(level: str, form: str) -> None:
    """Everything that logs by the standard library passes through here too: uvicorn, drivers, ours."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LazyFormatter(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # Every step of a migration is noise to whoever only starts the server.
    logging.getLogger("alembic").setLevel(logging.WARNING)


class LazyFormatter(logging.Formatter):
    """structlog takes a while to import; a start in which nothing is logged does without."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form
        self._formatter: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._formatter is None:
            self._formatter = _formatter(self._form)
        return self._formatter.format(record)


def _formatter(form: str) -> logging.Formatter:
    import structlog

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = structlog.processors.JSONRenderer(serializer=_to_json)
    if form == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, scrub_event, renderer],
    )


def _to_json(event: Any, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
