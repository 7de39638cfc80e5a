"""What must be true of the money of one payment. Pure: a case goes in, findings come out.

L4 limits are respected, holds included · L5 what is captured is what was posted as such · L6 refunds and chargebacks
are no more than was captured, nor that than was authorised · L8 each operation that succeeded has exactly one group of
postings, and each group its operation · L10 one that did not succeed has none, and changed no amount.
"""

from __future__ import annotations

from collections.abc import Iterator

from bursar.books.schemas import AttemptRow, Case, ChargeRow, Group, RefundRow
from bursar.ledger.verification import Finding

# Groups that the bank brought about by itself, or that undo another group, have no operation of ours.
WITHOUT_OPERATION = frozenset({"adjustment", "refund_failure"})
PAYMENTS = "pi_"
# Such transactions say how much of a charge was captured, less what the bank undid of it.
CAPTURES = frozenset({"charge", "payment_reversal"})


def check_money(case: Case) -> Iterator[Finding]:
    for charge in case.charges.values():
        yield from _check_limits(case, charge)
        yield from _check_captured(case, charge)
        yield from _check_given_back(case, charge)
    for refund in case.refunds.values():
        yield from _check_refund(case, refund)
    for dispute in case.disputes.values():
        taken = sum(group.disputed_minor for group in case.groups_of(dispute.id))
        fee = sum(group.fee_minor for group in case.groups_of(dispute.id))
        if taken != dispute.withdrawn_minor:
            yield Finding("L6", dispute.id, f"{dispute.withdrawn_minor} were taken back, its postings say {taken}")
        if fee != (dispute.fee_minor if dispute.withdrawn_minor else 0):
            yield Finding("L6", dispute.id, f"its fee is {dispute.fee_minor}, its postings say {fee}")
    yield from _check_received(case)
    for group in case.groups.values():
        if group.held_minor and group.hold_id not in case.charges:
            yield Finding(
                "L4", group.transaction_id, f"{group.held_minor} held for {group.hold_id}, which is no charge"
            )


def check_operations(case: Case) -> Iterator[Finding]:
    for attempt in case.attempts.values():
        yield from _check_attempt(case, attempt)
    for charge in case.charges.values():
        yield from _check_maker(case, charge)
    for group in case.groups.values():
        if group.operation_id is None:
            is_known = group.source is not None and group.source.type in WITHOUT_OPERATION
            if not is_known and not _is_expiry(group):
                yield Finding("L8", group.transaction_id, f"no operation posted this: {_described(group)}")
        elif group.operation_id not in case.attempts:
            said = f"posted by {group.operation_id}, which is no operation of this payment: {_described(group)}"
            yield Finding("L8", group.transaction_id, said)


def succeeded(case: Case, attempt: AttemptRow) -> bool:
    """Whether it must have moved what it was for. A refund can fail after it had succeeded: its group stays."""
    if attempt.kind != "refund":
        return attempt.has_succeeded
    refund = case.refund_of(attempt)
    return refund is not None and refund.told is not None and refund.told.balance_transaction is not None


def is_released(case: Case, charge: ChargeRow) -> bool:
    """Whether what was authorised and not captured is the cardholder's again."""
    is_canceled = case.intent is not None and case.intent.status == "canceled"
    is_closed = charge.told is not None and bool(charge.told.captured)
    return charge.status == "succeeded" and (is_canceled or is_closed)


def expiries(case: Case, charge: ChargeRow) -> int:
    """How often the bank let go of what it held, by itself."""
    return sum(group.hold_id == charge.id and _is_expiry(group) for group in case.groups.values())


