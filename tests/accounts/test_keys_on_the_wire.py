"""What each key may do on the wire, and that the key itself is kept nowhere."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bursar.accounts.rules import DEVELOPMENT_SECRET_KEY
from tests.faults.process import ServerProcess
from tests.faults.production import command_json, create_key, production_server, run_command

Reply = tuple[int, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bursar")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    with production_server(folder, f"sqlite:///{folder / 'bursar.db'}") as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def shop(server: ServerProcess) -> dict[str, Any]:
    return create_key(server)


def call(
    server: ServerProcess, key: str, method: str = "GET", path: str = "/v1/customers", scheme: str = "Bearer"
) -> Reply:
    headers = {"Authorization": f"{scheme} {key}", "Content-Type": "application/x-www-form-urlencoded"}
    connection = server.connection()
    try:
        connection.request(method, path, "name=x" if method == "POST" else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def more(server: ServerProcess, shop: dict[str, Any], *options: str) -> dict[str, Any]:
    return create_key(server, "--organisation", shop["organisation"], *options)


def test_a_secret_key_may_everything(server: ServerProcess, shop: dict[str, Any]) -> None:
    assert shop["key"].startswith("sk_test_")
    assert call(server, shop["key"], "POST")[0] == 200
    assert call(server, shop["key"])[0] == 200
    assert call(server, shop["key"], path="/v1/events")[0] == 200


ROUTES = [
    ("POST", "/v1/customers", "customers.write"),
    ("POST", "/v1/customers/cus_x", "customers.write"),
    ("DELETE", "/v1/customers/cus_x", "customers.write"),
    ("GET", "/v1/customers", "customers.read"),
    ("GET", "/v1/customers/cus_x", "customers.read"),
    ("GET", "/v1/customers/search?query=name:'x'", "customers.read"),
    ("GET", "/v1/events", "events.read"),
    ("GET", "/v1/events/evt_x", "events.read"),
]


def test_a_restricted_key_may_what_it_was_given_and_nothing_else(server: ServerProcess, shop: dict[str, Any]) -> None:
    """Every permission at every route is tried in tests/control; here are keys as the command line makes them."""
    keys = {
        permission: more(server, shop, "--kind", "restricted", "--permission", permission)["key"]
        for permission in sorted({needed for _, _, needed in ROUTES} | {"balance.read"})
    }
    for method, path, needed in ROUTES:
        for permission, key in keys.items():
            status, answer = call(server, key, method, path)
            if permission == needed:
                assert status in (200, 404), (method, path, permission)
                continue
            assert status == 403, (method, path, permission)
            assert answer["error"]["code"] == "permission_missing"
            assert needed in answer["error"]["message"]


def test_a_publishable_key_is_refused_where_secrets_are_needed(server: ServerProcess, shop: dict[str, Any]) -> None:
    key = more(server, shop, "--kind", "publishable")["key"]
    assert key.startswith("pk_test_")
    for method, path, _ in ROUTES:
        status, answer = call(server, key, method, path)
        assert (status, answer["error"]["code"]) == (403, "secret_key_required")


def test_live_and_test_never_see_each_other(server: ServerProcess, shop: dict[str, Any]) -> None:
    live = more(server, shop, "--live")
    assert live["key"].startswith("sk_live_")
    made = {mode: call(server, key, "POST")[1] for mode, key in ((False, shop["key"]), (True, live["key"]))}
    for mode, key in ((False, shop["key"]), (True, live["key"])):
        assert made[mode]["livemode"] is mode
        foreign = made[not mode]["id"]
        for method in ("GET", "POST", "DELETE"):
            assert call(server, key, method, f"/v1/customers/{foreign}")[0] == 404
        assert call(server, key, path=f"/v1/customers?starting_after={foreign}")[0] == 404
        seen = [item["id"] for item in call(server, key)[1]["data"]]
        assert made[mode]["id"] in seen
        assert foreign not in seen
        found = call(server, key, path="/v1/customers/search?query=name:'x'&limit=100")[1]["data"]
        assert foreign not in [item["id"] for item in found]
        events = call(server, key, path="/v1/events?limit=100")[1]["data"]
        assert {event["livemode"] for event in events} == {mode}


def test_one_organisation_never_sees_another_s_objects(server: ServerProcess, shop: dict[str, Any]) -> None:
    other = create_key(server)["key"]
    customer = call(server, shop["key"], "POST")[1]["id"]
    event = call(server, shop["key"], path="/v1/events?limit=1")[1]["data"][0]["id"]
    for method, path in (
        ("GET", f"/v1/customers/{customer}"),
        ("POST", f"/v1/customers/{customer}"),
        ("DELETE", f"/v1/customers/{customer}"),
        ("GET", f"/v1/events/{event}"),
        ("GET", f"/v1/customers?starting_after={customer}"),
        ("GET", f"/v1/events?ending_before={event}"),
    ):
        status, answer = call(server, other, method, path)
        assert (status, answer["error"]["code"]) == (404, "resource_missing"), path
    assert call(server, other)[1]["data"] == []
    assert call(server, other, path="/v1/customers/search?query=name:'x'")[1]["data"] == []
    assert call(server, other, path="/v1/events")[1]["data"] == []
    assert call(server, shop["key"], path=f"/v1/customers/{customer}")[1]["name"] == "x"


def test_basic_authentication_takes_the_key_as_the_user_name(server: ServerProcess, shop: dict[str, Any]) -> None:
    for credentials in (shop["key"], f"{shop['key']}:", f"{shop['key']}:anything"):
        encoded = base64.b64encode(credentials.encode()).decode()
        assert call(server, encoded, scheme="Basic")[0] == 200
        assert call(server, encoded, scheme="basic")[0] == 200


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "Digest", ""])
@pytest.mark.parametrize("credentials", ["", ":", "sk_test_wrong", "%%%", "c2tfdGVzdF93cm9uZzo=", "AAAA", "x" * 300])
def test_credentials_that_are_none_of_ours_are_refused_with_401(
    server: ServerProcess, scheme: str, credentials: str
) -> None:
    status, answer = call(server, credentials, scheme=scheme)
    assert (status, answer["error"]["type"]) == (401, "invalid_request_error")
    assert "x" * 40 not in answer["error"]["message"]


def test_development_keys_are_refused_in_production(server: ServerProcess) -> None:
    status, answer = call(server, DEVELOPMENT_SECRET_KEY)
    assert (status, answer["error"]["code"]) == (401, "api_key_invalid")


def test_a_refused_key_is_not_repeated_in_the_answer(server: ServerProcess, shop: dict[str, Any]) -> None:
    wrong = shop["key"][:-1] + "!"
    message = call(server, wrong)[1]["error"]["message"]
    assert wrong not in message
    assert wrong[9:20] not in message


def test_the_command_line_keeps_a_key_to_its_addresses_until_it_is_changed(
    server: ServerProcess, shop: dict[str, Any]
) -> None:
    key = more(server, shop, "--address", "203.0.113.0/24", "--address", "2001:db8::1", "--expires-days", "1")
    assert key["addresses"] == ["203.0.113.0/24", "2001:db8::1"]
    status, answer = call(server, key["key"])
    assert (status, answer["error"]["code"]) == (403, "address_not_allowed")
    change = ("keys", "update", key["id"])
    changed = command_json(server.environment, *change, "--anywhere", "--never-expires", "--name", "Till")
    assert (changed["addresses"], changed["expires"], changed["name"]) == ([], None, "Till")
    both = run_command(server.environment, *change, "--anywhere", "--address", "::1")
    assert (both.returncode, "either --anywhere or --address" in both.stderr) == (2, True)


def test_a_revoked_key_and_a_rotated_one_are_refused(server: ServerProcess, shop: dict[str, Any]) -> None:
    """Before their first use, so that no process remembers them yet."""
    revoked = more(server, shop)
    assert command_json(server.environment, "keys", "revoke", revoked["id"])["revoked"]
    assert call(server, revoked["key"])[0] == 401
    old = more(server, shop)
    new = command_json(server.environment, "keys", "rotate", old["id"], "--overlap-hours", "0")
    assert call(server, old["key"])[0] == 401
    assert call(server, new["key"])[0] == 200


def test_the_list_of_keys_shows_hints_and_never_a_key(server: ServerProcess, shop: dict[str, Any]) -> None:
    done = run_command(server.environment, "keys", "list", "--json")
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert shop["key"] not in done.stdout
    assert rows[shop["id"]]["hint"] == f"sk_test_...{shop['key'][-4:]}"


def test_keys_are_in_no_file_and_in_no_log(server: ServerProcess, shop: dict[str, Any], folder: Path) -> None:
    """Nor the part that makes them secret, nor the secret of the installation."""
    call(server, shop["key"], "POST")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"bursar.db", "bursar.db-wal", "server.log"} <= {path.name for path in files}
    secrets = (shop["key"], shop["key"].removeprefix("sk_test_"), server.environment["BURSAR_SECRET_KEY"])
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, path
    assert shop["id"].encode() in b"".join(path.read_bytes() for path in files)  # the search can find something
