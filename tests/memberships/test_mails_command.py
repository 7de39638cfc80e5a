"""`bursar mails`: the links in dev mode; elsewhere one at a time, and the log is told."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from bursar import settings as settings_module
from bursar.events.tables import events
from bursar.http.call import Call
from bursar.http.gates import NOBODY
from bursar.registration.schemas import RegistrationParams
from bursar.runtime import running
from tests.memberships.people import PASSWORD
from tests.secrets_of_production import secret_variables

SECONDS_MAX = 60


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of a production, where somebody has registered."""
    variables = {
        **secret_variables(),
        "BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bursar.db'}",
        "BURSAR_PUBLIC_URL": "https://pay.example.com",
    }
    params = RegistrationParams(organization="Plum Shop", email="ada@example.com", password=PASSWORD, category="retail")
    with running(settings_module.load(None, variables)) as runtime:
        registered = asyncio.run(runtime.registration.register(Call(NOBODY, "req_1"), params))
        assert registered.status == "complete"
    own = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return own | variables


def bursar(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "bursar")
    return subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )


def test_in_production_a_link_is_shown_only_when_the_log_is_told(environment: dict[str, str]) -> None:
    (mail,) = json.loads(bursar(environment, "mails", "--json").stdout)
    assert (mail["template"], mail["email"], mail["link"], mail["token"]) == (
        "email_verification",
        "ada@example.com",
        None,
        None,
    )
    (revealed,) = json.loads(bursar(environment, "mails", "--json", "--reveal", mail["id"]).stdout)
    assert revealed["link"].startswith("https://pay.example.com/verify-email#token=")
    told = bursar(environment, "mails", "--json").stdout
    assert revealed["token"] not in told
    with running(settings_module.load(None, environment)) as runtime:
        query = select(events.c.object_id).where(events.c.event_type == "bursar.mail.revealed")
        assert runtime.store.read_blocking(lambda one: list(one.execute(query).scalars())) == [mail["id"]]


def test_a_mail_that_is_not_there_is_a_mistake_of_who_asks(environment: dict[str, str]) -> None:
    done = bursar(environment, "mails", "--reveal", "mail_nothing")
    assert done.returncode == 2
    assert "mail_nothing" in done.stderr


def test_people_get_a_table(environment: dict[str, str]) -> None:
    assert "ada@example.com" in bursar(environment, "mails", "--email", "Ada@example.com").stdout
    assert "ada@example.com" not in bursar(environment, "mails", "--email", "bob@example.com").stdout
