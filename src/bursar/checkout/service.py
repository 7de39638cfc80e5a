"""Sessions as the page shows and pays them. Paying is that of the API, but for where banks send the payer back to."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import msgspec

from bursar.checkout.schemas import CheckoutView, LastDecline
from bursar.http.call import Call, Effect, Staged
from bursar.kit.sealing import SealBroken, Sealing
from bursar.payment_sessions.by_methods import ByMethods
from bursar.payment_sessions.from_wallets import FromWallets
from bursar.payment_sessions.payers import Payers, keep_apart, trace_of
from bursar.payment_sessions.schemas import AcceptAnswer, AcceptParams, ReturnUrls
from bursar.payment_sessions.service import Found, SessionService

PATH = "/checkout"
RETURN_PATH = "/checkout-return"
SEALING_PURPOSE = "where payers come back to"
# What a customer approves in an app often takes some seconds; longer than this nobody looks at a page that loads.
SETTLING_SECONDS_MAX = 6.0
SETTLING_POLL_SECONDS = 0.25


class CheckoutService:
    def __init__(
        self,
        sessions: SessionService,
        from_wallets: FromWallets,
        by_methods: ByMethods,
        payers: Payers,
        sealing: Sealing,
        public_url: str,
    ) -> None:
        self._sessions = sessions
        self._from_wallets = from_wallets
        self._by_methods = by_methods
        self.payers = payers
        self._sealing = sealing
        self._public_url = public_url.rstrip("/")

    async def show(self, call: Call) -> CheckoutView:
        found = await self._sessions.find(call)
        view = await self._sessions.view(found, trace_of(call.path))
        return CheckoutView(session=view, declined=_last_decline(found))

    async def settle(self, call: Call) -> CheckoutView:
        """Waits a little while a payment is on its way, so that most payers see its end and not its middle."""
        shown = await self.show(call)
        waited_seconds = 0.0
        while shown.session.status == "processing" and waited_seconds < SETTLING_SECONDS_MAX:
            await asyncio.sleep(SETTLING_POLL_SECONDS)
            waited_seconds += SETTLING_POLL_SECONDS
            shown = await self.show(call)
        return shown

    async def show_again(self, path: Mapping[str, str]) -> CheckoutView:
        """For a request that was admitted already."""
        return await self.show(Call(await self.payers.of_trace(path), "", path=dict(path)))

    async def accept(self, call: Call, params: AcceptParams) -> AcceptAnswer | Effect | Staged:
        found = await self._sessions.find(call)
        keep_apart(call, found.session.id)
        if params.fromWalletCode is not None:
            return await self._from_wallets.accept(call, found, params)
        return await self._by_methods.accept(call, self._coming_back_here(found, trace_of(call.path)), params)

    async def resume(self, call: Call, attempt_id: str) -> Effect | None:
        return await self._by_methods.resume(call, attempt_id)

    def trace_of_return(self, token: str) -> str | None:
        padded = token.replace("-", "+").replace("_", "/") + "=" * (-len(token) % 4)
        try:
            return self._sealing.unseal(padded, RETURN_PATH).decode()
        except SealBroken:
            return None

    def _coming_back_here(self, found: Found, trace: str) -> Found:
        """The bank sends payers to this address, whatever became of it, and it is for us to say where they go then.

        It is kept with the payment. The trace id in it is sealed, as it is nowhere kept in the clear.
        """
        sealed = base64.urlsafe_b64encode(base64.b64decode(self._sealing.seal(trace.encode(), RETURN_PATH)))
        url = f"{self._public_url}{RETURN_PATH}/{sealed.decode().rstrip('=')}"
        details = msgspec.structs.replace(found.session.details, return_urls=ReturnUrls(success=url))
        return found._replace(session=msgspec.structs.replace(found.session, details=details))


def _last_decline(found: Found) -> LastDecline | None:
    intent = found.intent
    if intent is None or intent.status != "requires_payment_method" or intent.last_payment_error is None:
        return None
    error = intent.last_payment_error
    reason = error.decline_code or error.code or "declined"
    return LastDecline(reason=reason, message=error.message, method=error.payment_method_type)
