"""Tries that came to nothing: a failed transaction on each side that is known, and nothing moved."""

from __future__ import annotations

import msgspec

from bursar.http.call import Call
from bursar.kit.errors import RequestError
from bursar.kit.ids import IdFactory
from bursar.payment_sessions import repository, rules, transaction_repository
from bursar.payment_sessions.codes import new_code
from bursar.payment_sessions.schemas import Counterparty, Payee, Transaction, TransactionDetails
from bursar.payment_sessions.service import Found
from bursar.store.unit import Unit
from bursar.wallets.schemas import Wallet

REASON_LENGTH_MAX = 60


def failed_credit(ids: IdFactory, found: Found, reason: str, method: str | None, payer: Counterparty) -> Transaction:
    """Beside the session's own transaction, which waits for a better try."""
    return msgspec.structs.replace(
        found.transaction,
        id=ids.new(rules.TRANSACTION_PREFIX),
        version=1,
        code=new_code(),
        state="failed",
        method=method,
        payment_intent=None,
        reason=reason[:REASON_LENGTH_MAX],
        details=msgspec.structs.replace(found.transaction.details, counterparty=payer),
    )


def debit_of(ids: IdFactory, found: Found, payer: Wallet, payee: Payee) -> Transaction:
    """The payer's side."""
    return msgspec.structs.replace(
        found.transaction,
        org_id=payer.org_id,
        livemode=payer.livemode,
        id=ids.new(rules.TRANSACTION_PREFIX),
        version=1,
        code=new_code(),
        direction="debit",
        state="initiated",
        method=rules.BY_WALLET_CODE,
        wallet_id=payer.id,
        session_id=None,
        payment_intent=None,
        customer=None,
        details=TransactionDetails(
            wallet_code=payer.code,
            counterparty=Counterparty(name=payee.name, wallet=payee.walletCode),
            description=found.transaction.details.description,
        ),
    )


def failure(
    ids: IdFactory,
    call: Call,
    found: Found,
    problem: RequestError,
    method: str | None,
    payer: Wallet | None = None,
    payee: Payee | None = None,
) -> Unit:
    reason = problem.code or "failed"
    payer_shown = Counterparty(wallet=payer.code) if payer is not None else Counterparty()
    sides = [failed_credit(ids, found, reason, method, payer_shown)]
    if payer is not None and payee is not None:
        debit = debit_of(ids, found, payer, payee)
        sides.append(msgspec.structs.replace(debit, state="failed", reason=reason[:REASON_LENGTH_MAX]))
    origin = call.origin()
    return Unit(
        [repository.count_try(found.session), *map(transaction_repository.insertion, sides)],
        [transaction_repository.entry("bursar.transaction.failed", side, origin) for side in sides],
    )
