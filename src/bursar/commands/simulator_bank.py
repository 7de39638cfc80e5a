"""Which simulated bank is meant, and how it is asked: over its own HTTP API."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from bursar.commands.bank_process import read_address
from bursar.commands.output import EXIT_FOUND_WRONG, EXIT_SETTINGS, EXIT_UNAVAILABLE, EXIT_USAGE, fail

ANSWER_SECONDS_MAX = 10.0
DEFAULT_DATA = Path("var")

DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of a `bursar dev`; ./var by default.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of a bank, instead of a folder's.")]
KeyOption = Annotated[
    str | None, typer.Option("--api-key", help="Its API key; BURSAR_PIGGYBANK_API_KEY is seen by nobody else.")
]


def named_bank(data: Path | None, url: str | None, api_key: str | None, config: Path | None) -> tuple[str, str]:
    """The bank that is named: by its address, by a folder, by the settings, or the one of ./var."""
    if url is not None:
        key = api_key or os.environ.get("BURSAR_PIGGYBANK_API_KEY")
        if not key:
            raise fail("Give the bank's API key too, in BURSAR_PIGGYBANK_API_KEY or by --api-key.", EXIT_USAGE)
        return url, key
    configured = _configured(config) if data is None else None
    if configured is not None:
        return configured
    folder = data or DEFAULT_DATA
    try:
        address = read_address(folder)
    except (OSError, msgspec.MsgspecError):
        raise fail(
            f"No bank was started for {folder}. `bursar dev --data {folder}` starts one; --url names another.",
            EXIT_SETTINGS,
        ) from None
    return address.url, address.api_key


def _configured(config: Path | None) -> tuple[str, str] | None:
    """From the settings, where there are any that name a bank. They need not be enough for a server."""
    from bursar import settings as settings_module

    url, key = os.environ.get("BURSAR_PIGGYBANK_URL"), os.environ.get("BURSAR_PIGGYBANK_API_KEY")
    if config is not None:
        settings = settings_module.load(config)
        url, key = settings.piggybank_url, settings.piggybank_api_key
    return (url, key) if url and key else None


def call(bank: tuple[str, str], method: str, path: str, body: object = None) -> dict[str, Any]:
    url, api_key = bank
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise fail(f"{url} is no address of a bank; write http://127.0.0.1:8430.", EXIT_USAGE)
    make = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = make(address.hostname, address.port, timeout=ANSWER_SECONDS_MAX)
    content = None if body is None else msgspec.json.encode(body)
    try:
        connection.request(method, address.path.rstrip("/") + path, content, {"Authorization": f"Bearer {api_key}"})
        answer = connection.getresponse()
        document = msgspec.json.decode(answer.read())
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as problem:
        reason = str(problem) or type(problem).__name__
        raise fail(f"The bank at {url} gives no answer: {reason}. Is it running?", EXIT_UNAVAILABLE) from None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        error = document.get("error", {}) if isinstance(document, dict) else {}
        raise fail(f"The bank refuses this: {error.get('message', answer.status)}", EXIT_FOUND_WRONG)
    result: dict[str, Any] = document
    return result
