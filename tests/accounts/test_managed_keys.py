"""API keys as people manage them, from the first to the last day."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bursar.accounts.uses import KeyUses
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.permissions import OF_KEYS, ROLES
from bursar.store.errors import StoreUnavailable
from bursar.store.store import Store
from bursar.store.unit import Unit
from tests.control.house import ADDRESS, LONG_AGO, House

URL = "/api/v1/api-keys"
LIVE = {"Bursar-Mode": "live"}


def now(house: House) -> int:
    return house.runtime.clock.now_microseconds() // MICROSECONDS_PER_SECOND


def made(house: House, person: str, **body: Any) -> dict[str, Any]:
    reply = house.call("POST", URL, person, {"kind": "secret", **body})
    assert reply.status == 200, reply.json
    found: dict[str, Any] = reply.json
    return found


def test_a_key_is_shown_once_and_works(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    key = made(house, person, name="Till")
    assert key["key"].startswith("sk_test_")
    assert (key["kind"], key["livemode"], key["name"], key["addresses"], key["revoked"]) == (
        "secret",
        False,
        "Till",
        [],
        None,
    )
    assert house.call("GET", "/v1/customers", key["key"]).status == 200
    shown = house.call("GET", f"{URL}/{key['id']}", person).json
    assert "key" not in shown
    assert key["key"] not in str(house.rows_of(org_id))


def test_an_answer_that_shows_a_key_is_not_kept_for_retries(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    replies = [house.call("POST", URL, person, {"kind": "secret"}, headers={"Idempotency-Key": "one"}) for _ in "ab"]
    assert replies[0].json["key"] != replies[1].json["key"]
    assert "idempotent-replayed" not in replies[1].headers
    assert house.rows_of(org_id)["idempotency_keys"] == []


def test_each_mode_has_keys_of_its_own(house: House) -> None:
    person = house.person(house.organisation())
    test = made(house, person)
    live = house.call("POST", URL, person, {"kind": "secret"}, headers=LIVE).json
    assert live["key"].startswith("sk_live_")
    assert [key["id"] for key in house.call("GET", URL, person).json["data"]] == [test["id"]]
    assert [key["id"] for key in house.call("GET", URL, person, headers=LIVE).json["data"]] == [live["id"]]


def test_a_live_key_and_a_rotation_need_a_fresh_proof(house: House) -> None:
    org_id = house.organisation()
    stale = house.person(org_id, proved_at=LONG_AGO)
    key = made(house, stale)
    assert house.call("POST", URL, stale, {"kind": "secret"}, headers=LIVE).error["code"] == "step_up_required"
    assert house.call("POST", f"{URL}/{key['id']}/rotate", stale, {}).error["code"] == "step_up_required"
    assert house.call("DELETE", f"{URL}/{key['id']}", stale).status == 200, "revoking must never wait"


def test_whoever_makes_a_live_key_gives_no_more_than_they_have(house: House) -> None:
    org_id = house.organisation()
    developer = house.person(org_id, "developer")
    lacking = sorted(OF_KEYS - ROLES["developer"])
    assert "transfers.write" in lacking
    refused = house.call("POST", URL, developer, {"kind": "secret"}, headers=LIVE)
    assert (refused.status, refused.error["code"]) == (403, "permission_missing")
    for permission in lacking:
        body = {"kind": "restricted", "permissions": ["customers.read", permission]}
        reply = house.call("POST", URL, developer, body, headers=LIVE)
        assert (reply.status, reply.error["param"]) == (403, permission)
    body = {"kind": "restricted", "permissions": sorted(OF_KEYS & ROLES["developer"])}
    own = house.call("POST", URL, developer, body, headers=LIVE)
    assert own.status == 200
    more = {"permissions": [*body["permissions"], lacking[0]]}
    assert house.call("PUT", f"{URL}/{own.json['id']}", developer, more, headers=LIVE).status == 403
    owners = house.call("POST", URL, house.person(org_id), {"kind": "secret"}, headers=LIVE).json
    assert house.call("POST", f"{URL}/{owners['id']}/rotate", developer, {}, headers=LIVE).status == 403
    assert made(house, developer)["kind"] == "secret", "test keys move no money"


def test_a_restricted_key_does_what_it_was_given(house: House) -> None:
    person = house.person(house.organisation())
    key = made(house, person, kind="restricted", permissions=["customers.read"])
    assert house.call("GET", "/v1/customers", key["key"]).status == 200
    assert house.call("POST", "/v1/customers", key["key"], {}).error["param"] == "customers.write"


@pytest.mark.parametrize("path", ["/v1/customers", "/api/v1/org/terms"])
def test_a_key_works_from_its_addresses_only_on_both_surfaces(house: House, path: str) -> None:
    person = house.person(house.organisation())
    key = made(house, person, addresses=["203.0.113.0/24", "2001:db8::/32"])["key"]
    for round_trip in ("looked up", "remembered"):
        for address, status in (
            ("203.0.113.9", 200),
            ("2001:db8::9", 200),
            ("::ffff:203.0.113.9", 200),
            (ADDRESS, 403),
            ("2001:db9::1", 403),
        ):
            reply = house.call("GET", path, key, address=address)
            assert reply.status == status, (round_trip, address)
            assert status == 200 or reply.error["code"] == "address_not_allowed"


def test_a_change_of_addresses_holds_within_five_seconds(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    key = made(house, person)
    assert house.call("GET", "/v1/customers", key["key"]).status == 200
    house.call("PUT", f"{URL}/{key['id']}", person, {"addresses": ["203.0.113.7"]})
    house.runtime.directory._remembered.clear()  # as five seconds do
    assert house.call("GET", "/v1/customers", key["key"]).status == 403


def test_a_key_is_changed_and_told_of(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    key = made(house, person, kind="restricted", permissions=["customers.read"])
    end = now(house) + 3_600
    body = {"name": "Till", "permissions": ["customers.write"], "addresses": ["10.0.0.0/8"], "expires": end}
    changed = house.call("PUT", f"{URL}/{key['id']}", person, body).json
    assert {name: changed[name] for name in body} == body
    told = [row for row in house.rows_of(org_id)["events"] if "bursar.api_key.updated" in row]
    assert len(told) == 1
    assert '"previous_attributes"' in told[0]
    assert house.call("PUT", f"{URL}/{key['id']}", person, {"expires": None}).json["expires"] is None


def test_more_rights_for_a_live_key_need_a_fresh_proof_and_fewer_do_not(house: House) -> None:
    org_id = house.organisation()
    fresh, stale = house.person(org_id), house.person(org_id, proved_at=LONG_AGO)
    body = {"kind": "restricted", "permissions": ["customers.read"], "addresses": ["10.0.0.0/8"]}
    one = f"{URL}/{house.call('POST', URL, fresh, body, headers=LIVE).json['id']}"
    wider: list[dict[str, Any]] = [{"permissions": ["customers.read", "customers.write"]}, {"addresses": []}]
    for more in wider:
        assert house.call("PUT", one, stale, more, headers=LIVE).error["code"] == "step_up_required"
    assert house.call("PUT", one, stale, {"name": "Till"}, headers=LIVE).status == 200


def test_after_a_rotation_both_keys_work_for_a_while(house: House) -> None:
    person = house.person(house.organisation())
    old = made(house, person, addresses=[ADDRESS])
    new = house.call("POST", f"{URL}/{old['id']}/rotate", person, {"overlap_seconds": 60}).json
    assert new["id"] != old["id"]
    assert new["addresses"] == [ADDRESS]
    assert [house.call("GET", "/v1/customers", key["key"]).status for key in (old, new)] == [200, 200]
    left = house.call("GET", f"{URL}/{old['id']}", person).json["expires"] - now(house)
    assert 0 < left <= 60
    at_once = house.call("POST", f"{URL}/{new['id']}/rotate", person, {"overlap_seconds": 0}).json
    house.runtime.directory._remembered.clear()
    assert [house.call("GET", "/v1/customers", key["key"]).status for key in (new, at_once)] == [401, 200]


def test_a_revoked_key_is_refused_and_stays_revoked(house: House) -> None:
    person = house.person(house.organisation())
    key = made(house, person)
    one = f"{URL}/{key['id']}"
    assert house.call("DELETE", one, person).json["revoked"]
    assert house.call("GET", "/v1/customers", key["key"]).status == 401
    for method, path, body in (("DELETE", one, None), ("PUT", one, {"name": "x"}), ("POST", f"{one}/rotate", {})):
        assert house.call(method, path, person, body).status == 409, method


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"kind": "root"}, "kind"),
        ({}, "kind"),
        ({"kind": "secret", "permissions": ["customers.read"]}, "permissions"),
        ({"kind": "restricted"}, "permissions"),
        ({"kind": "restricted", "permissions": ["members.write"]}, "permissions"),
        ({"kind": "secret", "addresses": ["here"]}, "addresses"),
        ({"kind": "secret", "addresses": ["10.0.0.1"] * 51}, "addresses"),
        ({"kind": "secret", "expires": 1}, "expires"),
        ({"kind": "secret", "expires": 32_503_680_000}, "expires"),
        ({"kind": "secret", "name": "x" * 201}, "name"),
    ],
)
def test_keys_that_make_no_sense_are_refused_by_name(house: House, body: dict[str, Any], param: str) -> None:
    reply = house.call("POST", URL, house.person(house.organisation()), body)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_when_and_from_where_a_key_was_used_is_written_now_and_then(house: House) -> None:
    person = house.person(house.organisation())
    key = made(house, person)
    assert house.call("GET", f"{URL}/{key['id']}", person).json["last_used"] is None
    house.call("GET", "/v1/customers", key["key"], address="203.0.113.77")
    assert house.call("GET", f"{URL}/{key['id']}", person).json["last_used"] is None, "no request writes"
    assert house.runner.run(house.runtime.directory.uses.write()) >= 1
    told = house.call("GET", f"{URL}/{key['id']}", person).json
    assert abs(told["last_used"] - now(house)) <= 5
    assert told["last_used_address"] == "203.0.113.77"
    assert house.runner.run(house.runtime.directory.uses.write()) == 0


def test_a_refused_address_is_no_use_of_the_key(house: House) -> None:
    person = house.person(house.organisation())
    key = made(house, person, addresses=["203.0.113.7"])
    assert house.call("GET", "/v1/customers", key["key"]).status == 403
    house.runner.run(house.runtime.directory.uses.write())
    assert house.call("GET", f"{URL}/{key['id']}", person).json["last_used"] is None


def test_an_older_use_never_replaces_a_newer_one(house: House) -> None:
    """Another process may have seen the key later."""
    org_id = house.organisation()
    person = house.person(org_id)
    key = made(house, person)
    early, late = (KeyUses(house.runtime.store, house.runtime.clock) for _ in "ab")
    early.used(org_id, key["id"], "203.0.113.1")
    late.used(org_id, key["id"], "203.0.113.2")
    for uses in (late, early):
        house.runner.run(uses.write())
    assert house.call("GET", f"{URL}/{key['id']}", person).json["last_used_address"] == "203.0.113.2"


def test_what_could_not_be_written_is_written_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    uses = KeyUses(house.runtime.store, house.runtime.clock)

    async def away(_store: Store, _unit: Unit) -> None:
        raise StoreUnavailable("away")

    uses.used("acct_nobody", "key_nobody", None)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "commit", away)
        with pytest.raises(StoreUnavailable):
            asyncio.run(uses.write())
    assert house.runner.run(uses.write()) == 1
