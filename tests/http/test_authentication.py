"""From the Authorization header to the key in it, and what of it may be shown."""

import base64

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bursar.http.authentication import KEY_LENGTH_MAX, Principal, masked, read_api_key
from bursar.kit.errors import AuthenticationFailed, PermissionMissing

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=KEY_LENGTH_MAX)


@settings(deadline=None)
@given(printable, st.sampled_from([b"Bearer ", b"bearer ", b"BEARER   "]))
def test_a_bearer_key_is_read_as_it_is(key: str, scheme: bytes) -> None:
    assert read_api_key(scheme + key.encode()) == key


@settings(deadline=None)
@given(printable.filter(lambda key: ":" not in key), st.text(max_size=20))
def test_the_user_name_of_basic_is_the_key(key: str, password: str) -> None:
    encoded = base64.b64encode(f"{key}:{password}".encode())
    assert read_api_key(b"Basic " + encoded) == key


@settings(deadline=None, max_examples=300)
@given(st.none() | st.binary() | st.binary().map(b"Basic ".__add__) | st.binary().map(b"Bearer ".__add__))
@example(b"Basic ====")
@example(b"Basic \xff")
@example(b"Bearer")
def test_any_header_is_read_or_refused(header: bytes | None) -> None:
    try:
        assert 0 < len(read_api_key(header)) <= KEY_LENGTH_MAX
    except AuthenticationFailed as refusal:
        assert refusal.status == 401
        assert refusal.message


@settings(deadline=None)
@given(st.sampled_from(["sk_test_", "rk_live_", ""]), st.text("0123456789abcdef", min_size=1, max_size=100))
def test_no_more_than_four_characters_of_a_secret_are_shown(prefix: str, secret: str) -> None:
    shown = masked(prefix + secret)
    assert shown.removeprefix(prefix) in ("*" * 8 + secret[-4:], "*" * 8)
    assert len(prefix + secret) >= 16 or shown == "*" * 8


def test_a_principal_may_only_what_is_listed() -> None:
    restricted = Principal("acct_1", 0, "key_1", "restricted", frozenset({"customers.read"}))
    restricted.require("customers.read", publishable=False)
    for permission in ("customers.write", "events.read", ""):
        with pytest.raises(PermissionMissing):
            restricted.require(permission, publishable=True)
    unknown = Principal("acct_1", 0, "key_1", "administrator")
    with pytest.raises(PermissionMissing):
        unknown.require("customers.read", publishable=True)


def test_a_publishable_key_may_only_where_publishable_keys_are_let_in() -> None:
    publishable = Principal("acct_1", 0, "key_1", "publishable", frozenset({"customers.read"}))
    publishable.require("customers.read", publishable=True)
    with pytest.raises(PermissionMissing):
        publishable.require("customers.read", publishable=False)
