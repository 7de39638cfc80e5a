"""`bursar vault` as operators use it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from bursar.commands.vault import app
from bursar.vault import rotation
from bursar.vault.keys import Wrapping
from bursar.vault.tables import vault_cards
from tests.databases import sqlite_database
from tests.vault.harness import FINGERPRINT_KEY, KEY, NEXT_KEY, ORG, keep, opened, vault_on


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file for a database with three cards in it."""
    monkeypatch.setattr(rotation, "SETTLING_SECONDS", 0)

    async def fill() -> None:
        with opened(sqlite_database(tmp_path)) as store:
            vault = vault_on(store)
            for number in range(3):
                await keep(vault, store, f"pm_{number}")

    asyncio.run(fill())
    return write_settings(tmp_path)


def write_settings(folder: Path, *, key: bytes = KEY, previous: bytes | None = None) -> Path:
    file = folder / "bursar.toml"
    lines = {
        "database_url": sqlite_database(folder).url,
        "secret_key": "s" * 32,
        "vault_key": key.hex(),
        "vault_fingerprint_key": FINGERPRINT_KEY.hex(),
    } | ({"vault_key_previous": previous.hex()} if previous else {})
    file.write_text("".join(f'{name} = "{value}"\n' for name, value in lines.items()))
    return file


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, result.output
    return result.stdout


def run_json(*arguments: str, exit_code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", exit_code=exit_code))


def test_status_shows_the_keys_and_how_many_cards_they_seal(settings: Path) -> None:
    status = run_json("status", "--config", str(settings))
    key_id = Wrapping(KEY, None).key_id
    assert status["key"] == key_id
    assert status["data_keys"] == [
        {
            "organisation": ORG,
            "mode": "test",
            "version": 1,
            "state": "active",
            "wrapped_by": key_id,
            "cards": 3,
            "readable": True,
        }
    ]
    text = run("status", "--config", str(settings))
    assert ORG in text
    assert KEY.hex() not in text


def test_rotate_seals_everything_again(settings: Path) -> None:
    report = run_json("rotate", "--config", str(settings))
    assert (report["keys_created"], report["cards_resealed"], report["keys_retired"]) == (1, 3, 1)
    keys = run_json("status", "--config", str(settings))["data_keys"]
    assert [(key["version"], key["state"], key["cards"]) for key in keys] == [(1, "retired", 0), (2, "active", 3)]
    assert "1 new data keys, 3 cards" in run("rotate", "--config", str(settings))


def test_a_broken_card_is_named_and_makes_the_exit_code_1(settings: Path) -> None:
    with opened(sqlite_database(settings.parent)) as store, store.engines.writing.begin() as connection:
        connection.execute(update(vault_cards).where(vault_cards.c.id == "pm_1").values(sealed="AAAA"))
    report = run_json("rotate", "--config", str(settings), exit_code=1)
    assert report["broken"] == [f"{ORG} test pm_1"]


def test_rewrap_puts_the_data_keys_under_the_key_of_today(settings: Path) -> None:
    run("rotate", "--rewrap", "--config", str(settings), exit_code=2)
    write_settings(settings.parent, key=NEXT_KEY)
    assert run_json("status", "--config", str(settings), exit_code=1)["data_keys"][0]["readable"] is False
    write_settings(settings.parent, key=NEXT_KEY, previous=KEY)
    assert run_json("rotate", "--rewrap", "--config", str(settings))["keys_rewrapped"] == 1
    write_settings(settings.parent, key=NEXT_KEY)
    assert run_json("status", "--config", str(settings))["data_keys"][0]["readable"] is True
