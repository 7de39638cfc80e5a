"""Own roles: made of what one has oneself, and kept while anybody has them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from bursar.accounts.roles import NoHolders
from bursar.kit.permissions import PLATFORM_ADMIN, ROLES
from tests.control.house import House

URL = "/api/v1/roles"
TILL = {"name": "Till", "permissions": ["wallets.read", "payment_sessions.write"]}


class HolderOf:
    """Stands for the members of an organisation."""

    def __init__(self, held: str) -> None:
        self.held = held

    def is_held(self, connection: Connection, org_id: str, role: str) -> bool:
        return role == self.held


@pytest.fixture
def without_members(house: House) -> Iterator[None]:
    asked = house.runtime.roles.holders
    house.runtime.roles.holders = NoHolders()
    yield
    house.runtime.roles.holders = asked


def test_a_role_is_made_changed_and_deleted(house: House, without_members: None) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    made = house.call("POST", URL, person, TILL).json
    # In the catalogue's order, however they were sent.
    assert (made["name"], made["permissions"]) == ("Till", ["payment_sessions.write", "wallets.read"])
    assert (made["built_in"], made["object"], made["description"]) == (False, "role", None)
    one = f"{URL}/{made['id']}"
    changed = house.call("PUT", one, person, {"description": "At the door", "permissions": ["wallets.read"]}).json
    assert changed == {**made, "description": "At the door", "permissions": ["wallets.read"]}
    assert house.call("GET", one, person).json == changed
    assert asyncio.run(house.runtime.roles.permissions(org_id, made["id"])) == frozenset({"wallets.read"})
    assert house.call("DELETE", one, person).json == {"id": made["id"], "object": "role", "deleted": True}
    assert house.call("GET", one, person).status == 404
    assert asyncio.run(house.runtime.roles.permissions(org_id, made["id"])) is None
    told = " ".join(house.rows_of(org_id)["events"])
    assert [f"bursar.role.{happened}" in told for happened in ("created", "updated", "deleted")] == [True] * 3


@pytest.mark.parametrize("maker", ["developer", "finance", "support", "viewer", "admin"])
def test_nobody_makes_a_role_with_more_than_they_have(house: House, maker: str) -> None:
    """Even if somebody gave them the right to make roles."""
    org_id = house.organisation()
    has = ROLES[maker] | {"roles.write"}
    person = house.person(org_id, maker, has)
    own = sorted(has)
    role = house.call("POST", URL, person, {"name": "Mine", "permissions": own})
    assert role.status == 200, role.json
    for more in sorted(ROLES["owner"] - has):
        for method, path in (("POST", URL), ("PUT", f"{URL}/{role.json['id']}")):
            reply = house.call(method, path, person, {"name": "More", "permissions": [*own, more]})
            assert (reply.status, reply.error["code"], reply.error["param"]) == (403, "permission_missing", more)


def test_nobody_changes_a_role_that_has_more_than_they_have(house: House) -> None:
    """By its name, it could be given to somebody who takes it for less."""
    org_id = house.organisation()
    made = house.call("POST", URL, house.person(org_id), {"name": "Pay", "permissions": ["withdrawals.approve"]}).json
    clerk = house.person(org_id, "clerk", frozenset({"roles.write"}))
    reply = house.call("PUT", f"{URL}/{made['id']}", clerk, {"name": "Harmless"})
    assert (reply.status, reply.error["param"]) == (403, "withdrawals.approve")


@pytest.mark.parametrize("permission", ["platform.read", "platform.write", "self", "everything", "", "wallets.*"])
def test_a_role_has_permissions_of_organisations_only(house: House, permission: str) -> None:
    person = house.person(house.organisation(), PLATFORM_ADMIN, ROLES["owner"] | {"platform.write", "platform.read"})
    reply = house.call("POST", URL, person, {"name": "Odd", "permissions": [permission]})
    assert (reply.status, reply.error["param"]) == (400, "permissions")


@pytest.mark.parametrize("name", ["owner", "Owner", " ADMIN ", "platform_admin", " ", "till"])
def test_a_role_has_a_name_that_no_other_has(house: House, name: str) -> None:
    person = house.person(house.organisation())
    house.call("POST", URL, person, TILL)
    reply = house.call("POST", URL, person, {**TILL, "name": name})
    assert (reply.status, reply.error["param"]) == (400, "name")


def test_a_role_that_is_in_use_is_not_deleted(house: House, without_members: None) -> None:
    person = house.person(house.organisation())
    made = house.call("POST", URL, person, TILL).json
    house.runtime.roles.holders = HolderOf(made["id"])
    reply = house.call("DELETE", f"{URL}/{made['id']}", person)
    assert (reply.status, reply.error["code"]) == (409, "role_in_use")
    house.runtime.roles.holders = NoHolders()
    assert house.call("DELETE", f"{URL}/{made['id']}", person).status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_roles_that_everybody_has_stay_as_they_are(house: House, method: str) -> None:
    reply = house.call(method, f"{URL}/viewer", house.person(house.organisation()), {} if method == "PUT" else None)
    assert (reply.status, reply.error["code"]) == (400, "role_built_in")


def test_own_roles_are_listed_before_those_of_everybody(house: House) -> None:
    person = house.person(house.organisation())
    made = [house.call("POST", URL, person, {**TILL, "name": f"Till {number}"}).json["id"] for number in range(3)]
    wanted = [*reversed(made), *ROLES]
    for limit in (1, 2, 100):
        seen: list[str] = []
        page = house.call("GET", f"{URL}?limit={limit}", person).json
        seen += [role["id"] for role in page["data"]]
        while page["has_more"]:
            page = house.call("GET", f"{URL}?limit={limit}&starting_after={seen[-1]}", person).json
            seen += [role["id"] for role in page["data"]]
        assert seen == wanted
    back = house.call("GET", f"{URL}?limit=2&ending_before=viewer", person).json
    assert [role["id"] for role in back["data"]] == wanted[-3:-1]
    assert back["has_more"]


def test_built_in_roles_are_known_by_their_names(house: House) -> None:
    org_id = house.organisation()
    for name, permissions in ROLES.items():
        assert asyncio.run(house.runtime.roles.permissions(org_id, name)) == permissions
    assert asyncio.run(house.runtime.roles.permissions(org_id, PLATFORM_ADMIN)) is None
