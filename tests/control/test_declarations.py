"""Every endpoint of `/api/v1` is declared as the guards, the document and these tests need it."""

from __future__ import annotations

from typing import Any, get_origin

import msgspec

from bursar.http.openapi_schemas import alternatives
from bursar.kit.permissions import NAMES, OF_KEYS, ROLES, SELF
from tests.control.house import House

# Served beside `/api/v1`, for those who want the fewest characters.
ELSEWHERE = {"/signin", "/pay"}


def test_every_endpoint_has_a_permission_of_the_catalogue(house: House) -> None:
    needed = {endpoint.permission for endpoint in house.endpoints if not endpoint.public and endpoint.payer is None}
    assert needed <= {*NAMES, SELF}


def test_what_no_key_may_have_no_key_may_do(house: House) -> None:
    for endpoint in house.endpoints:
        assert not endpoint.publishable or endpoint.permission in OF_KEYS, endpoint.path


def test_every_endpoint_says_what_it_does_and_what_it_returns(house: House) -> None:
    for endpoint in house.endpoints:
        assert endpoint.summary and endpoint.summary[0].isupper() and not endpoint.summary.endswith("."), endpoint.path
        for declared in alternatives(endpoint.returns):
            struct: Any = get_origin(declared) or declared
            assert issubclass(struct, msgspec.Struct), endpoint.path


def test_every_member_of_an_answer_is_always_there(house: House) -> None:
    """Null where it is empty: nobody has to ask first whether it is there."""
    found = {
        struct.__name__
        for endpoint in [*house.endpoints, *house.data_endpoints]
        for declared in alternatives(endpoint.returns)
        for struct in _structs(declared)
        if struct.__struct_config__.omit_defaults
    }
    assert found == set()


def test_every_endpoint_refuses_members_that_it_does_not_know(house: House) -> None:
    for endpoint in house.endpoints:
        for struct in _structs(endpoint.params):
            assert struct.__struct_config__.forbid_unknown_fields, f"{endpoint.path}: {struct.__name__}"


def test_every_endpoint_is_where_the_control_plane_is(house: House) -> None:
    for endpoint in house.endpoints:
        assert endpoint.surface == "control", endpoint.path
        assert endpoint.path.startswith(("/api/v1/", "/.well-known/")) or endpoint.path in ELSEWHERE, endpoint.path
        assert endpoint.method in ("GET", "POST", "PUT", "DELETE"), endpoint.path


def test_operations_have_names_of_their_own(house: House) -> None:
    names = [endpoint.operation_id for endpoint in [*house.endpoints, *house.data_endpoints]]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_the_table_of_permissions_is_what_is_declared(house: House) -> None:
    person = house.person(house.organisation())
    rows = {row["id"]: row for row in house.call("GET", "/api/v1/permissions", person).json["data"]}
    assert list(rows) == list(NAMES)
    for endpoint in [*house.endpoints, *house.data_endpoints]:
        if endpoint.public or endpoint.payer is not None or endpoint.permission == SELF:
            continue
        assert {"method": endpoint.method, "path": endpoint.path} in rows[endpoint.permission]["routes"]
    for name, row in rows.items():
        assert row["roles"] == [role for role, permissions in ROLES.items() if name in permissions]
        assert row["keys"] == (name in OF_KEYS)


def _structs(declared: Any) -> list[Any]:
    """The type itself and those of its members."""
    found: list[Any] = []

    def look(node: msgspec.inspect.Type) -> None:
        if isinstance(node, msgspec.inspect.StructType):
            struct = get_origin(node.cls) or node.cls
            if struct not in found:
                found.append(struct)
            elif struct is node.cls:
                return
            for member in node.fields:
                look(member.type)
        elif isinstance(node, msgspec.inspect.UnionType):
            for option in node.types:
                look(option)
        elif isinstance(node, msgspec.inspect.ListType):
            look(node.item_type)
        elif isinstance(node, msgspec.inspect.DictType):
            look(node.value_type)
        elif isinstance(node, msgspec.inspect.Metadata):
            look(node.type)

    look(msgspec.inspect.type_info(declared))
    return found
