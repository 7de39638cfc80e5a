"""Which limits there are, how they are written, and what an endpoint counts as."""

from collections.abc import Mapping
from typing import Any

import pytest

from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.limits.addresses import NOWHERE, client_of
from bursar.limits.rules import DEFAULTS, DEVELOPMENT_FACTOR, Limit, class_of, read_limit, read_limits


def shape(limit: Limit | None) -> tuple[int, int, int] | None:
    return None if limit is None else (limit.count, limit.seconds, limit.burst)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100/s burst 500", (100, 1, 500)),
        ("10/min", (10, 60, 10)),
        ("5/hour burst 2", (5, 3_600, 2)),
        ("1000/day", (1_000, 86_400, 1_000)),
        ("off", None),
    ],
)
def test_limits_are_written_as_people_say_them(text: str, expected: tuple[int, int, int] | None) -> None:
    assert shape(read_limit("key.read", text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "100", "0/s", "10/s burst 0", "-1/s", "10/week", "1.5/s", "10 /s", "99999999/s", "1/s burst 9999999", "OFF"],
)
def test_what_is_no_limit_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"key\.read"):
        read_limit("key.read", text)


def test_a_setting_changes_what_it_names_and_nothing_else() -> None:
    limits = read_limits("key.payments=100/s burst 500; address.sign_in = off;")
    defaults = read_limits("")
    assert shape(limits["key.payments"]) == (100, 1, 500)
    assert limits["address.sign_in"] is None
    for name in DEFAULTS.keys() - {"key.payments", "address.sign_in"}:
        assert shape(limits[name]) == shape(defaults[name])


def test_off_is_off_for_everything() -> None:
    limits = read_limits("off")
    assert limits.keys() == DEFAULTS.keys()
    assert not any(limits.values())


@pytest.mark.parametrize("text", ["payments=1/s", "key.sign_ins=1/s", "key.payments", "off; key.read=1/s"])
def test_a_setting_that_names_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        read_limits(text)


def test_in_dev_mode_nobody_meets_a_limit_by_accident() -> None:
    usual, generous = read_limits(""), read_limits("", development=True)
    for name, limit in usual.items():
        other = generous[name]
        if limit is None:
            assert other is None
        else:
            assert other is not None
            assert (other.count, other.burst) == (limit.count * DEVELOPMENT_FACTOR, limit.burst * DEVELOPMENT_FACTOR)
    assert shape(read_limits("address.sign_in=2/min", development=True)["address.sign_in"]) == (2, 60, 2)


def test_a_merchants_servers_have_no_limit_unless_one_is_set() -> None:
    limits = read_limits("")
    assert [limits[f"key.{name}"] for name in ("read", "write", "payments")] == [None, None, None]


async def _handler(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


async def _payer(_path: Mapping[str, str]) -> Principal:
    raise AssertionError("nothing here is called")


@pytest.mark.parametrize(
    ("method", "path", "options", "expected"),
    [
        ("GET", "/v1/payment_intents", {"permission": "payment_intents.read"}, "read"),
        ("POST", "/v1/payment_intents", {"permission": "payment_intents.write"}, "payments"),
        ("POST", "/v1/refunds", {"permission": "refunds.write"}, "payments"),
        ("POST", "/v1/customers", {"permission": "customers.write"}, "write"),
        ("DELETE", "/v1/customers/{customer}", {"permission": "customers.write"}, "write"),
        ("PUT", "/api/v1/org/profile", {"permission": "organisation.write"}, "write"),
        ("POST", "/api/v1/org/register", {"public": True}, "registration"),
        ("POST", "/api/v1/org/login", {"public": True}, "sign_in"),
        ("POST", "/signin", {"public": True}, "sign_in"),
        ("POST", "/api/v1/auth/step-up", {"permission": "self"}, "sign_in"),
        ("POST", "/api/v1/auth/password", {"permission": "self"}, "sign_in"),
        ("PUT", "/api/v1/auth/me", {"permission": "self"}, "write"),
        ("POST", "/api/v1/auth/switch", {"permission": "self"}, "write"),
        ("POST", "/api/v1/auth/passkeys/options", {"public": True}, "write"),
        ("POST", "/api/v1/auth/refresh", {"public": True}, "write"),
        ("GET", "/api/v1/auth/keys", {"public": True}, "read"),
        ("GET", "/api/v1/audit/export", {"permission": "audit.read"}, "export"),
        ("POST", "/api/v1/txn/payment-session/{wallet}", {"payer": _payer}, "sessions"),
        ("POST", "/api/v1/payments", {"permission": "payment_intents.write"}, "payments"),
    ],
)
def test_an_endpoint_counts_as_what_it_does(method: str, path: str, options: dict[str, Any], expected: str) -> None:
    endpoint = Endpoint(method, path, _handler, "", options.pop("permission", "self"), Params, **options)
    assert class_of(endpoint) == expected


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("no:address", "no:address"),
        (None, NOWHERE),
    ],
)
def test_an_ipv6_customer_counts_once_whatever_address_of_theirs_they_use(address: str | None, client: str) -> None:
    assert client_of(address) == client
