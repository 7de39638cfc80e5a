"""The trail through the doors: what is done there is in it, and only who may read it sees their own of it."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bursar.audit.export import ENDPOINT as EXPORT
from bursar.kit.permissions import ROLES
from bursar.store.columns import INSTALLATION
from tests.control.house import ADDRESS, House, standing

URL = "/api/v1/audit"
ALL_URLS = [("GET", URL), ("GET", f"{URL}/export"), ("POST", f"{URL}/verify")]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing() as house:
        yield house


@pytest.fixture
def org_id(house: House) -> str:
    return house.organisation()


@pytest.fixture
def owner(house: House, org_id: str) -> str:
    return house.person(org_id)


def entries(house: House, who: str, **filters: str) -> list[dict[str, Any]]:
    """All of them, newest first, with what was only gathered so far."""
    house.runner.run(house.runtime.recorder.flush())
    query = "&".join(f"{name}={value}" for name, value in {"limit": "100", **filters}.items())
    found: list[dict[str, Any]] = []
    page = ""
    while True:
        answer = house.call("GET", f"{URL}?{query}{page}", who)
        assert answer.status == 200, answer.json
        found += answer.json["data"]
        if not answer.json["has_more"]:
            return found
        page = f"&page={answer.json['next_page']}"


def test_a_change_a_look_and_a_refusal_are_all_in_it(house: House, org_id: str, owner: str) -> None:
    key = house.key(org_id)
    restricted = house.key(org_id, "restricted", permissions=["customers.read"])
    created = house.call("POST", "/v1/customers", key, b"name=Ada").json["id"]
    house.call("POST", f"/v1/customers/{created}", key, b"name=Grace")
    assert house.call("GET", f"/v1/customers/{created}", restricted, address="203.0.113.9").status == 200
    assert house.call("GET", "/v1/customers?email=ada%40example.com&limit=3", restricted).status == 200
    assert house.call("GET", "/v1/customers/cus_nobody", restricted).status == 404
    assert house.call("POST", "/v1/customers", restricted, b"name=Eve").status == 403
    trail = entries(house, owner)
    told = {entry["type"]: entry for entry in trail}
    changed = told["customer.updated"]
    assert (changed["object_id"], changed["address"], changed["livemode"]) == (created, ADDRESS, False)
    assert (changed["before"]["name"], changed["after"]["name"], changed["result"]) == ("Ada", "Grace", "succeeded")
    looks = [entry for entry in trail if entry["type"] == "bursar.customer.viewed"]
    assert [look["result"] for look in looks] == ["resource_missing", "found", "found"]
    assert [look["object_id"] for look in looks] == [None, None, created]
    assert looks[0]["after"]["path"] == {"customer": "cus_nobody"}
    assert looks[1]["after"]["query"] == {"email": "[15 characters]", "limit": "3"}
    assert looks[2]["address"] == "203.0.113.9"
    assert {look["actor"] for look in looks} == {told["bursar.access.refused"]["actor"]}
    refusal = told["bursar.access.refused"]
    assert refusal["result"] == "refused"
    assert (refusal["after"]["code"], refusal["after"]["param"]) == ("permission_missing", "customers.write")
    assert refusal["after"]["path"] == "/v1/customers"
    assert all(entry["request"].startswith("req_") for entry in looks)


def test_each_filter_narrows_the_list(house: House, org_id: str, owner: str) -> None:
    key, live = house.key(org_id), house.key(org_id, livemode=True)
    created = house.call("POST", "/v1/customers", key, b"name=Ada")
    house.call("POST", "/v1/customers", live, b"name=Grace", address="203.0.113.9")
    customer, request_id = created.json["id"], created.headers["request-id"]

    def types(**filters: str) -> list[str]:
        return sorted({entry["type"] for entry in entries(house, owner, **filters)})

    assert types(object=customer) == ["customer.created"]
    assert types(request=request_id) == ["customer.created"]
    assert types(address="203.0.113.9") == ["customer.created"]
    assert types(mode="live", type="customer.*") == ["customer.created"]
    assert len(entries(house, owner, type="customer.created")) == 2
    assert [entry["livemode"] for entry in entries(house, owner, type="customer.created", mode="test")] == [False]
    assert types(**{"created[lt]": "1000"}) == []
    (actor,) = {entry["actor"] for entry in entries(house, owner, object=customer)}
    assert len(entries(house, owner, actor=actor, type="customer.created")) == 1


def test_who_reads_the_trail_is_in_it(house: House, org_id: str, owner: str) -> None:
    entries(house, owner, actor="key_1")
    house.call("POST", f"{URL}/verify", owner)
    house.call("GET", f"{URL}/export?mode=live", owner)
    trail = entries(house, owner, type="bursar.audit.*")
    assert {entry["type"] for entry in trail} == {
        "bursar.audit.viewed",
        "bursar.audit.verified",
        "bursar.audit.exported",
    }
    assert {entry["actor"] for entry in trail} == {trail[0]["actor"]}
    assert trail[0]["actor"].startswith("usr_")


@pytest.mark.parametrize(("method", "url"), ALL_URLS)
@pytest.mark.parametrize("role", list(ROLES))
def test_only_who_may_read_the_trail_reads_it(house: House, org_id: str, role: str, method: str, url: str) -> None:
    answer = house.call(method, url, house.person(org_id, role))
    if EXPORT.permission in ROLES[role]:
        assert answer.status == 200
    else:
        assert (answer.status, answer.error["param"]) == (403, "audit.read")


@pytest.mark.parametrize(("method", "url"), ALL_URLS)
def test_no_key_and_nobody_unknown_reads_the_trail(house: House, org_id: str, method: str, url: str) -> None:
    assert house.call(method, url, house.key(org_id)).status == 403
    assert house.call(method, url, "sk_test_wrong").status == 401
    assert house.call(method, url).status == 401


def test_an_organisation_sees_nothing_of_another(house: House, owner: str) -> None:
    other_id = house.organisation("Other")
    created = house.call("POST", "/v1/customers", house.key(other_id), b"name=Ada").json["id"]
    assert entries(house, owner, object=created) == []
    assert created not in house.call("GET", f"{URL}/export", owner).json.decode()
    assert house.call("POST", f"{URL}/verify", owner).json["rows"] < 50


@pytest.mark.parametrize(
    "query",
    ["org_id=acct_1", "livemode=1", "role=owner", "type=customer*", "page=nonsense", "mode=both", "actor=", "limit=0"],
)
@pytest.mark.parametrize("url", [URL, f"{URL}/export"])
def test_what_is_no_filter_is_refused_by_name(house: House, owner: str, url: str, query: str) -> None:
    answer = house.call("GET", f"{url}?{query}", owner)
    assert answer.status == 400
    assert answer.error["param"] == query.partition("=")[0]


def test_an_export_is_a_file_of_exactly_what_was_asked_for(house: House, org_id: str, owner: str) -> None:
    key = house.key(org_id)
    made = [house.call("POST", "/v1/customers", key, b"name=Ada").json["id"] for _ in range(3)]
    lines = house.call("GET", f"{URL}/export?type=customer.created", owner)
    assert lines.status == 200
    assert lines.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert [json.loads(line)["object_id"] for line in lines.json.splitlines()] == made
    table = house.call("GET", f"{URL}/export?type=customer.created&format=csv", owner)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.DictReader(io.StringIO(table.json.decode(), newline="")))
    assert [row["object_id"] for row in rows] == made
    assert house.call("GET", f"{URL}/export?type=bursar.nothing", owner).json == b""
    assert house.call("POST", f"{URL}/export", owner).status == 405


def test_verifying_says_whole_and_counts_the_rows(house: House, org_id: str, owner: str) -> None:
    house.call("POST", "/v1/customers", house.key(org_id), b"name=Ada")
    answer = house.call("POST", f"{URL}/verify", owner)
    assert answer.json["status"] == "whole"
    assert answer.json["rows"] >= 2
    assert answer.json["problems"] == []


def test_a_wrong_password_is_in_the_installations_log_without_a_name(house: House) -> None:
    body = {"email": "nobody@example.test", "password": "not the right one"}
    assert house.call("POST", "/api/v1/org/login", None, body, address="203.0.113.77").status == 401
    house.runner.run(house.runtime.recorder.flush())
    refusals = [row for row in house.rows_of(INSTALLATION)["events"] if "bursar.access.refused" in row]
    (mine,) = [row for row in refusals if "203.0.113.77" in row]
    assert "/api/v1/org/login" in mine
    assert "nobody@example.test" not in "".join(house.rows_of(INSTALLATION)["events"])