def _check_limits(case: Case, charge: ChargeRow) -> Iterator[Finding]:
    held = sum(group.held_minor for group in case.groups.values() if group.hold_id == charge.id)
    capturable = 0
    if case.intent is not None and case.intent.told is not None and case.intent.told.latest_charge == charge.id:
        capturable = case.intent.told.amount_capturable or 0
    if held != capturable:
        yield Finding("L4", charge.id, f"{held} are held, where the payment intent can capture {capturable}")
    if charge.captured_minor + held > charge.amount_minor:
        said = f"{charge.captured_minor} captured and {held} held of {charge.amount_minor}"
        yield Finding("L4", charge.id, f"{said} that were authorised")
    if charge.refunded_minor + charge.disputed_minor > charge.captured_minor:
        said = f"{charge.refunded_minor} refunded and {charge.disputed_minor} disputed"
        yield Finding("L4", charge.id, f"{said} of {charge.captured_minor} that were captured")
    refunds = [refund for refund in case.refunds.values() if refund.charge == charge.id]
    kept = sum(refund.amount_minor for refund in refunds if refund.is_kept)
    if kept != charge.refunded_minor:
        yield Finding("L4", charge.id, f"{charge.refunded_minor} are kept for refunds of {kept}")
    taken = sum(dispute.withdrawn_minor for dispute in case.disputes.values() if dispute.charge == charge.id)
    if taken != charge.disputed_minor:
        yield Finding("L4", charge.id, f"{charge.disputed_minor} are kept for disputes of {taken}")


def _check_captured(case: Case, charge: ChargeRow) -> Iterator[Finding]:
    posted = sum(
        group.captured_minor
        for group in case.groups_of(charge.id)
        if group.source is not None and group.source.type in CAPTURES
    )
    told = charge.told.amount_captured if charge.told is not None else None
    if not posted == charge.captured_minor == told:
        said = f"its document says {told} captured, its row {charge.captured_minor}"
        yield Finding("L5", charge.id, f"{said}, its postings {posted}")
    transaction = charge.told.balance_transaction if charge.told is not None else None
    if transaction is not None and transaction not in {group.transaction_id for group in case.groups_of(charge.id)}:
        yield Finding("L5", charge.id, f"its balance transaction {transaction} is not one that was posted for it")


def _check_received(case: Case) -> Iterator[Finding]:
    intent = case.intent
    if intent is None or intent.told is None or intent.amount_minor is None:
        return
    captured = sum(charge.captured_minor for charge in case.charges.values())
    if intent.told.amount_received != captured:
        yield Finding("L5", intent.id, f"{intent.told.amount_received} received, its charges captured {captured}")
    if intent.status == "succeeded" and not captured:
        yield Finding("L5", intent.id, "it has succeeded, and nothing was captured")
    if intent.told.amount_capturable and intent.told.latest_charge not in case.charges:
        yield Finding("L4", intent.id, f"{intent.told.amount_capturable} can be captured of no charge")


def _check_given_back(case: Case, charge: ChargeRow) -> Iterator[Finding]:
    refunds = [refund for refund in case.refunds.values() if refund.charge == charge.id]
    disputes = [dispute for dispute in case.disputes.values() if dispute.charge == charge.id]
    refunded = -sum(group.captured_minor for refund in refunds for group in case.groups_of(refund.id))
    disputed = sum(group.disputed_minor for dispute in disputes for group in case.groups_of(dispute.id))
    authorised = charge.amount_minor if charge.status == "succeeded" else 0
    if not refunded + disputed <= charge.captured_minor <= authorised:
        said = f"{refunded} refunded and {disputed} charged back of {charge.captured_minor} captured"
        yield Finding("L6", charge.id, f"{said} of {authorised} authorised")
    if charge.told is None:
        return
    given = sum(refund.amount_minor for refund in refunds if refund.status == "succeeded")
    released = charge.amount_minor - charge.captured_minor if is_released(case, charge) else 0
    if charge.told.amount_refunded != given + released:
        said = f"its document says {charge.told.amount_refunded} refunded; {given} were, and {released} released"
        yield Finding("L6", charge.id, said)


def _check_refund(case: Case, refund: RefundRow) -> Iterator[Finding]:
    posted = -sum(group.captured_minor for group in case.groups_of(refund.id))
    expected = refund.amount_minor if refund.status == "succeeded" else 0
    if posted != expected:
        yield Finding("L6", refund.id, f"it is {refund.status} with {expected} given back, its postings say {posted}")
    if refund.charge not in case.charges:
        yield Finding("L6", refund.id, f"it refunds {refund.charge}, which is not there")
    attempt = case.attempts.get(refund.attempt_id)
    if attempt is None:
        yield Finding("L8", refund.id, f"made by {refund.attempt_id}, which is no operation of this payment")
    elif refund.status == "succeeded" and attempt.state != "succeeded":
        yield Finding("L10", refund.id, f"it has succeeded, and its operation {attempt.id} is {attempt.state}")


