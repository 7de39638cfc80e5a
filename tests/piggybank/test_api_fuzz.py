"""Whatever is sent, there is an answer that fits, and nothing breaks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piggybank.api import Api
from tests.piggybank.harness import API_KEY, MERCHANT, House, authorization

KEYS = [
    "reference",
    "merchant",
    "amount",
    "currency",
    "capture",
    "card",
    "reverses",
    "text",
    "balance",
    "name",
    "final",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.just(MERCHANT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=4),
    max_leaves=8,
)
IDS = st.sampled_from(["auth_x_1", "auth__2", "", "é", "../..", "auth_x_99999999999999999999"])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    house = House(tmp_path_factory.mktemp("bank"))
    yield Api(house.state, house.bank, house.disputes, house.settlements, house.faults, API_KEY)
    house.close()


def post(api: Api, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    reply = api.handle("POST", path, "", f"Bearer {API_KEY}".encode(), body)
    return reply.status, json.loads(reply.body)


def fits(status: int, answer: dict[str, Any]) -> bool:
    return status == 200 or (status in (400, 404, 409) and {"code", "message"} <= set(answer["error"]))


@settings(max_examples=300, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4), card=st.dictionaries(st.text(), VALUES))
def test_changed_bodies(api: Api, changes: dict[str, Any], card: dict[str, Any]) -> None:
    body = authorization("fuzz") | changes
    body["card"] = {**authorization("x")["card"], **card} if card else body["card"]
    for path in ("/v1/authorizations", "/v1/reversals", "/v1/accounts", "/v1/disputes"):
        assert fits(*post(api, path, json.dumps(body).encode()))


@settings(max_examples=200, deadline=None)
@given(object_id=IDS, body=VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=80))
def test_any_bytes_anywhere(api: Api, object_id: str, body: bytes) -> None:
    for action in ("captures", "refunds", "voids", "increments", "complete", ""):
        assert fits(*post(api, f"/v1/authorizations/{object_id}/{action}", body))
    for action in ("evidence", "accept"):
        assert fits(*post(api, f"/v1/disputes/{object_id}/{action}", body))


def test_half_a_character_is_refused(api: Api) -> None:
    body = json.dumps(authorization("half")).replace('"half"', '"half","descriptor":"\\ud800"')
    assert post(api, "/v1/authorizations", body.encode())[0] == 400


def test_a_change_that_fails_half_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    told: list[bool] = []
    house.state.broken = lambda: told.append(True)
    monkeypatch.setattr(house.journal, "append", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        house.authorize()
    assert told == [True]
    house.close()
