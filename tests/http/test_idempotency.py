"""One key, one effect, one answer: whoever asks again, at once or later, as a form or as JSON."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from sqlalchemy import func, select

from bursar import tasks
from bursar.http import idempotency
from bursar.http.idempotency import KEPT_SECONDS, idempotency_keys
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.runtime import Runtime, running
from bursar.settings import DEVELOPMENT_SECRET, Settings
from bursar.store.unit import Change, Unit
from tests.faults.process import ServerProcess
from tests.faults.production import create_key, production_server

CLIENTS = 50


class Shop:
    """A caller with a key of its own, and what was answered to it."""

    def __init__(self, server: ServerProcess, api_key: str) -> None:
        self._server = server
        self._api_key = api_key

    def post(
        self, path: str, params: dict[str, str] | None = None, *, key: str | bytes | None, as_json: Any = None
    ) -> "Answer":
        headers: dict[str, str | bytes] = {"Authorization": f"Bearer {self._api_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        headers["Content-Type"] = "application/x-www-form-urlencoded" if as_json is None else "application/json"
        body = urlencode(params or {}) if as_json is None else json.dumps(as_json)
        return self._send("POST", path, body, headers)

    def create(self, name: str, key: str) -> "Answer":
        return self.post("/v1/customers", {"name": name}, key=key)

    def get(self, path: str) -> Any:
        return self._send("GET", path, None, {"Authorization": f"Bearer {self._api_key}"}).json

    def delete(self, path: str) -> "Answer":
        return self._send("DELETE", path, None, {"Authorization": f"Bearer {self._api_key}"})

    def named(self, name: str) -> list[Any]:
        found: list[Any] = self.get(f"/v1/customers/search?query=name:'{quote(name)}'&limit=100")["data"]
        return found

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, Any]) -> "Answer":
        connection = self._server.connection(timeout=30)
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.json["error"]
        return error

    @property
    def replayed(self) -> bool:
        return self.headers["Idempotent-Replayed"] == "true"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("bursar")
    with production_server(folder, f"sqlite:///{folder / 'bursar.db'}") as server:
        server.start()
        yield server


@pytest.fixture(scope="module")
def shop(server: ServerProcess) -> Shop:
    return Shop(server, create_key(server)["key"])


def test_a_replay_gives_the_first_answer_and_says_so(shop: Shop) -> None:
    first = shop.create("Replayed", "replay-1")
    again = shop.create("Replayed", "replay-1")
    assert (first.status, first.replayed) == (200, False)
    assert (again.status, again.replayed) == (200, True)
    assert again.body == first.body
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "replay-1"
    assert len(shop.named("Replayed")) == 1


def test_without_a_key_each_request_is_its_own(shop: Shop) -> None:
    answers = [shop.post("/v1/customers", {"name": "Keyless"}, key=None) for _ in range(2)]
    assert answers[0].json["id"] != answers[1].json["id"]
    assert len(shop.named("Keyless")) == 2


def at_once(shop: Shop, keys: int, prefix: str) -> None:
    """Each key by fifty clients at the same moment: one effect; equal answers, or a 409 that may be tried again."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        for number in range(keys):
            key = f"{prefix}-{number}"
            answers = list(clients.map(lambda key: shop.create(key, key), [key] * CLIENTS))
            done = [answer for answer in answers if answer.status == 200]
            assert len({answer.body for answer in done}) == 1
            assert [answer.replayed for answer in done].count(False) == 1
            for answer in answers:
                if answer.status != 200:
                    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_in_use")
                    assert answer.headers["Stripe-Should-Retry"] == "true"
            assert [customer["id"] for customer in shop.named(key)] == [done[0].json["id"]]


def test_one_key_by_fifty_clients_at_once_has_one_effect(shop: Shop) -> None:
    at_once(shop, 40, "at-once")


@pytest.mark.slow
def test_a_thousand_keys_by_fifty_clients_at_once_have_one_effect_each(shop: Shop) -> None:
    at_once(shop, 1_000, "at-once-slow")


def test_a_key_with_other_parameters_is_refused(shop: Shop) -> None:
    first = shop.create("Parameters", "other-1")
    other = shop.create("Others", "other-1")
    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    assert other.headers["Stripe-Should-Retry"] == "false"
    assert shop.named("Others") == []
    assert shop.create("Parameters", "other-1").body == first.body


def test_a_key_on_another_address_is_refused(shop: Shop) -> None:
    customer = shop.create("Address", "address-1").json
    other = shop.post(f"/v1/customers/{customer['id']}", {"name": "Address"}, key="address-1")
    assert (other.status, other.error["type"]) == (400, "idempotency_error")


def test_the_same_parameters_as_a_form_and_as_json_are_the_same_request(shop: Shop) -> None:
    form = {"name": "Both", "metadata[b]": "2", "metadata[a]": "1", "preferred_locales[0]": "de", "balance": "-5"}
    tree = {"balance": -5, "preferred_locales": ["de"], "metadata": {"a": "1", "b": "2"}, "name": "Both"}
    first = shop.post("/v1/customers", form, key="both-1")
    again = shop.post("/v1/customers", key="both-1", as_json=tree)
    assert (again.status, again.replayed, again.body) == (200, True, first.body)
    tree["balance"] = 5
    assert shop.post("/v1/customers", key="both-1", as_json=tree).error["type"] == "idempotency_error"


def test_a_request_that_was_refused_keeps_nothing(shop: Shop) -> None:
    refused = shop.post("/v1/customers", {"email": "nobody"}, key="refused-1")
    assert refused.status == 400
    assert refused.headers["Idempotent-Replayed"] is None
    mended = shop.create("Mended", "refused-1")
    assert (mended.status, mended.replayed) == (200, False)


