"""`bursar users`, as somebody types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bursar.commands.people import app
from tests.secrets_of_production import secret_variables

GOOD = "seven plums on a green roof"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    variables = secret_variables() | {
        "BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bursar.db'}",
        "BURSAR_CONFIG": "",
        "COLUMNS": "200",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def run_command(*arguments: str, password: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=None if password is None else f"{password}\n")

    return run_command


def made(run: Run, *arguments: str) -> dict[str, Any]:
    result = run("create", "Ada@example.test", "--password-stdin", "--json", *arguments, password=GOOD)
    assert result.exit_code == 0, result.output
    user: dict[str, Any] = json.loads(result.stdout)
    return user


def test_a_user_is_made_and_listed(run: Run) -> None:
    user = made(run, "--name", "Ada", "--platform-admin")
    assert (user["email"], user["name"], user["platform_admin"], user["has_password"]) == (
        "ada@example.test",
        "Ada",
        True,
        True,
    )
    assert json.loads(run("list", "--json").stdout) == [user]
    shown = run("list").stdout
    assert "ada@example.test" in shown
    assert "argon2" not in shown


def test_without_a_password_somebody_comes_by_a_provider(run: Run) -> None:
    result = run("create", "ada@example.test", "--no-password", "--json")
    assert json.loads(result.stdout)["has_password"] is False


def test_an_address_is_given_once(run: Run) -> None:
    made(run)
    again = run("create", "ADA@example.test", "--password-stdin", password=GOOD)
    assert again.exit_code == 1
    assert "already" in again.stderr


@pytest.mark.parametrize("password", ["short", "password1234", "ada@example.test"])
def test_a_weak_password_is_refused(run: Run, password: str) -> None:
    result = run("create", "ada@example.test", "--password-stdin", password=password)
    assert result.exit_code == 1
    assert password not in result.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_a_password_is_no_argument_and_without_a_terminal_it_is_piped_in(run: Run) -> None:
    assert run("create", "ada@example.test").exit_code == 2
    assert run("create", "ada@example.test", "--password", GOOD).exit_code == 2


def test_somebody_is_disabled_and_enabled_by_address_or_id(run: Run) -> None:
    user = made(run)
    assert json.loads(run("disable", "ada@example.test", "--json").stdout)["disabled"] is True
    assert json.loads(run("enable", user["id"], "--json").stdout)["disabled"] is False
    assert "is disabled" in run("disable", user["id"]).stdout


def test_a_password_is_reset(run: Run) -> None:
    made(run)
    assert "has a new password" in run("reset-password", "ada@example.test", "--password-stdin", password=GOOD).stdout
    refused = run("reset-password", "ada@example.test", "--password-stdin", password="password1234")
    assert refused.exit_code == 1


def test_the_right_to_see_all_is_given_and_taken(run: Run) -> None:
    made(run)
    given = json.loads(run("platform-admin", "ada@example.test", "--json").stdout)
    taken = json.loads(run("platform-admin", "ada@example.test", "--withdraw", "--json").stdout)
    assert (given["platform_admin"], taken["platform_admin"]) == (True, False)


@pytest.mark.parametrize("who", ["nobody@example.test", "usr_nobody"])
def test_nobody_is_said_to_be_nobody(run: Run, who: str) -> None:
    for command in ("disable", "enable", "platform-admin"):
        result = run(command, who)
        assert result.exit_code == 1
        assert "no user" in result.stderr
