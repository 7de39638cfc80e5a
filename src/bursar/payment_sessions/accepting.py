"""Paying a session: from another wallet, or by a method."""

from __future__ import annotations

from bursar.http.call import Call, Effect, Staged
from bursar.payment_sessions.by_methods import ByMethods
from bursar.payment_sessions.from_wallets import FromWallets
from bursar.payment_sessions.payers import keep_apart
from bursar.payment_sessions.schemas import AcceptAnswer, AcceptParams
from bursar.payment_sessions.service import SessionService


class Accepting:
    def __init__(self, sessions: SessionService, from_wallets: FromWallets, by_methods: ByMethods) -> None:
        self._sessions = sessions
        self._from_wallets = from_wallets
        self._by_methods = by_methods

    async def accept(self, call: Call, params: AcceptParams) -> AcceptAnswer | Effect | Staged:
        found = await self._sessions.find(call)
        keep_apart(call, found.session.id)
        if params.fromWalletCode is not None:
            return await self._from_wallets.accept(call, found, params)
        return await self._by_methods.accept(call, found, params)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._by_methods.resume(call, attempt_id)
