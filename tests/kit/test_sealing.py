"""What is sealed opens only where it belongs, and by the keys that are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.sealing import SealBroken, Sealing

KEY, OTHER = b"k" * 32, b"o" * 32


@given(plain=st.binary(max_size=200), bound_to=st.lists(st.text(max_size=20) | st.integers() | st.none(), max_size=3))
def test_what_is_sealed_opens_again(plain: bytes, bound_to: list[str | int | None]) -> None:
    sealed = Sealing([KEY]).seal(plain, *bound_to)
    assert Sealing([KEY]).unseal(sealed, *bound_to) == plain
    assert Sealing([OTHER, KEY]).unseal(sealed, *bound_to) == plain, "the key before still opens"


def test_another_key_another_place_and_a_changed_bit_open_nothing() -> None:
    sealed = Sealing([KEY]).seal(b"secret", "usr_1", "totp")
    for sealing, bound_to in (
        (Sealing([OTHER]), ("usr_1", "totp")),
        (Sealing([KEY]), ("usr_2", "totp")),
        (Sealing([KEY]), ("usr_1totp",)),
        (Sealing([KEY]), ()),
    ):
        with pytest.raises(SealBroken):
            sealing.unseal(sealed, *bound_to)
    for place in range(0, len(sealed.rstrip("=")) - 1, 3):  # some bits of the last character are nobody's
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            Sealing([KEY]).unseal(changed, "usr_1", "totp")


@pytest.mark.parametrize("rubbish", ["", "AAAA", "not base64!", "é"])
def test_rubbish_is_no_seal(rubbish: str) -> None:
    with pytest.raises(SealBroken):
        Sealing([KEY]).unseal(rubbish)


def test_the_same_twice_looks_different() -> None:
    sealing = Sealing([KEY])
    assert sealing.seal(b"same") != sealing.seal(b"same")
