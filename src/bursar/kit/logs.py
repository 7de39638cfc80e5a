"""Logs: JSON for machines, text for people, scrubbed for both."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
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
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # The server's own line for a request has the query in it, and so what people are searched by.
    logging.getLogger("uvicorn.access").handlers.clear()
    logging.getLogger("uvicorn.access").propagate = False
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
        _without_colours,
    ]
    renderer: Any = structlog.processors.JSONRenderer(serializer=_to_json)
    if form == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, scrub_event, renderer],
    )


def _without_colours(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The server adds its messages a second time, with a terminal's escape codes."""
    event.pop("color_message", None)
    return event


def _to_json(event: Any, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
