"""An organisation's terms: defaults in code, and only what was changed in the store."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from bursar.accounts.tables import organisation_terms
from bursar.accounts.terms import DEFAULTS, REMEMBERED_SECONDS, RequestLimit, TermsService
from bursar.kit.clock import ManualClock
from tests.control.house import LONG_AGO, House

URL = "/api/v1/org/terms"


def stored(house: House, org_id: str) -> dict[str, Any]:
    wanted = select(organisation_terms.c.document).where(organisation_terms.c.org_id == org_id)
    text = house.runtime.store.read_blocking(lambda connection: connection.execute(wanted).scalar())
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def test_whoever_changes_nothing_has_the_defaults_and_no_row(house: House) -> None:
    org_id = house.organisation()
    told = house.call("GET", URL, house.person(org_id)).json
    assert told == {
        "service_fee_percent": "0",
        "service_fee_fixed_minor": {},
        "payment_limit_minor": {},
        "proof_above_minor": {},
        "second_approval_above_minor": {},
        "session_seconds": 600,
        "request_limits": {},
    }
    assert stored(house, org_id) == {}


def test_only_what_was_changed_is_stored_and_null_brings_the_default_back(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    body = {"service_fee_percent": "1.25", "payment_limit_minor": {"EUR": 500_000}, "session_seconds": 900}
    told = house.call("PUT", URL, person, body).json
    assert (told["service_fee_percent"], told["payment_limit_minor"]) == ("1.25", {"eur": 500_000})
    assert stored(house, org_id) == {**body, "payment_limit_minor": {"eur": 500_000}}
    told = house.call("PUT", URL, person, {"service_fee_percent": None}).json
    assert told["service_fee_percent"] == "0"
    assert stored(house, org_id).keys() == {"payment_limit_minor", "session_seconds"}


def test_a_change_is_told_in_the_log_with_what_was_before(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    house.call("PUT", URL, person, {"session_seconds": 900})
    (entry,) = [row for row in house.rows_of(org_id)["events"] if "bursar.terms.updated" in row]
    assert '"session_seconds":900' in entry
    assert '"previous_attributes":{"session_seconds":600}' in entry


def test_a_change_that_changes_nothing_writes_nothing(house: House) -> None:
    org_id = house.organisation()
    person = house.person(org_id)
    house.call("PUT", URL, person, {"session_seconds": 900})
    before = house.rows_of(org_id)
    assert house.call("PUT", URL, person, {"session_seconds": 900}).status == 200
    assert house.rows_of(org_id) == before


def test_a_change_needs_a_fresh_proof(house: House) -> None:
    stale = house.person(house.organisation(), proved_at=LONG_AGO)
    assert house.call("PUT", URL, stale, {"session_seconds": 900}).error["code"] == "step_up_required"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"service_fee_percent": "100.1"}, "service_fee_percent"),
        ({"service_fee_percent": "-1"}, "service_fee_percent"),
        ({"service_fee_percent": "1e1"}, "service_fee_percent"),
        ({"service_fee_percent": 1}, "service_fee_percent"),
        ({"service_fee_fixed_minor": {"xyz": 1}}, "service_fee_fixed_minor[xyz]"),
        ({"payment_limit_minor": {"eur": -1}}, "payment_limit_minor"),
        ({"payment_limit_minor": {"eur": 1, "EUR": 2}}, "payment_limit_minor[EUR]"),
        ({"payment_limit_minor": {"eur": 1.5}}, "payment_limit_minor"),
        ({"session_seconds": 59}, "session_seconds"),
        ({"session_seconds": 86_401}, "session_seconds"),
        ({"request_limits": {"read": {"per_second": 0, "burst": 1}}}, "request_limits[per_second]"),
        ({"request_limits": {"read": {"per_second": 1}}}, "request_limits[burst]"),
        ({"request_limits": {"reads": {"per_second": 1, "burst": 1}}}, "request_limits[reads]"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(house: House, body: dict[str, Any], param: str) -> None:
    reply = house.call("PUT", URL, house.person(house.organisation()), body)
    assert reply.status == 400
    assert reply.error["param"].startswith(param.partition("[")[0])


def test_terms_are_remembered_for_a_few_seconds(house: House) -> None:
    org_id = house.organisation()
    clock = ManualClock()
    service = TermsService(house.runtime.store, clock)
    assert service.peek(org_id) is None
    assert asyncio.run(service.of(org_id)) == DEFAULTS
    house.call("PUT", URL, house.person(org_id), {"request_limits": {"read": {"per_second": 5, "burst": 9}}})
    assert service.peek(org_id) == DEFAULTS
    clock.advance(REMEMBERED_SECONDS)
    assert service.peek(org_id) is None
    assert asyncio.run(service.of(org_id)).request_limits == {"read": RequestLimit(per_second=5, burst=9)}
