"""The journal: what was answered is there, what was not written whole is not, and what was changed is noticed."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piggybank.journal import FolderInUse, Journal, JournalDamaged
from piggybank.records import Record
from tests.piggybank.harness import House


def journal_file(house: House) -> Path:
    return house.folder / "journal.jsonl"


def test_a_torn_last_line_is_cut_off(house: House) -> None:
    first = house.authorize()
    house.authorize(reference="torn")
    house.close()
    whole = journal_file(house).read_bytes()
    for missing in (1, 20, len(whole.splitlines(keepends=True)[-1]) - 1):
        journal_file(house).write_bytes(whole[:-missing])
        house._open()
        assert house.look(first).captured == 1000
        assert house.state.find("org_1:test", "torn") is None
        assert journal_file(house).read_bytes() == b"".join(whole.splitlines(keepends=True)[:-1])
        house.close()
    house._open()
    house.authorize(reference="torn")
    house.again()


def damage(whole: bytes, place: int) -> list[bytes]:
    lines = whole.splitlines(keepends=True)
    middle = place % (len(lines) - 1)
    changed = whole.replace(b'"amount":1000', b'"amount":1001', 1)
    return [
        changed,
        b"".join(lines[:middle] + lines[middle + 1 :]),  # dropped
        b"".join([lines[0], lines[2], lines[1], *lines[3:]]),  # swapped
        b"".join([*lines[: middle + 1], *lines[middle:]]),  # doubled
        whole.replace(b"\n", b"\n\n", 1),
        b"\0" * 100 + b"\n" + whole,
        whole + lines[-1],
        whole + b"\n",
    ]


def test_anything_else_refuses_to_start(house: House) -> None:
    for _ in range(4):
        house.authorize()
    house.close()
    whole = journal_file(house).read_bytes()
    for place in range(3):
        for damaged in damage(whole, place):
            assert damaged != whole
            journal_file(house).write_bytes(damaged)
            with pytest.raises(JournalDamaged, match="line"):
                house._open()
            house.close()
            assert journal_file(house).read_bytes() == damaged, "what is damaged is left for people to look at"
    journal_file(house).write_bytes(whole)
    house._open()


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 3_000))
def test_a_cut_anywhere_leaves_a_bank_that_starts(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    house = House(tmp_path_factory.mktemp("bank"))
    for _ in range(4):
        house.authorize()
    house.close()
    whole = journal_file(house).read_bytes()
    journal_file(house).write_bytes(whole[: cut % len(whole)])
    house._open()
    assert house.journal.last >= 1
    assert house.authorize(reference="r3").status == "approved"
    house.again()
    house.close()


def test_two_processes_cannot_work_on_one_folder(house: House) -> None:
    with pytest.raises(FolderInUse):
        Journal(house.folder)


def test_only_the_owner_may_read_it(house: House) -> None:
    assert journal_file(house).stat().st_mode & 0o077 == 0


def test_no_card_number_and_no_cvc_stand_in_it(house: House) -> None:
    canary, cvc = "4000123456789017", "8675"
    account = house.open_account(cvc="417")
    house.authorize(canary, cvc=cvc, exp_year=2031)
    house.authorize(account["number"], cvc=account["cvc"])
    house.authorize("4000123456789010", cvc=cvc)
    house.close()
    text = journal_file(house).read_text()
    for secret in (canary, "4000123456789010", account["number"], f'"{cvc}"', '"417"', 'cvc":"8675'):
        assert secret not in text
    assert '"bin":"400012","last4":"9017"' in text
    house._open()


def test_those_who_wait_are_told_when_it_is_on_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    told: list[int] = []
    for number in (1, 2, 3):
        journal.append(Record(seq=number, at=0, kind="lapse"))
    journal.when_durable(2, lambda: told.append(2))
    journal.when_durable(3, lambda: told.append(3))
    assert journal.read(3).seq == 3, "readable at once by the bank itself"
    assert journal.durable_lines(0, 10) == []
    assert told == []
    journal.settle(journal.commit())
    assert told == [2, 3]
    assert len(journal.durable_lines(1, 10)) == 2
    journal.when_durable(1, lambda: told.append(1))
    assert told == [2, 3, 1]
    journal.close()


@pytest.mark.slow
def test_a_million_operations_start_in_seconds(tmp_path: Path) -> None:
    house = House(tmp_path)
    for number in range(1_000_000):
        house.authorize(reference=f"pi_{number:024}")
        if number % 5_000 == 0:
            house.journal.settle(house.journal.commit())
    started = time.process_time()
    house.again()
    assert time.process_time() - started < 20
    assert house.state.find("org_1:test", f"pi_{999_999:024}") is not None
    house.close()
    assert journal_file(house).stat().st_size > 10**8