def test_an_update_of_nothing_keeps_nothing(shop: Shop) -> None:
    assert shop.post("/v1/customers/cus_nobody", {"name": "x"}, key="nobody-1").status == 404
    assert shop.create("Somebody", "nobody-1").status == 200


UNUSABLE = {
    "256 characters": "k" * 256,
    "nothing": "",
    "a letter beyond ASCII": "ключ".encode(),
    "a letter of Latin-1": b"cl\xe9",
    "a tabulator inside": b"a\tb",
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_cannot_be_one_is_refused(shop: Shop, key: str | bytes) -> None:
    answer = shop.post("/v1/customers", {"name": "Unusable"}, key=key)
    assert (answer.status, answer.error["code"]) == (400, "idempotency_key_invalid")
    assert "Idempotency-Key" in answer.error["message"]
    assert shop.named("Unusable") == []


def test_a_key_of_the_greatest_length_and_of_every_printable_character_works(shop: Shop) -> None:
    every = "".join(map(chr, range(33, 127)))
    for key in ("k" * 255, every):
        first = shop.create("Longest", key)
        assert (first.status, shop.create("Longest", key).body) == (200, first.body)


def test_keys_differ_by_their_case(shop: Shop) -> None:
    assert shop.create("Case", "case-a").json["id"] != shop.create("Case", "CASE-A").json["id"]


def test_a_replay_gives_the_first_answer_after_the_object_was_changed_and_deleted(shop: Shop) -> None:
    first = shop.create("Before", "life-1")
    url = f"/v1/customers/{first.json['id']}"
    changed = shop.post(url, {"name": "After"}, key="life-2")
    assert shop.create("Before", "life-1").body == first.body
    assert shop.post(url, {"name": "Last"}, key="life-3").status == 200
    assert shop.post(url, {"name": "After"}, key="life-2").body == changed.body
    assert shop.get(url)["name"] == "Last"  # the replay was an answer, not a change
    assert shop.delete(url).status == 200
    for answer, path, name, key in ((first, "/v1/customers", "Before", "life-1"), (changed, url, "After", "life-2")):
        again = shop.post(path, {"name": name}, key=key)
        assert (again.status, again.replayed, again.body) == (200, True, answer.body)
    assert shop.get(url) == {"id": first.json["id"], "object": "customer", "deleted": True}


def test_a_change_that_changes_nothing_is_kept_all_the_same(shop: Shop) -> None:
    customer = shop.create("Same", "same-1").json
    url = f"/v1/customers/{customer['id']}"
    first = shop.post(url, {"name": "Same"}, key="same-2")
    shop.post(url, {"name": "Different"}, key="same-3")
    again = shop.post(url, {"name": "Same"}, key="same-2")
    assert (again.replayed, again.body) == (True, first.body)
    assert shop.get(url)["name"] == "Different"


def test_a_key_in_another_mode_or_organisation_is_another_key(server: ServerProcess, shop: Shop) -> None:
    one = create_key(server)
    live = create_key(server, "--organisation", one["organisation"], "--live")
    callers = [shop, Shop(server, one["key"]), Shop(server, live["key"])]
    answers = [caller.create(f"Caller {number}", "shared-key") for number, caller in enumerate(callers)]
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer.json["id"] for answer in answers}) == 3
    for number, caller in enumerate(callers):
        assert caller.create(f"Caller {number}", "shared-key").body == answers[number].body


def test_a_key_is_kept_through_a_restart(server: ServerProcess, shop: Shop) -> None:
    first = shop.create("Restart", "restart-1")
    assert server.terminate() in (0, -15)
    server.start()
    again = shop.create("Restart", "restart-1")
    assert (again.replayed, again.body) == (True, first.body)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(
        development=True, database_url=f"sqlite:///{tmp_path / 'bursar.db'}", secret_key=DEVELOPMENT_SECRET
    )
    with running(settings) as runtime:
        yield runtime


def keep(runtime: Runtime, org_id: str, number: int, age_seconds: int) -> None:
    """A key as it is after that long."""
    row = {
        "org_id": org_id,
        "livemode": number % 2,
        "idempotency_key": f"key-{number}",
        "created": runtime.clock.now_microseconds() - age_seconds * MICROSECONDS_PER_SECOND,
        "fingerprint": "0" * 64,
        "request_id": "req_1",
        "status": 200,
        "body": "{}",
    }
    runtime.store.transact_blocking(lambda _: (None, Unit([Change(idempotency.INSERT, row)])))


def test_expired_keys_are_removed_in_bounded_steps_and_others_stay(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    organisations = [runtime.accounts.create_organisation(name).id for name in ("One", "Two")]
    for org_id in organisations:
        for number in range(12):
            keep(runtime, org_id, number, KEPT_SECONDS + 60)
        for number in range(12, 15):
            keep(runtime, org_id, number, KEPT_SECONDS - 60)
    steps: list[int] = []
    delete_expired = idempotency.delete_expired

    def counted(*arguments: Any) -> int:
        steps.append(delete_expired(*arguments))
        return steps[-1]

    monkeypatch.setattr(tasks, "ROWS_MAX", 5)
    monkeypatch.setattr(idempotency, "delete_expired", counted)
    assert asyncio.run(tasks.delete_expired_keys(runtime)) == 24
    assert steps == [5, 5, 2, 0] * 2
    count = select(func.count()).select_from(idempotency_keys)
    assert runtime.store.read_blocking(lambda connection: connection.execute(count).scalar()) == 6
    assert asyncio.run(tasks.delete_expired_keys(runtime)) == 0


def test_a_day_is_promised_and_kept() -> None:
    assert KEPT_SECONDS >= 24 * 3600
