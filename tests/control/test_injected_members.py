"""Nobody chooses by a member of the body what follows from who they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from bursar.http.endpoint import Endpoint
from bursar.kit.permissions import PLATFORM_ADMIN_PERMISSIONS, ROLES
from tests.control.house import House
from tests.control.makers import body_for, path_for_nobody, payer_path

INJECTED: Mapping[str, object] = {
    "id": "acct_1",
    "org_id": "acct_bursardevelopment",
    "organisation": "acct_bursardevelopment",
    "organization": "acct_bursardevelopment",
    "status": "succeeded",
    "role": "owner",
    "roles": ["owner"],
    "permissions": ["platform.write"],
    "livemode": True,
    "amount_captured": 1,
    "amount_refunded": 1,
    "balance": 1,
    "paid": True,
    "created": 1,
    "version": 1,
    "suspended": None,
    "platform_admin": True,
    "email_verified": True,
    "key_hash": "0",
    "user_id": "usr_1",
    "__proto__": {},
    "$where": "1",
}
# Members of these names that endpoints do have, and why nobody gets by them what is not theirs.
MEANT: dict[tuple[str, str], set[str]] = {
    # No more than the person has themselves.
    ("POST", "/api/v1/api-keys"): {"permissions"},
    ("PUT", "/api/v1/api-keys/{api_key}"): {"permissions"},
    ("POST", "/api/v1/roles"): {"permissions"},
    ("PUT", "/api/v1/roles/{role}"): {"permissions"},
    ("POST", "/api/v1/invitations"): {"role"},
    ("PUT", "/api/v1/members/{user}"): {"role"},
    # One of those that the person belongs to.
    ("POST", "/api/v1/auth/passkeys/sign-in"): {"organisation"},
    ("POST", "/api/v1/auth/switch"): {"organisation"},
    ("POST", "/api/v1/org/login"): {"organisation"},
    # It lists, and these say which.
    ("POST", "/api/v1/txn/transaction"): {"created", "status"},
    ("POST", "/api/v1/webhook-endpoints/{webhook_endpoint}/replay"): {"created", "status"},
    # The name of a new one.
    ("POST", "/api/v1/org/register"): {"organization"},
}
MEANT_ON_V1: dict[tuple[str, str], set[str]] = {
    ("POST", "/v1/customers"): {"balance"},
    ("POST", "/v1/customers/{customer}"): {"balance"},
}


def test_no_endpoint_takes_a_member_that_it_should_decide_itself(house: House) -> None:
    declared = {
        (endpoint.method, endpoint.path): found
        for endpoint in [*house.endpoints, *house.data_endpoints]
        if endpoint.writes and (found := INJECTED.keys() & set(endpoint.params.__struct_encode_fields__))
    }
    assert declared == MEANT | MEANT_ON_V1, "say in the table why it is harmless"


def test_injected_members_are_refused_on_every_endpoint_of_both_surfaces(house: House) -> None:
    org_id = house.organisation("Injected")
    everything = frozenset().union(*ROLES.values()) | PLATFORM_ADMIN_PERMISSIONS
    person, key = house.person(org_id, "owner", everything), house.key(org_id)
    payee = house.merchant("Payee")
    before = house.rows_of(org_id)
    found = []
    for endpoint in [*house.endpoints, *house.data_endpoints]:
        who = key if endpoint.surface == "data" else person
        for name, value in INJECTED.items():
            if name in endpoint.params.__struct_encode_fields__:
                continue
            # The address alone says who is paid, before anything is read.
            path = (
                payer_path(payee, endpoint.method, endpoint.path) if endpoint.payer else path_for_nobody(endpoint.path)
            )
            found += _complaints(house, endpoint, path, who, name, value)
    assert found == []
    assert house.rows_of(org_id) == before


def _complaints(house: House, endpoint: Endpoint, path: str, who: str, name: str, value: object) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value)
    if endpoint.writes:
        replies = {
            "alone": house.call(endpoint.method, path, who, {name: value}),
            "in JSON": house.call(endpoint.method, path, who, {**(body_for(endpoint) or {}), name: value}),
            "in a form": house.call(endpoint.method, path, who, urlencode({name: text}).encode()),
        }
    else:
        replies = {"in the query": house.call(endpoint.method, f"{path}?{urlencode({name: text})}", who)}
    return [
        f"{endpoint.method} {endpoint.path} with {name} {where}: {reply.status} {reply.json}"
        for where, reply in replies.items()
        if (reply.status, reply.error.get("code"), reply.error.get("param")) != (400, "parameter_unknown", name)
    ]
