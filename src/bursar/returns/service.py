"""Takes back customers whom a bank has sent: what they bring says where to look, and the bank is asked itself."""

from __future__ import annotations

from bursar.attempts.service import AttemptService
from bursar.connectors.contract import Returned, ReturnRefused
from bursar.connectors.registry import Registry, UnknownConnector
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest, NotFound
from bursar.kit.ids import may_be_id
from bursar.payments import repository as intents
from bursar.payments.repository import PREFIX
from bursar.payments.returning import sent_back_from_bank
from bursar.payments.waiting import WaitingPayments
from bursar.store.log import Origin
from bursar.store.store import Store
from bursar.three_d_secure.service import Return


class ReturnService:
    def __init__(
        self, store: Store, clock: Clock, registry: Registry, attempts: AttemptService, waiting: WaitingPayments
    ) -> None:
        self._store = store
        self._clock = clock
        self._registry = registry
        self._attempts = attempts
        self._waiting = waiting

    async def come_back(self, connector: str, place: str, query: str, origin: Origin) -> Return:
        """Where the customer goes on to, once it is durable how the payment stands."""
        returned = self._read(connector, query)
        org_id, _, mode = place.rpartition(".")
        if mode not in ("0", "1") or not may_be_id(org_id) or not may_be_id(returned.operation_id):
            raise _nothing_here()
        livemode = int(mode)
        attempt = await self._attempts.find(org_id, livemode, returned.operation_id)
        is_of_payment = attempt is not None and attempt.subject_id.startswith(f"{PREFIX}_")
        if attempt is None or not is_of_payment or attempt.order.connector != connector:
            raise _nothing_here()
        attempt = await self._waiting.look(attempt, origin)
        subject = attempt.subject_id
        stored = await self._store.read(lambda connection: intents.find(connection, org_id, livemode, subject))
        assert stored is not None, "an attempt belongs to an intent that exists"
        return sent_back_from_bank(stored.intent, attempt)

    def _read(self, connector: str, query: str) -> Returned:
        now = seconds(self._clock.now_microseconds())
        try:
            return self._registry.connector(connector).read_return(query, now)
        except UnknownConnector:
            raise _nothing_here() from None
        except ReturnRefused as problem:
            raise InvalidRequest(
                "This is not how the bank sends its customers back, or too late. Go back to the shop to see whether "
                "you have paid.",
                code="signature_invalid",
            ) from problem


def _nothing_here() -> NotFound:
    return NotFound("There is no payment at this address.", code="resource_missing")
