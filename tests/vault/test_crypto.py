"""Sealing: what comes out is what went in, or nothing comes out."""

import base64
import copy
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from bursar.vault import crypto
from bursar.vault.crypto import Nonces, SealBroken

NUMBERS = st.text("0123456789", min_size=12, max_size=19)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
KEYS = st.binary(min_size=32, max_size=32)
PLACES = st.tuples(IDS, st.sampled_from([0, 1]), IDS, st.integers(1, 1_000_000))
Place = tuple[str, int, str, int]


@given(KEYS, NUMBERS, PLACES)
def test_what_was_sealed_is_opened_where_it_belongs(key: bytes, number: str, place: Place) -> None:
    cipher, binding = AESGCM(key), crypto.card_binding(*place)
    sealed = crypto.seal(cipher, number.encode(), binding)
    assert crypto.unseal(cipher, sealed, binding) == number.encode()
    assert number not in sealed
    assert len(sealed) <= 64


@given(PLACES, PLACES)
def test_no_two_places_are_bound_to_the_same_bytes(one: Place, other: Place) -> None:
    assert (crypto.card_binding(*one) == crypto.card_binding(*other)) == (one == other)


@given(PLACES, PLACES)
def test_a_row_that_was_moved_elsewhere_is_not_opened(one: Place, other: Place) -> None:
    cipher = AESGCM(b"k" * 32)
    sealed = crypto.seal(cipher, b"4242424242424242", crypto.card_binding(*one))
    if one != other:
        with pytest.raises(SealBroken):
            crypto.unseal(cipher, sealed, crypto.card_binding(*other))


def test_any_changed_bit_is_noticed() -> None:
    cipher, binding = AESGCM(b"k" * 32), crypto.card_binding("acct_1", 0, "pm_1", 1)
    raw = base64.b64decode(crypto.seal(cipher, b"4242424242424242", binding))
    for position in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            crypto.unseal(cipher, base64.b64encode(bytes(changed)).decode(), binding)


@given(st.text(max_size=80))
def test_what_was_never_sealed_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(SealBroken) as caught:
        crypto.unseal(AESGCM(b"k" * 32), text, b"")
    assert caught.value.args == ()


@given(NUMBERS)
def test_the_same_number_is_never_sealed_alike_twice(number: str) -> None:
    cipher = AESGCM(b"k" * 32)
    assert crypto.seal(cipher, number.encode(), b"") != crypto.seal(cipher, number.encode(), b"")


def test_nonces_never_repeat_not_even_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = Nonces()
    taken = {nonces.take() for _ in range(1_000)}
    assert len(taken) == 1_000
    # A fork has the same memory and another process id.
    forked = copy.deepcopy(nonces)
    in_parent = {nonces.take() for _ in range(300)}
    monkeypatch.setattr(os, "getpid", lambda: -1)
    in_child = {forked.take() for _ in range(300)}
    assert len(in_parent | in_child | taken) == 1_600


@given(KEYS, KEYS, IDS, IDS, NUMBERS, NUMBERS)
def test_a_fingerprint_is_of_one_number_in_one_organisation_under_one_key(
    key: bytes, other_key: bytes, org_id: str, other_org_id: str, number: str, other_number: str
) -> None:
    first = crypto.fingerprint(key, org_id, number)
    second = crypto.fingerprint(other_key, other_org_id, other_number)
    assert (first == second) == ((key, org_id, number) == (other_key, other_org_id, other_number))
    assert first == crypto.fingerprint(key, org_id, number)
    assert len(first) == 16
    assert first.isalnum()
