"""An organisation's profile, and what the platform does with organisations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bursar.accounts.organisations import REMEMBERED_SECONDS, OrganisationService
from bursar.kit.clock import ManualClock
from bursar.kit.errors import PermissionMissing
from bursar.kit.permissions import PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS
from tests.control.house import House

PROFILE = "/api/v1/org/profile"
PLATFORM = "/api/v1/platform/organisations"


@pytest.fixture(scope="module")
def platform(house: House) -> str:
    may = PLATFORM_ADMIN_PERMISSIONS | {"platform.write"}
    return house.person(house.organisation("The platform"), PLATFORM_ADMIN, may)


def test_a_profile_says_who_one_is(house: House) -> None:
    org_id = house.organisation("  Bakery  ")
    told = house.call("GET", PROFILE, house.person(org_id, "viewer")).json
    assert (told["id"], told["object"], told["name"]) == (org_id, "organisation", "Bakery")
    assert (told["category"], told["country"], told["currency"], told["suspended"]) == ("retail", None, "usd", None)
    assert told["code"].startswith("ORG")
    assert asyncio.run(house.runtime.organisations.by_code(told["code"])).id == org_id  # type: ignore[union-attr]
    assert asyncio.run(house.runtime.organisations.by_code("ORG0000000000")) is None


@pytest.mark.parametrize("path", [PROFILE, "/api/v1/org/put"])
def test_a_profile_is_changed_at_both_addresses(house: House, path: str) -> None:
    org_id = house.organisation("Bakery")
    person = house.person(org_id)
    before = house.call("GET", PROFILE, person).json
    body = {"name": "Patisserie", "country": "fr", "currency": "EUR"}
    after = house.call("PUT", path, person, body).json
    assert after == {**before, "name": "Patisserie", "country": "FR", "currency": "eur"}
    assert house.call("GET", PROFILE, person).json == after
    (told,) = [row for row in house.rows_of(org_id)["events"] if "bursar.organisation.updated" in row]
    assert '"previous_attributes":{"country":null,"currency":"usd","name":"Bakery"}' in told


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": " "}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"category": " "}, "category"),
        ({"country": "DEU"}, "country"),
        ({"currency": "xyz"}, "currency"),
        ({"currency": None}, "currency"),
        ({"code": "ORGMINE"}, "code"),
        ({"suspended": None}, "suspended"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused_by_name(house: House, body: dict[str, Any], param: str) -> None:
    reply = house.call("PUT", PROFILE, house.person(house.organisation()), body)
    assert (reply.status, reply.error["param"]) == (400, param)


def test_two_changes_at_once_both_hold(house: House) -> None:
    person = house.person(house.organisation("Bakery"))

    async def both() -> None:
        from tests.control.house import _exchange

        headers = {"authorization": f"Bearer {person}", "content-type": "application/json"}
        bodies = (b'{"name": "Patisserie"}', b'{"country": "FR"}')
        sent = (_exchange(house.application, "PUT", PROFILE, body, headers, "198.51.100.1") for body in bodies)
        assert [reply.status for reply in await asyncio.gather(*sent)] == [200, 200]

    house.runner.run(both())
    told = house.call("GET", PROFILE, person).json
    assert (told["name"], told["country"]) == ("Patisserie", "FR")


def test_the_platform_finds_organisations_by_name_and_code(house: House, platform: str) -> None:
    first, second = house.organisation("Zürich Käse 100%"), house.organisation("zürich uhren")
    code = house.call("GET", f"{PLATFORM}/{first}", platform).json["code"]

    def found(query: str) -> list[str]:
        from urllib.parse import quote

        return [row["id"] for row in house.call("GET", f"{PLATFORM}?query={quote(query)}", platform).json["data"]]

    assert found("ZÜRICH") == [second, first]
    assert found("100%") == [first]
    assert found("0%1") == []
    assert found(code.lower()) == [first]
    assert found(code[3:]) == []


def test_the_platform_pages_through_all_organisations(house: House, platform: str) -> None:
    names = [house.organisation(f"Paged {number}") for number in range(5)]
    seen: list[str] = []
    page = house.call("GET", f"{PLATFORM}?query=paged&limit=2", platform).json
    seen += [row["id"] for row in page["data"]]
    while page["has_more"]:
        page = house.call("GET", f"{PLATFORM}?query=paged&limit=2&starting_after={seen[-1]}", platform).json
        seen += [row["id"] for row in page["data"]]
    assert seen == names[::-1]
    assert house.call("GET", f"{PLATFORM}?starting_after=acct_nobody", platform).status == 404


def test_a_suspended_organisation_is_refused_until_it_is_resumed(house: House, platform: str) -> None:
    org_id = house.organisation("Late payer")
    clock = ManualClock()
    elsewhere = OrganisationService(house.runtime.store, clock)
    assert asyncio.run(elsewhere.require_active(org_id)).id == org_id
    one = f"{PLATFORM}/{org_id}"
    assert house.call("POST", f"{one}/suspend", platform, {"reason": "does not pay"}).json["suspended"]
    assert house.call("POST", f"{one}/suspend", platform, {}).error["code"] == "organisation_suspended"
    assert asyncio.run(elsewhere.require_active(org_id)).id == org_id, "remembered"
    clock.advance(REMEMBERED_SECONDS)
    with pytest.raises(PermissionMissing, match="suspended"):
        asyncio.run(elsewhere.require_active(org_id))
    told = " ".join(house.rows_of(org_id)["events"])
    assert '"reason":"does not pay"' in told
    assert house.call("POST", f"{one}/resume", platform, {}).json["suspended"] is None
    assert house.call("POST", f"{one}/resume", platform, {}).error["code"] == "organisation_not_suspended"
    clock.advance(REMEMBERED_SECONDS)
    assert asyncio.run(elsewhere.require_active(org_id)).suspended is None


def test_nobody_is_active_who_is_not_there(house: House) -> None:
    with pytest.raises(PermissionMissing):
        asyncio.run(house.runtime.organisations.require_active("acct_nobody"))
