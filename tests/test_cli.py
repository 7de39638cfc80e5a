"""The command line as its users meet it: a sentence that says what to do, and an exit code that programs can trust."""

import json
import logging
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bursar import __version__
from bursar.cli import app
from bursar.settings import DEVELOPMENT_SECRET
from tests.faults.process import PROGRAM, dev_server
from tests.faults.production import run_command
from tests.secrets_of_production import secret_variables
from tests.wire.harness import RunningServer

SECRET = "a-secret-of-at-least-thirty-two-characters"
EXIT_FOUND_WRONG, EXIT_USAGE, EXIT_SETTINGS, EXIT_UNAVAILABLE = 1, 2, 3, 4


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    database = {"BURSAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bursar.db'}"}
    return database | secret_variables() | {"BURSAR_SECRET_KEY": SECRET}


@pytest.fixture(autouse=True)
def without_settings_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BURSAR_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def with_logging_as_it_was() -> Iterator[None]:
    """A server that is started in this process directs the log to a stream that ends with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def run(environment: Mapping[str, str], *arguments: str) -> Result:
    """In this process: most of what a command does needs no other."""
    return CliRunner().invoke(app, arguments, env={"BURSAR_CONFIG": "", **environment})


def run_json(environment: Mapping[str, str], *arguments: str) -> Any:
    result = run(environment, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_version_is_said() -> None:
    assert run({}, "--version").stdout == f"bursar {__version__}\n"


def test_without_a_command_the_commands_are_listed() -> None:
    result = run({})
    for command in ("dev", "serve", "migrate", "doctor", "openapi", "keys", "audit"):
        assert command in result.stdout + result.stderr


REFUSED = {
    "no secret": {"BURSAR_SECRET_KEY": ""},
    "a short secret": {"BURSAR_SECRET_KEY": "x" * 31},
    "the development secret": {"BURSAR_SECRET_KEY": DEVELOPMENT_SECRET},
    "an unknown setting": {"BURSAR_SECRET_KEZ": "x"},
    "development": {"BURSAR_DEVELOPMENT": "true"},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_serve_refuses_settings_that_are_not_for_production(settings: dict[str, str], change: dict[str, str]) -> None:
    result = run(settings | change, "serve")
    assert result.exit_code == EXIT_SETTINGS
    (name,) = change
    assert name.removeprefix("BURSAR_").lower() in result.stderr.lower()
    assert "Traceback" not in result.stderr
    assert "x" * 31 not in result.stderr


def test_serve_refuses_as_a_program_too_and_makes_no_database(tmp_path: Path) -> None:
    database = tmp_path / "bursar.db"
    done = run_command({"BURSAR_DATABASE_URL": f"sqlite:///{database}"}, "serve")
    assert done.returncode == EXIT_SETTINGS
    assert "BURSAR_SECRET_KEY" in done.stderr
    assert "openssl rand" in done.stderr
    assert not database.exists()


def test_serve_says_that_its_database_is_away(settings: dict[str, str]) -> None:
    settings["BURSAR_DATABASE_URL"] = "postgresql://bursar:hunter2@127.0.0.1:1/bursar"
    result = run(settings, "serve")
    assert result.exit_code == EXIT_UNAVAILABLE
    assert "database" in result.stderr
    assert "hunter2" not in result.stderr


def test_dev_refuses_a_taken_port_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run({}, "dev", "--port", str(port), "--data", str(tmp_path / "data"))
    assert result.exit_code == EXIT_SETTINGS
    assert f"Port {port} is in use" in result.stderr
    assert "--port" in result.stderr
    assert not (tmp_path / "data" / "bursar.db").exists()


def test_dev_refuses_a_data_folder_that_is_a_file_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = run({}, "dev", "--data", str(file))
    assert result.exit_code == EXIT_SETTINGS
    assert str(file) in result.stderr.replace("\n", "")


def test_dev_listens_on_this_machine_only(tmp_path: Path) -> None:
    """Whatever the environment asks for."""
    server = dev_server(tmp_path)
    server.environment = {"BURSAR_HOST": "0.0.0.0"}  # noqa: S104 - that it has no effect is what is tested
    server.start()
    try:
        assert listening_addresses(server.port) == {"127.0.0.1"}
        assert server.terminate() in (0, -15)
        assert "Bursar is ready" in server.last_words()
    finally:
        server.discard()


def listening_addresses(port: int) -> set[str]:
    """As the kernel tells: addresses of both families on which anybody listens."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        address, number = line.split()[1].split(":")
        if int(number, 16) == port and line.split()[3] == "0A":
            found.add(socket.inet_ntoa(bytes.fromhex(address)[::-1]))
    lines = Path("/proc/net/tcp6").read_text().splitlines()[1:] if Path("/proc/net/tcp6").exists() else []
    found |= {"IPv6" for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}
    return found