def _check_attempt(case: Case, attempt: AttemptRow) -> Iterator[Finding]:
    groups = case.groups_by_operation(attempt.id)
    if attempt.ending is not None and attempt.ending.kind == "unreadable":
        yield Finding("L8", attempt.id, "how it ended cannot be read")
        return
    if not succeeded(case, attempt):
        if groups and attempt.is_open:
            yield Finding("L8", attempt.id, f"it is open, and has postings: {_described(groups[0])}")
        elif groups:
            yield Finding("L10", attempt.id, f"it is {attempt.state}, and has postings: {_described(groups[0])}")
        return
    if attempt.is_first and case.root.startswith(PAYMENTS) and attempt.id not in _makers(case):
        yield Finding("L8", attempt.id, f"it succeeded, and there is no charge: {_ordered(attempt)}")
    if attempt.amount_minor == 0:
        if groups:
            yield Finding("L8", attempt.id, f"it moved nothing, and has postings: {_described(groups[0])}")
    elif not groups:
        yield Finding("L8", attempt.id, f"it succeeded, and nothing was posted: {_ordered(attempt)}")
    elif len(groups) == 1 and not _matches(attempt, groups[0]):  # more than one is named where postings are walked
        yield Finding("L8", attempt.id, f"it did {_ordered(attempt)}; posted is {_described(groups[0])}")


def _matches(attempt: AttemptRow, group: Group) -> bool:
    amount, held = attempt.amount_minor, group.held_minor
    is_sale = attempt.is_first and attempt.order.capture
    fee = attempt.ending.fee_minor if attempt.ending is not None else 0
    if group.currency != attempt.currency or group.disputed_minor:
        return False
    if is_sale:
        return (group.captured_minor, held, group.fee_minor) == (amount, 0, fee)
    if attempt.kind == "capture":
        # The last one releases what it leaves.
        holds = held <= -amount if attempt.order.final else held == -amount
        return (group.captured_minor, group.fee_minor) == (amount, fee) and holds
    if group.fee_minor:
        return False
    if attempt.kind == "refund":
        return (group.captured_minor, held) == (-amount, 0)
    if group.captured_minor:
        return False
    if attempt.kind == "increment":  # the attempt names the new total
        return 0 < held < amount
    return held == (-amount if attempt.kind == "void" else amount)


def _check_maker(case: Case, charge: ChargeRow) -> Iterator[Finding]:
    """A charge is what became of one operation, good or bad."""
    attempt = case.attempts.get(charge.attempt_id)
    if attempt is None:
        yield Finding("L8", charge.id, f"made by {charge.attempt_id}, which is no operation of this payment")
        return
    moved = charge.captured_minor or charge.refunded_minor or charge.disputed_minor
    if attempt.has_succeeded and charge.status != "succeeded":
        yield Finding("L8", charge.id, f"it is {charge.status}, and its operation {attempt.id} succeeded")
    elif not attempt.has_succeeded and (charge.status == "succeeded" or moved):
        said = f"it is {charge.status} with {charge.captured_minor} captured"
        yield Finding("L10", charge.id, f"{said}, and its operation {attempt.id} is {attempt.state}")


def _is_expiry(group: Group) -> bool:
    moved = group.captured_minor or group.fee_minor or group.disputed_minor
    return group.operation_id is None and group.source is None and group.held_minor < 0 and not moved


def _makers(case: Case) -> set[str]:
    return {charge.attempt_id for charge in case.charges.values()}


def _ordered(attempt: AttemptRow) -> str:
    fee = attempt.ending.fee_minor if attempt.ending is not None else 0
    return f"{attempt.kind} of {attempt.amount_minor} {attempt.currency} with a fee of {fee}"


def _described(group: Group) -> str:
    parts = {
        "captured": group.captured_minor,
        "held": group.held_minor,
        "disputed": group.disputed_minor,
        "as a fee": group.fee_minor,
    }
    return ", ".join(f"{amount} {word}" for word, amount in parts.items() if amount) + f" in {group.currency}"
