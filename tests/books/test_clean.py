"""What the server itself has made has no findings."""

import pytest

from bursar.books import repository
from tests.books.world import ORG, World


def test_a_world_that_the_server_made_is_right(world: World) -> None:
    report = world.verified()
    assert (report.findings, report.open) == ([], [])
    assert report.journal is None


def test_it_is_right_by_the_banks_own_journal(world: World) -> None:
    report = world.verified(journal=world.journal())
    assert (report.findings, report.open) == ([], [])
    assert report.journal == "a journal"


def test_the_sums_are_those_of_the_payments(world: World) -> None:
    sums = {of.currency: of for of in world.verified().sums}
    assert set(sums) == {"usd", "jpy"}
    dollars, yen = sums["usd"], sums["jpy"]
    assert (yen.payments, yen.captured_minor, yen.fees_minor, yen.held_minor) == (1, 700, 11, 0)
    # Hold, and what is left of the one that was raised to 3000.
    assert dollars.held_minor == 1_100 + 2_000
    # Eight sales of 2000, and three parts.
    assert dollars.captured_minor == 9 * 2_000 + 3_500 + 1_000 + 700
    assert dollars.refunded_minor == 2 * 500
    assert dollars.disputed_minor == 2_000
    assert (dollars.org_id, dollars.livemode) == (ORG, 0)


def test_reading_a_few_rows_at_a_time_finds_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = world.verified(journal=world.journal())
    monkeypatch.setattr(repository, "ROWS_FETCHED", 3)
    assert world.verified(journal=world.journal()) == expected


def test_an_organisation_without_rows_has_no_books(world: World) -> None:
    report = world.verified(org_id="acct_nobody", journal=world.journal())
    assert (report.sums, report.findings, report.payments) == ([], [], 0)
