"""The bank's own journal is held against the books in both directions."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bursar.attempts.tables import attempts
from bursar.books.journal import JournalUnusable, of_bank, of_file
from bursar.books.service import Report
from bursar.disputes.tables import disputes
from bursar.payments.tables import charges
from tests.books.plants import altered, attempt_of, behind, change, entries_of, rows, the, without
from tests.books.world import ORG, Journal, World
from tests.wire.harness import RunningServer

MERCHANT = f"{ORG}:test"
LONG_AGO = 1_000_000_000_000  # milliseconds


def operation(world: World, name: str, kind: str = "authorize") -> str:
    with world.engines.reading.connect() as connection:
        reference: str = attempt_of(connection, world, name, kind).id
        return reference


def named(report: Report) -> list[tuple[str, str]]:
    return [(finding.rule, finding.subject) for finding in report.findings]


def sale(world: World) -> str:
    return operation(world, "sale")


def declined(world: World) -> str:
    return operation(world, "declined")


ALTERED: dict[str, tuple[Callable[[World], str], Callable[[Journal, str], Journal], str]] = {
    "the bank charged what we call failed": (
        declined,
        lambda journal, reference: altered(journal, reference, status="approved", amount=2_000, fee=30),
        "declined here, and the bank did authorize of 2000 usd, fee 30",
    ),
    "the bank does not know what we call paid": (sale, without, "the bank knows nothing of it"),
    "the bank declined what we call paid": (
        sale,
        lambda journal, reference: altered(journal, reference, status="declined"),
        "is declined at the bank",
    ),
    "the bank charged another amount": (
        sale,
        lambda journal, reference: altered(journal, reference, amount=2_001),
        "the bank did authorize of 2001 usd",
    ),
    "the bank charged another currency": (
        sale,
        lambda journal, reference: altered(journal, reference, currency="eur"),
        "the bank did authorize of 2000 eur",
    ),
    "the bank took another fee": (
        sale,
        lambda journal, reference: altered(journal, reference, fee=31),
        "the bank did authorize of 2000 usd, fee 31",
    ),
    "the bank did something else": (
        sale,
        lambda journal, reference: altered(journal, reference, kind="capture"),
        "the bank did capture",
    ),
    "the bank charged another merchant": (
        sale,
        lambda journal, reference: altered(journal, reference, merchant=f"{ORG}:live"),
        "the bank knows nothing of it",
    ),
    "the bank gave less back": (
        lambda world: operation(world, "refund of refunded", "refund"),
        lambda journal, reference: altered(journal, reference, amount=400),
        "the bank did refund of 400 usd",
    ),
    "the bank refused a refund that we call made": (
        lambda world: operation(world, "refund of refunded", "refund"),
        lambda journal, reference: altered(journal, reference, status="declined"),
        "is declined at the bank",
    ),
    "the bank captured another part": (
        lambda world: operation(world, "captured in part", "capture"),
        lambda journal, reference: altered(journal, reference, amount=3_499),
        "the bank did capture of 3499 usd",
    ),
    "the bank did it twice": (
        sale,
        lambda journal, reference: behind(
            journal,
            kind="capture",
            merchant=MERCHANT,
            reference=reference,
            status="approved",
            amount=2_000,
            currency="usd",
        ),
        "the bank did it 2 times",
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_what_the_bank_says_otherwise_is_found(name: str, world: World) -> None:
    find, alter, problem = ALTERED[name]
    reference = find(world)
    report = world.verified(journal=alter(world.journal(), reference))
    found = [finding for finding in report.findings if finding.subject == reference]
    assert [finding.rule for finding in found] == ["L8"], report.findings
    assert problem in found[0].problem
    others = [finding for finding in report.findings if finding.subject != reference]
    assert {finding.subject for finding in others} <= {
        f"{ORG}:live"
    }  # who has no books, where the merchant was changed


def test_a_charge_that_is_not_known_here_is_found(world: World) -> None:
    journal = behind(
        world.journal(),
        kind="authorization",
        id="auth_x_999999",
        authorization="auth_x_999999",
        merchant=MERCHANT,
        reference="att_nobody",
        status="approved",
        amount=5_000,
        currency="usd",
        fee=75,
    )
    report = world.verified(journal=journal)
    assert named(report) == [("L8", "att_nobody")]
    assert "authorize of 5000 usd, fee 75, of which nothing is known here" in report.findings[0].problem


def test_a_reversal_undoes_what_stood_and_a_late_approval_brings_it_back(world: World) -> None:
    reference = sale(world)
    journal = world.journal()
    (place,) = entries_of(journal, reference)
    authorisation = journal[place]
    about = {"merchant": MERCHANT, "authorization": authorisation.id}
    reversed_too = behind(
        journal, kind="reversal", reference=f"{reference}_r2", status="approved", undid=authorisation.seq, **about
    )
    report = world.verified(journal=reversed_too)
    assert named(report) == [("L8", reference)]
    assert "is reversed at the bank" in report.findings[0].problem
    assert world.verified(journal=behind(reversed_too, kind="late_approval", **about)).is_clean


def test_what_was_reversed_and_given_up_is_right(world: World) -> None:
    """The bank approved, the answer was lost, and we reversed it: nothing stands on either side."""
    reference = declined(world)
    (place,) = entries_of(world.journal(), reference)
    approved = altered(world.journal(), reference, status="approved", amount=2_000, fee=30)
    journal = behind(
        approved,
        kind="reversal",
        merchant=MERCHANT,
        reference=f"{reference}_r2",
        status="approved",
        authorization=approved[place].id,
        undid=approved[place].seq,
    )
    assert world.verified(journal=journal).is_clean


def test_a_single_operation_that_was_undone_does_not_stand(world: World) -> None:
    reference = operation(world, "refund of refunded", "refund")
    journal = world.journal()
    (place,) = entries_of(journal, reference)
    undone = behind(
        journal,
        kind="reversal",
        merchant=MERCHANT,
        reference=f"{reference}_r2",
        status="approved",
        authorization=journal[place].authorization,
        undid=journal[place].seq,
    )
    assert named(world.verified(journal=undone)) == [("L8", reference)]


def test_what_is_young_is_open(world: World) -> None:
    """As if all had happened within the last minute."""
    journal = altered(world.journal(), sale(world), amount=2_001)
    report = world.verified(journal=journal, seconds_later=-3_600)
    assert report.is_clean
    assert [found.subject for found in report.open] == [sale(world)]


def test_an_old_operation_that_the_bank_changed_a_moment_ago_is_open(world: World) -> None:
    reference = operation(world, "refund of refunded", "refund")
    journal = world.journal()
    (place,) = entries_of(journal, reference)
    late = behind(journal, kind="refund_outcome", status="failed", cause=journal[place].seq, at=2**42)
    report = world.verified(journal=late)
    assert report.is_clean
    assert [found.subject for found in report.open] == [reference]
    old = behind(journal, kind="refund_outcome", status="failed", cause=journal[place].seq, at=LONG_AGO)
    assert named(world.verified(journal=old)) == [("L8", reference)]


def test_what_the_bank_has_not_told_us_yet_is_open(world: World) -> None:
    """Its message is in the journal, and no entry says that it was delivered."""
    dispute_id = world.ids["dispute of disputed"]

    def forgotten(connection: Connection) -> None:
        change(disputes, the("dispute of disputed"), withdrawn_minor=0)(world)(connection)

    assert ("L8", dispute_id) in named(world.verified(forgotten, world.journal()))
    messages = [entry.seq for entry in world.journal() if entry.dispute is not None]
    undelivered = [entry for entry in world.journal() if not (entry.kind == "delivered" and entry.cause in messages)]
    report = world.verified(forgotten, undelivered)
    assert dispute_id in {found.subject for found in report.open}
    assert ("L8", dispute_id) not in named(report)


def test_a_dispute_that_the_bank_does_not_know_is_found(world: World) -> None:
    journal = [entry for entry in world.journal() if entry.dispute is None]
    assert ("L8", world.ids["dispute of disputed"]) in named(world.verified(journal=journal))


def test_a_dispute_that_is_not_known_here_is_found(world: World) -> None:
    with world.engines.reading.connect() as connection:
        (charge,) = rows(connection, charges, id=world.ids["charge of sale"])
    entry = next(entry for entry in world.journal() if entry.dispute is not None and entry.dispute.withdrawn)
    assert entry.dispute is not None
    stranger = behind(
        world.journal(),
        kind="dispute",
        merchant=MERCHANT,
        authorization=charge.bank_reference,
        currency="usd",
        dispute=type(entry.dispute)(id="dp_nobody", withdrawn=2_000),
    )
    assert named(world.verified(journal=stranger)) == [("L8", "dp_nobody")]


def test_a_merchant_without_books_is_found_once(world: World) -> None:
    journal = world.journal()
    for reference in ("att_1", "att_2"):
        journal = behind(journal, kind="authorization", merchant="acct_gone:live", reference=reference)
    report = world.verified(journal=journal)
    assert named(report) == [("L8", "acct_gone:live")]
    assert "2 operations of a merchant who has no books here" in report.findings[0].problem
    assert world.verified(journal=journal, org_id=ORG).is_clean


def test_an_open_operation_that_the_bank_has_carried_out_is_open(world: World) -> None:
    reference = sale(world)

    def forgotten(connection: Connection) -> None:
        """As it is between the bank's answer and the second commit, were there no charge yet."""
        row = connection.execute(select(attempts).where(attempts.c.id == reference)).one()
        connection.execute(
            attempts.insert().values(
                row._asdict() | {"id": "att_lost", "state": "unknown", "next_look": 1, "outcome_document": None}
            )
        )

    journal = behind(
        world.journal(),
        kind="authorization",
        merchant=MERCHANT,
        reference="att_lost",
        status="approved",
        amount=2_000,
        currency="usd",
        fee=30,
    )
    report = world.verified(forgotten, journal)
    assert report.findings == []
    assert [found.subject for found in report.open] == ["att_lost", "att_lost"]


