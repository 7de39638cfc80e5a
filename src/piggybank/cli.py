"""`piggybank serve`: the command line of the bank."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORT = 8430
EXIT_SETTINGS = 3
EXIT_DAMAGED = 4


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="piggybank", description="An acquiring bank with its network and issuers, to test against."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="Answer over HTTP.")
    serve.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
    serve.add_argument("--port", type=int, default=DEFAULT_PORT, help="Port to listen on; 0 takes a free one.")
    serve.add_argument("--data", type=Path, default=Path("var/piggybank"), help="Folder of the journal.")
    serve.add_argument("--api-key-file", type=Path, help="Where the API key stands; else PIGGYBANK_API_KEY is it.")
    serve.add_argument("--exit-with-stdin", action="store_true", help="End when standard input ends.")
    serve.add_argument("--fault-seed", type=int, help="Makes the same accidents happen again.")
    serve.add_argument(
        "--settle-on-demand", action="store_true", help="No settlement at a day's end, but when it is asked for."
    )
    _serve(parser.parse_args(arguments))


def _serve(given: argparse.Namespace) -> None:
    from piggybank import crash, server
    from piggybank.journal import FolderInUse, JournalDamaged

    try:
        options = server.Options(
            host=given.host,
            port=given.port,
            data=given.data,
            api_key=_api_key(given.api_key_file),
            webhook_url=os.environ.get("PIGGYBANK_WEBHOOK_URL", ""),
            webhook_secret=os.environ.get("PIGGYBANK_WEBHOOK_SECRET", ""),
            public_url=_public_url(),
            exit_with_stdin=given.exit_with_stdin,
            crash_at=os.environ.get(crash.VARIABLE, ""),
            fault_seed=given.fault_seed,
            settles_daily=not given.settle_on_demand,
        )
        if options.webhook_url and not options.webhook_secret:
            raise ValueError("Set PIGGYBANK_WEBHOOK_SECRET: webhooks are never sent unsigned.")
        server.run(options)
    except JournalDamaged as problem:
        _end(f"The bank does not start: {problem}.", EXIT_DAMAGED)
    except (FolderInUse, ValueError, OSError) as problem:
        _end(str(problem), EXIT_SETTINGS)


def _public_url() -> str:
    url = os.environ.get("PIGGYBANK_PUBLIC_URL", "")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("PIGGYBANK_PUBLIC_URL must be an address such as https://bank.example.com")
    return url


def _api_key(file: Path | None) -> str:
    key = file.read_text(encoding="utf-8").strip() if file else os.environ.get("PIGGYBANK_API_KEY", "")
    if not key:
        raise ValueError("No API key is set. Set PIGGYBANK_API_KEY, or name a file with --api-key-file.")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("The API key must be printable ASCII.")
    return key


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"piggybank: {message}\n")
    sys.exit(code)
