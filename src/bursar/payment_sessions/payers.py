"""For whom somebody pays who has neither key nor account: known by a wallet's code, or by a session's trace id."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bursar.http.authentication import PAYER, Principal
from bursar.http.call import Call
from bursar.http.paging import missing
from bursar.payment_sessions.rules import read_trace
from bursar.wallets.service import WalletService

REFERENCE, TRACE = "reference", "transactionTraceId"
WALLET_CODE = "walletCode"
ACTOR = "payer"  # what the log names them


class Payers:
    def __init__(self, wallets: WalletService) -> None:
        self._wallets = wallets

    async def of_wallet(self, path: Mapping[str, str]) -> Principal:
        wallet = await self._wallets.find_by_code(path[REFERENCE], WALLET_CODE)
        if wallet is None or wallet.closed:
            raise missing("wallet", path[REFERENCE], WALLET_CODE)
        return Principal(wallet.org_id, wallet.livemode, ACTOR, PAYER)

    async def of_trace(self, path: Mapping[str, str]) -> Principal:
        """Whether there is such a session is for its service to say, which reads it anyway."""
        trace = read_trace(trace_of(path))
        return Principal(trace.org_id, trace.livemode, ACTOR, PAYER)


def trace_of(path: Mapping[str, str]) -> str:
    return path[TRACE] if TRACE in path else path[REFERENCE]


def keep_apart(call: Call, session_id: str) -> None:
    """A payer's idempotency keys are the session's own: otherwise anybody could use up a merchant's."""
    key = call.idempotency_key
    prefix = f"{session_id}:"
    if key is not None and not key.startswith(prefix):
        call.idempotency_key = prefix + hashlib.sha256(key.encode()).hexdigest()
