"""The server as a process of its own: people are let in, and their secrets are in no file."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bursar.people.rules import DEVELOPMENT_EMAIL, DEVELOPMENT_PASSWORD
from tests.faults.process import ServerProcess
from tests.faults.production import production_server
from tests.wire.harness import RunningServer

EMAIL, PASSWORD = "ada@example.test", "seven plums on a green roof"


def send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, list[str]]:
    raw = json.dumps(body) if body is not None else None
    connection.request(method, path, raw, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    return response.status, json.loads(response.read()), response.headers.get_all("set-cookie") or []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bursar")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with production_server(folder, f"sqlite:///{folder / 'bursar.db'}") as server:
        server.start()
        yield server


def test_dev_mode_has_an_owner_whose_password_everybody_knows(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as running:
        body = {"email": DEVELOPMENT_EMAIL, "password": DEVELOPMENT_PASSWORD}
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        status, answer, _ = send(connection, "POST", "/api/v1/org/login", body)
        assert status == 200
        assert answer["organisation"]["role"] == "owner"
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        assert send(connection, "GET", "/api/v1/auth/me", headers=bearer)[0] == 200
        connection.close()


def test_in_production_there_is_no_such_person(server: ServerProcess) -> None:
    connection = server.connection()
    body = {"email": DEVELOPMENT_EMAIL, "password": DEVELOPMENT_PASSWORD}
    status, answer, _ = send(connection, "POST", "/api/v1/org/login", body)
    assert (status, answer["error"]["code"]) == (401, "sign_in_failed")
    connection.close()


def test_no_password_token_or_cookie_is_in_any_file(server: ServerProcess, folder: Path) -> None:
    program = str(Path(sys.executable).parent / "bursar")
    command = [program, "users", "create", EMAIL, "--password-stdin", "--json"]
    made = subprocess.run(command, input=PASSWORD, env=server.environment, capture_output=True, text=True, check=True)
    connection = server.connection()
    body = {"email": EMAIL, "password": PASSWORD}
    secrets = [PASSWORD, "a wrong password of somebody"]
    answer = send(connection, "POST", "/api/v1/org/login", body)[1]
    renewed = send(connection, "POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]})[1]
    _, browser, cookies = send(connection, "POST", "/api/v1/org/login", {**body, "browser": True})
    send(connection, "POST", "/api/v1/org/login", {**body, "password": secrets[1]})
    secrets += [answer["refresh_token"], renewed["refresh_token"], browser["csrf_token"]]
    secrets += [answer["access_token"].split(".")[2], *(line.partition(";")[0].partition("=")[2] for line in cookies)]
    connection.close()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"bursar.db", "server.log"} <= {path.name for path in files}
    contents = b"".join(path.read_bytes() for path in files)
    assert json.loads(made.stdout)["id"].encode() in contents  # the search can find something
    for secret in secrets:
        assert len(secret) > 20
        assert secret.encode() not in contents