def tables_of(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return found


@pytest.mark.parametrize("command", [["migrate"], ["keys", "list"], ["keys", "create", "--new-organisation", "Shop"]])
def test_whichever_command_comes_first_makes_the_whole_schema(
    tmp_path: Path, settings: dict[str, str], command: list[str]
) -> None:
    """Each in a process of its own, as what one command has imported another has not."""
    done = run_command(settings, *command)
    assert done.returncode == 0, done.stderr
    made = tables_of(tmp_path / "bursar.db")
    assert {"customers", "events", "event_heads", "writer_lanes", "idempotency_keys", "api_keys"} <= made
    metadata = run_python("import bursar.app; from bursar.store.columns import metadata; print(*metadata.tables)")
    assert made == {*metadata.split(), "bursar_schema"}


def run_python(code: str) -> str:
    program = str(Path(PROGRAM).parent / "python")
    return subprocess.run([program, "-c", code], capture_output=True, text=True, check=True).stdout


def test_migrate_says_from_where_to_where_and_does_nothing_twice(settings: dict[str, str]) -> None:
    first = run_json(settings, "migrate")
    assert first["from"] is None
    again = run_json(settings, "migrate")
    assert again == {"from": first["to"], "to": first["to"]}
    assert f"at {first['to']} already" in run(settings, "migrate").stdout


def test_migrate_refuses_a_database_of_a_newer_version(tmp_path: Path, settings: dict[str, str]) -> None:
    run_json(settings, "migrate")
    with sqlite3.connect(tmp_path / "bursar.db") as connection:
        connection.execute("UPDATE bursar_schema SET version_num = '9999'")
    connection.close()
    for command in (["migrate"], ["serve"], ["keys", "list"], ["audit", "verify"]):
        result = run(settings, *command)
        assert result.exit_code == EXIT_FOUND_WRONG, command
        assert "9999" in result.stderr


def test_keys_are_made_listed_rotated_and_revoked(settings: dict[str, str]) -> None:
    made = run_json(settings, "keys", "create", "--new-organisation", "Shop", "--name", "Till", "--expires-days", "2")
    assert (made["mode"], made["kind"], made["name"]) == ("test", "secret", "Till")
    assert made["expires"] > made["created"]
    # With one organisation nobody needs to name it.
    rotated = run_json(settings, "keys", "rotate", made["id"])
    assert rotated["organisation"] == made["organisation"]
    assert rotated["key"] != made["key"]
    assert run_json(settings, "keys", "revoke", made["id"])["revoked"]
    listed = {row["id"]: row for row in run_json(settings, "keys", "list")}
    assert set(listed) == {made["id"], rotated["id"]}
    assert "key" not in listed[made["id"]]
    assert run(settings, "keys", "revoke", made["id"]).exit_code == EXIT_FOUND_WRONG


def test_a_key_is_shown_once_to_people_too(settings: dict[str, str]) -> None:
    shown = run(settings, "keys", "create", "--new-organisation", "Shop", "--live").stdout
    assert "sk_live_" in shown
    assert "cannot be shown again" in shown
    assert "sk_live_..." in run(settings, "keys", "list").stdout.replace("\n", "")


MISTAKES = {
    "no organisation": ((), EXIT_USAGE, "organisation"),
    "an organisation that is not there": (("--organisation", "acct_x"), EXIT_FOUND_WRONG, "acct_x"),
    "a name of nothing": (("--new-organisation", " "), EXIT_FOUND_WRONG, "name"),
    "a kind that is none": (("--new-organisation", "S", "--kind", "master"), EXIT_USAGE, "master"),
    "no permission": (("--new-organisation", "S", "--kind", "restricted"), EXIT_FOUND_WRONG, "permission"),
    "an unknown permission": (
        ("--new-organisation", "S", "--kind", "restricted", "--permission", "all"),
        EXIT_FOUND_WRONG,
        "customers.read",
    ),
}


@pytest.mark.parametrize(("options", "code", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_with_keys_is_said_in_words(
    settings: dict[str, str], options: tuple[str, ...], code: int, said: str
) -> None:
    result = run(settings, "keys", "create", *options)
    assert result.exit_code == code
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def findings(result: Result) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


def test_the_doctor_finds_nothing_wrong_with_a_healthy_installation(settings: dict[str, str]) -> None:
    run_json(settings, "migrate")
    result = run(settings, "doctor", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["healthy"] is True
    found = findings(result)
    assert {finding["state"] for finding in found.values()} <= {"good", "warning"}
    for check in ("database", "schema", "settings", "disk sync", "keys"):
        assert found[check]["state"] in ("good", "warning")
    assert found["schema"]["state"] == "good"
    assert "Nothing stands in the way" in run(settings, "doctor").stdout


UNWELL = {
    "a database that is away": (
        {"BURSAR_DATABASE_URL": "postgresql://bursar:hunter2@127.0.0.1:1/bursar"},
        "database",
        "start the database",
    ),
    "a folder that is not there": ({"BURSAR_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "database", "BURSAR_"),
    "a driver that is not there": (
        {"BURSAR_DATABASE_URL": "postgresql+nodriver://bursar:hunter2@127.0.0.1/bursar"},
        "database",
        "",
    ),
    "an address that is none": (
        {"BURSAR_DATABASE_URL": "bursar:hunter2@127.0.0.1/bursar"},
        "database",
        "BURSAR_DATABASE_URL",
    ),
    "a short secret": ({"BURSAR_SECRET_KEY": "hunter2"}, "settings", "openssl rand"),
    "an unknown setting": ({"BURSAR_PROT": "1"}, "settings", "prot"),
}


@pytest.mark.parametrize(("change", "check", "remedy"), UNWELL.values(), ids=UNWELL.keys())
def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(
    settings: dict[str, str], change: dict[str, str], check: str, remedy: str
) -> None:
    result = run(settings | change, "doctor", "--json")
    assert result.exit_code == EXIT_FOUND_WRONG, result.output
    assert json.loads(result.stdout)["healthy"] is False
    found = findings(result)[check]
    assert found["state"] == "wrong"
    assert remedy in found["remedy"]
    assert "hunter2" not in result.output


def test_the_doctor_names_the_package_of_a_driver_that_is_missing(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)  # as where it is not installed
    result = run(settings | {"BURSAR_DATABASE_URL": "mysql://bursar@127.0.0.1:1/bursar"}, "doctor", "--json")
    assert result.exit_code == EXIT_FOUND_WRONG
    assert "bursar[mysql]" in findings(result)["database"]["remedy"]


def test_the_description_of_the_api_is_valid_json_and_needs_no_settings(tmp_path: Path) -> None:
    printed = run({}, "openapi")
    assert printed.exit_code == 0
    document = json.loads(printed.stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v1/customers" in document["paths"]
    assert run({}, "openapi", str(tmp_path / "openapi.json")).exit_code == 0
    assert json.loads((tmp_path / "openapi.json").read_bytes()) == document
    assert run({}, "openapi", str(tmp_path)).exit_code == EXIT_USAGE


@pytest.fixture(scope="module")
def development_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("development")
    with RunningServer(folder):
        return folder / "data"


@pytest.mark.parametrize("command", [["doctor"], ["keys", "list"], ["audit", "verify"]])
def test_a_folder_of_dev_mode_can_be_looked_at(command: list[str], development_folder: Path, tmp_path: Path) -> None:
    looked_at = run({}, *command, "--data", str(development_folder), "--json")
    assert looked_at.exit_code == 0, looked_at.output
    nothing_there = run({}, *command, "--data", str(tmp_path / "elsewhere"))
    assert nothing_there.exit_code in (EXIT_FOUND_WRONG, EXIT_SETTINGS)
    assert "There is no database in" in nothing_there.output
