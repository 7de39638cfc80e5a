"""L8 in both directions: what the bank's own journal says of one payment is what we say. Pure.

What is younger than a minute, not known here yet, or not told us by the bank yet, is open and no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bursar.books.schemas import AttemptRow, BankDisputeRow, BankOperation, Case
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.ids import created_microseconds
from bursar.ledger.verification import Finding

YOUNG_SECONDS = 60


class Open(NamedTuple):
    """Not known to be wrong, and not known to be right."""

    subject: str
    problem: str


class Times(NamedTuple):
    """When the rows were read, in microseconds."""

    now: int

    def is_young(self, microseconds: int) -> bool:
        return microseconds >= self.now - YOUNG_SECONDS * MICROSECONDS_PER_SECOND


def check_open(case: Case) -> Iterator[Open]:
    for attempt in case.attempts.values():
        if attempt.is_open:
            said = f"{attempt.kind} of {attempt.amount_minor} {attempt.currency} for {attempt.subject_id}"
            yield Open(attempt.id, f"{said} is {attempt.state}")


def check_bank(case: Case, times: Times) -> Iterator[Finding | Open]:
    by_reference: dict[str, list[BankOperation]] = {}
    for operation in case.bank:
        if operation.kind != "reversal":
            by_reference.setdefault(operation.reference, []).append(operation)
    for attempt in case.attempts.values():
        operations = by_reference.pop(attempt.id, [])
        problem = _difference(case, attempt, operations)
        if problem is None:
            continue
        is_open = attempt.is_open or times.is_young(created_microseconds(attempt.id))
        is_open = is_open or any(_may_change(operation, times) for operation in operations)
        yield Open(attempt.id, problem) if is_open else Finding("L8", attempt.id, problem)
    for reference, operations in by_reference.items():
        for operation in operations:
            if operation.stands:
                said = f"the bank did {_described(operation)}, of which nothing is known here"
                is_open = _may_change(operation, times)
                yield Open(reference, said) if is_open else Finding("L8", reference, said)
    yield from _check_disputes(case, times)


def _difference(case: Case, attempt: AttemptRow, operations: list[BankOperation]) -> str | None:
    """In which way the bank says otherwise of an operation; None where both say the same."""
    standing = [operation for operation in operations if operation.stands]
    if len(standing) > 1:
        return f"the bank did it {len(standing)} times"
    if not _stands(case, attempt):
        return f"it is {attempt.state} here, and the bank did {_described(standing[0])}" if standing else None
    if not operations:
        return f"it succeeded here, and the bank knows nothing of it: {attempt.kind} of {_amount(attempt)}"
    if not standing:
        there = "reversed" if operations[0].is_reversed else operations[0].status
        return f"it succeeded here, and is {there} at the bank"
    operation = standing[0]
    # An authorisation that has run out at the bank leaves a void nothing to release.
    is_void = attempt.kind == "void" and not operation.amount_minor
    same = operation.kind == attempt.kind and operation.currency == attempt.currency
    fee = attempt.ending.fee_minor if attempt.ending is not None else 0
    if same and (is_void or operation.amount_minor == attempt.amount_minor) and operation.fee_minor == fee:
        return None
    return f"here it is {attempt.kind} of {_amount(attempt)}, fee {fee}; the bank did {_described(operation)}"


def _stands(case: Case, attempt: AttemptRow) -> bool:
    if attempt.kind != "refund":
        return attempt.has_succeeded
    refund = case.refund_of(attempt)
    return refund is not None and refund.is_kept and not attempt.is_open


def _check_disputes(case: Case, times: Times) -> Iterator[Finding | Open]:
    ours = {dispute.bank_reference: dispute for dispute in case.disputes.values()}
    for told in case.bank_disputes:
        known = ours.pop(told.id, None)
        here = known.withdrawn_minor if known is not None else 0
        if here == told.withdrawn_minor:
            continue
        subject = known.id if known is not None else told.id
        said = f"the bank has taken {told.withdrawn_minor} {told.currency} for its dispute {told.id}, here {here} are"
        yield Open(subject, said) if _may_change(told, times) else Finding("L8", subject, said)
    for dispute in ours.values():
        if dispute.withdrawn_minor:
            said = f"{dispute.withdrawn_minor} were taken for {dispute.bank_reference}, which the bank does not know"
            yield Finding("L8", dispute.id, said)


def _may_change(told: BankOperation | BankDisputeRow, times: Times) -> bool:
    return told.is_untold or times.is_young(told.touched_milliseconds * 1_000)


def _amount(attempt: AttemptRow) -> str:
    return f"{attempt.amount_minor} {attempt.currency}"


def _described(operation: BankOperation) -> str:
    return f"{operation.kind} of {operation.amount_minor} {operation.currency}, fee {operation.fee_minor}"
