"""Ids: their order is the order of creation, and their time can be read back and asked for in ranges."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.kit.clock import MICROSECONDS_PER_SECOND, ManualClock
from bursar.kit.ids import (
    ALPHABET,
    CHANCE_LENGTH,
    ID_LENGTH_MAX,
    TIME_LENGTH,
    IdFactory,
    created_microseconds,
    lowest_id_at,
    may_be_id,
    time_part,
)

MICROSECONDS_MAX = 32**TIME_LENGTH - 1
moments = st.integers(0, MICROSECONDS_MAX)


@settings(deadline=None)
@given(moments)
def test_the_time_in_an_id_can_be_read_back(microseconds: int) -> None:
    assert created_microseconds(f"cus_{time_part(microseconds)}{'z' * CHANCE_LENGTH}") == microseconds


@settings(deadline=None)
@given(moments, moments)
def test_texts_of_times_sort_as_the_times_do(one: int, other: int) -> None:
    assert (time_part(one) < time_part(other)) == (one < other)


@settings(deadline=None)
@given(moments)
def test_a_text_of_time_has_one_length_and_only_letters_that_sort_everywhere(microseconds: int) -> None:
    text = time_part(microseconds)
    assert len(text) == TIME_LENGTH
    assert set(text) <= set(ALPHABET)
    assert list(ALPHABET) == sorted(ALPHABET)


def test_times_before_1970_are_its_beginning() -> None:
    assert time_part(-1) == time_part(0) == "0" * TIME_LENGTH


@settings(deadline=None)
@given(st.integers(0, 32_503_680_000), st.integers(0, MICROSECONDS_PER_SECOND - 1))
def test_a_second_is_a_range_of_ids(second: int, microsecond: int) -> None:
    clock = ManualClock(second * MICROSECONDS_PER_SECOND + microsecond)
    made = IdFactory(clock).new("cus")
    assert lowest_id_at("cus", second) <= made < lowest_id_at("cus", second + 1)
    if second:
        assert made > lowest_id_at("cus", second - 1)


@settings(deadline=None)
@given(st.lists(st.integers(-5_000_000, 5_000_000), min_size=2, max_size=50))
def test_ids_rise_even_when_the_clock_steps_back(steps: list[int]) -> None:
    clock = ManualClock()
    factory = IdFactory(clock)
    made = []
    for step in steps:
        clock.microseconds += step
        object_id, microseconds = factory.new_with_time("evt")
        assert created_microseconds(object_id) == microseconds
        made.append(object_id)
    assert made == sorted(set(made))


def test_ids_rise_above_what_another_process_made() -> None:
    clock = ManualClock()
    factory = IdFactory(clock)
    clock.advance(60)
    later = IdFactory(clock).new("evt")
    clock.advance(-60)
    factory.never_before(later)
    assert factory.new("evt") > later


def test_ids_are_unique_and_rise_across_threads() -> None:
    factory = IdFactory()
    made: list[list[str]] = [[] for _ in range(8)]
    start = threading.Barrier(len(made))

    def work(mine: list[str]) -> None:
        start.wait()
        mine.extend(factory.new("cus") for _ in range(5_000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set().union(*made)) == 8 * 5_000
    assert all(mine == sorted(mine) for mine in made)


def test_ids_of_two_factories_at_one_moment_differ() -> None:
    clock = ManualClock()
    assert len({IdFactory(clock).new("cus") for _ in range(1_000)}) == 1_000


def test_the_chance_in_an_id_uses_every_letter_about_as_often() -> None:
    factory = IdFactory()
    letters = "".join(factory.new("x")[-CHANCE_LENGTH:] for _ in range(8_000))
    expected = len(letters) / len(ALPHABET)
    # Twelve standard deviations: chance never gets there, a biased table does.
    assert all(abs(letters.count(letter) - expected) < 12 * expected**0.5 for letter in ALPHABET)


def test_an_id_with_the_longest_prefix_fits_its_column() -> None:
    assert len(IdFactory().new("x" * 15)) <= ID_LENGTH_MAX


@pytest.mark.parametrize("text", ["", "\x00", "é", "a b", "a\n", "\x7f", "x" * 101])
def test_what_no_column_of_ids_can_hold_is_no_id(text: str) -> None:
    assert not may_be_id(text)


def test_every_id_of_ours_may_be_one() -> None:
    assert may_be_id(IdFactory().new("cus"))
