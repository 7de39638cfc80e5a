"""A hash proves a row only if no other row gives the same bytes."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bursar.kit.canonical import Value, canonical_bytes, chained_hash

values = st.none() | st.integers() | st.text() | st.sampled_from(["1:", "s1:a", "n", "i1:1", ":", "0"])
rows = st.lists(values, max_size=6)


@settings(deadline=None, max_examples=200)
@given(rows, rows)
@example([1], ["1"])
@example([None], ["n"])
@example([None], [""])
@example(["a", "b"], ["ab"])
@example(["as1:b"], ["a", "b"])
@example([1, 1], [11])
@example([], [None])
def test_two_rows_give_the_same_bytes_only_if_they_are_the_same(one: list[Value], other: list[Value]) -> None:
    assert (canonical_bytes(one) == canonical_bytes(other)) == (one == other)


@settings(deadline=None)
@given(rows)
def test_a_row_can_be_read_back_from_its_bytes(row: list[Value]) -> None:
    """Nothing proves better that no two rows share theirs."""
    assert read(canonical_bytes(row)) == row


def read(raw: bytes) -> list[Value]:
    row: list[Value] = []
    while raw:
        kind, raw = raw[:1], raw[1:]
        if kind == b"n":
            row.append(None)
            continue
        length, _, raw = raw.partition(b":")
        value, raw = raw[: int(length)], raw[int(length) :]
        row.append(int(value) if kind == b"i" else value.decode())
    return row


@settings(deadline=None)
@given(st.tuples(st.text(max_size=70), rows), st.tuples(st.text(max_size=70), rows))
def test_a_link_depends_on_the_row_and_on_the_one_before(
    one: tuple[str, list[Value]], other: tuple[str, list[Value]]
) -> None:
    # Hashes have one length, so that where one ends and the row begins is never in doubt.
    first, second = (chained_hash(previous.ljust(70), row) for previous, row in (one, other))
    same = one[0].ljust(70) == other[0].ljust(70) and one[1] == other[1]
    assert (first == second) == same