def test_a_line_that_the_bank_has_not_finished_is_none(world: World, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(world.journal_file.read_bytes() + b'{"seq":')
    assert list(of_file(file).read()) == world.journal()


@pytest.mark.parametrize("content", [b"no journal\n", b'{"seq": "one"}\n', b"\xff\n"])
def test_what_is_no_journal_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(content)
    with pytest.raises(JournalUnusable, match=r"line 1 of"):
        list(of_file(file).read())
    with pytest.raises(JournalUnusable, match="cannot be read"):
        list(of_file(tmp_path / "nothing").read())


def test_a_bank_that_is_none_or_away_is_told_of() -> None:
    for url in ("ftp://bank", "http://", "http://127.0.0.1:9"):
        with pytest.raises(JournalUnusable):
            list(of_bank(url, "key").read())


def test_the_journal_over_http_is_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bursar.books import journal
    from bursar.commands.bank_process import read_address

    with RunningServer(tmp_path) as server:
        server.raw(
            "POST", "/v1/payment_intents", body=b"amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa"
        )
        address = read_address(tmp_path / "data")
        entries = list(of_bank(address.url, address.api_key).read())
        monkeypatch.setattr(journal, "PAGE", 1)
        assert list(of_bank(address.url, address.api_key).read()) == entries
        with pytest.raises(JournalUnusable, match="401"):
            list(of_bank(address.url, "another key").read())
    assert entries
    assert list(of_file(tmp_path / "data" / "piggybank" / "data" / journal.FILE_NAME).read())[: len(entries)] == entries
