"""Every role and every kind of key at every door: exactly who has the permission gets past it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bursar.http.endpoint import Endpoint
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.permissions import OF_KEYS, PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS, ROLES, SELF
from tests.control.house import LONG_AGO, House, Reply
from tests.control.makers import body_for, path_for_nobody

OWN_ROLES = {
    "own: nothing": frozenset[str](),
    "own: a till": frozenset({"payment_sessions.write", "wallets.read", "transactions.read"}),
    "own: the office": frozenset({"members.write", "roles.read", "limits.write", "api_keys.read", "audit.read"}),
}


@dataclass(frozen=True)
class Caller:
    """Somebody at the door, with what they may do."""

    name: str
    who: str | None
    permissions: frozenset[str]
    is_person: bool = False
    is_known: bool = True
    is_publishable: bool = False

    def may(self, endpoint: Endpoint) -> bool:
        if endpoint.public or endpoint.payer is not None:
            return True
        if endpoint.permission == SELF:
            return self.is_person
        return endpoint.permission in self.permissions or (self.is_publishable and endpoint.publishable)


@pytest.fixture(scope="module")
def callers(house: House) -> list[Caller]:
    org_id = house.organisation("Everybody's")
    roles = {**ROLES, **OWN_ROLES, PLATFORM_ADMIN: PLATFORM_ADMIN_PERMISSIONS}
    found = [Caller(name, house.person(org_id, name, may), may, is_person=True) for name, may in roles.items()]
    found += [
        Caller("secret key", house.key(org_id), OF_KEYS),
        Caller("live secret key", house.key(org_id, livemode=True), OF_KEYS),
        Caller("publishable key", house.key(org_id, "publishable"), frozenset(), is_publishable=True),
    ]
    for permission in sorted(OF_KEYS):
        key = house.key(org_id, "restricted", permissions=[permission])
        found.append(Caller(f"key for {permission}", key, frozenset({permission})))
        rest = OF_KEYS - {permission}
        key = house.key(org_id, "restricted", permissions=sorted(rest))
        found.append(Caller(f"key for all but {permission}", key, rest))
    just_now = house.runtime.clock.now_microseconds() - MICROSECONDS_PER_SECOND
    nobody = frozenset[str]()
    found += [
        Caller("nobody", None, nobody, is_known=False),
        Caller("expired key", house.key(org_id, expires=just_now), nobody, is_known=False),
        Caller("a key of nobody", "sk_test_" + "0" * 64, nobody, is_known=False),
    ]
    return found


def complaints(house: House, callers: list[Caller], endpoint: Endpoint) -> Iterator[str]:
    path = path_for_nobody(endpoint.path)
    for caller in callers:
        # A body that is right would be carried out, and change for one caller what the next one finds.
        reply = house.call(endpoint.method, path, caller.who, {"is_nobodys": "member"} if endpoint.writes else None)
        complaint = _complaint(endpoint, caller, reply)
        if complaint:
            yield f"{endpoint.method} {endpoint.path} by {caller.name}: {complaint}"


def _complaint(endpoint: Endpoint, caller: Caller, reply: Reply) -> str | None:
    if caller.may(endpoint):
        return f"turned away with {reply.status} {reply.json}" if reply.is_refusal else None
    if not caller.is_known:
        return None if reply.status == 401 else f"answered with {reply.status} instead of 401"
    if not reply.is_refusal:
        return f"let in, with {reply.status}"
    if reply.status != 403 or endpoint.permission not in reply.error["message"]:
        return f"not told what is missing: {reply.status} {reply.json}"
    return None if reply.error.get("param") == endpoint.permission else f"no permission named: {reply.json}"


def test_exactly_who_has_the_permission_gets_past_the_door(house: House, callers: list[Caller]) -> None:
    assert len(house.endpoints) >= 20
    found = [complaint for endpoint in house.endpoints for complaint in complaints(house, callers, endpoint)]
    assert found == []


def test_the_data_plane_holds_to_the_same_table(house: House, callers: list[Caller]) -> None:
    """But it knows no people: whoever has signed in there needs a key here."""
    keys = [caller for caller in callers if not caller.is_person]
    found = [complaint for endpoint in house.data_endpoints for complaint in complaints(house, keys, endpoint)]
    assert found == []
    people = [caller for caller in callers if caller.is_person]
    for caller in people:
        assert house.call("GET", "/v1/customers", caller.who).status == 401, caller.name


def test_what_is_dangerous_needs_a_fresh_proof_of_who_one_is(house: House) -> None:
    dangerous = [endpoint for endpoint in house.endpoints if endpoint.needs_proof]
    assert dangerous
    everything = frozenset().union(*ROLES.values()) | PLATFORM_ADMIN_PERMISSIONS
    stale = house.person(house.organisation(), "owner", everything, proved_at=LONG_AGO)
    for endpoint in dangerous:
        reply = house.call(endpoint.method, path_for_nobody(endpoint.path), stale, body_for(endpoint))
        assert (reply.status, reply.error.get("code")) == (403, "step_up_required"), endpoint.path


def test_a_suspended_organisations_keys_and_people_are_refused_and_the_platform_still_sees_it(house: House) -> None:
    suspended, other = house.merchant("Suspended"), house.merchant("Other")
    platform = house.person(other.org_id, PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS | {"platform.write"})
    one = f"/api/v1/platform/organisations/{suspended.org_id}"
    callers = {"/v1/customers": suspended.secret_key, "/api/v1/org/terms": suspended.secret_key}
    people = ["/api/v1/org/terms", "/api/v1/wallets", "/api/v1/members"]
    assert house.call("POST", f"{one}/suspend", platform, {"reason": "test"}).status == 200
    replies = [house.call("GET", path, key) for path, key in callers.items()]
    replies += [suspended.call("GET", path) for path in people]
    for reply in replies:
        assert (reply.status, reply.error.get("code")) == (403, "organisation_suspended")
        assert "suspended" in reply.error["message"]
    assert suspended.call("GET", "/api/v1/auth/me").status == 200, "what is a person's own stays so"
    assert other.call("GET", "/api/v1/wallets").status == 200
    assert house.call("GET", one, platform).json["suspended"]
    looking = house.person(suspended.org_id, PLATFORM_ADMIN)
    assert house.call("GET", "/api/v1/wallets", looking).status == 200, "its books remain"
    assert house.call("POST", f"{one}/resume", platform, {}).status == 200
    assert house.call("GET", "/v1/customers", suspended.secret_key).status == 200
    assert suspended.call("GET", "/api/v1/wallets").status == 200


def test_nobody_gives_away_a_role_that_may_more_than_they(house: House) -> None:
    clerk_may = frozenset({"members.read", "members.write", "roles.read"})
    merchant = house.merchant("Roles")
    clerk = house.person(merchant.org_id, "own: clerk", clerk_may)
    admin = house.person(merchant.org_id, "admin")
    for who, roles in ((clerk, ["owner", "admin", "developer", "viewer"]), (admin, ["owner", PLATFORM_ADMIN])):
        for role in roles:
            body = {"email": "guest@example.com", "role": role}
            for method, path, sent in (
                ("POST", "/api/v1/invitations", body),
                ("PUT", f"/api/v1/members/{merchant.user_id}", {"role": role}),
            ):
                reply = house.call(method, path, who, sent)
                assert reply.status in (400, 403), (role, path, reply.json)
