"""Sends customers to authenticate, and tells whoever waits for it how it ended."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Protocol

from bursar.attempts.schemas import Attempt
from bursar.kit.errors import NotFound
from bursar.kit.ids import IdFactory, may_be_id
from bursar.store.store import Store
from bursar.store.unit import Change
from bursar.three_d_secure import repository
from bursar.three_d_secure.repository import AT_BANK, PENDING, Authentication

PATH = "/authenticate"
INSTRUCTIONS_PATH = "/upi"
RETURN_PATH = "/returns"
# A second click takes the place of the first one's answer in the browser, so it waits for what comes of that.
PENDING_SECONDS_MAX = 10.0
PENDING_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the page shows of a payment or setup."""

    title: str
    amount: str | None


@dataclass(frozen=True, slots=True)
class Return:
    """Where the customer goes afterwards; nowhere when the merchant named no address.

    `pending`: the bank has not said yet how it ends.
    """

    url: str | None
    succeeded: bool
    pending: bool = False


class Subject(Protocol):
    """The feature whose object waits for the customer."""

    async def waiting(self, authentication: Authentication) -> Waiting | None:
        """None when it does not wait for this authentication any more."""

    async def authenticated(self, authentication: Authentication, *, passed: bool, address: str | None) -> Return:
        """Goes on with it, and makes the decision durable. Once that is done, it only tells how it stands."""


class AuthenticationService:
    def __init__(
        self, store: Store, ids: IdFactory, public_url: str, *, pending_seconds_max: float = PENDING_SECONDS_MAX
    ) -> None:
        self._pending_seconds_max = pending_seconds_max
        self._store = store
        self._ids = ids
        self._public_url = public_url.rstrip("/")
        self._subjects: dict[str, Subject] = {}

    def register(self, subject_prefix: str, subject: Subject) -> None:
        self._subjects[subject_prefix] = subject

    def begin(self, attempt: Attempt, bank_reference: str, return_url: str | None) -> tuple[str, Change]:
        """The address to send the customer to, and what makes it known."""
        return self._begun(attempt, bank_reference, return_url, PENDING, PATH)

    def begin_at_bank(self, attempt: Attempt, bank_reference: str, return_url: str | None) -> tuple[str, Change]:
        """The address of the page that tells the customer what to do in an app of the bank."""
        return self._begun(attempt, bank_reference, return_url, AT_BANK, INSTRUCTIONS_PATH)

    def bank_return_address(self, connector: str, org_id: str, livemode: int) -> str:
        """Where a bank sends customers back to. What they come back from, the bank adds and signs."""
        return f"{self._public_url}{RETURN_PATH}/{connector}/{org_id}.{livemode}"

    def _begun(
        self, attempt: Attempt, bank_reference: str, return_url: str | None, state: str, path: str
    ) -> tuple[str, Change]:
        authentication = Authentication(
            attempt.org_id,
            attempt.livemode,
            attempt.id,
            attempt.subject_id,
            self._ids.secret(),
            state,
            bank_reference,
            return_url,
        )
        place = f"{authentication.org_id}.{authentication.livemode}.{authentication.id}"
        url = f"{self._public_url}{path}/{place}/{authentication.secret}"
        return url, repository.insertion(authentication)

    async def find(self, place: str, secret: str) -> Authentication:
        """By the address; whoever does not have all of it gets to know nothing."""
        org_id, _, rest = place.partition(".")
        mode, _, authentication_id = rest.partition(".")
        found = None
        if mode in ("0", "1") and may_be_id(org_id) and may_be_id(authentication_id):
            found = await self.find_by_id(org_id, int(mode), authentication_id)
        if found is None or not hmac.compare_digest(found.secret.encode(), secret.encode()):
            raise NotFound("There is no authentication at this address.", code="resource_missing")
        return found

    async def find_by_id(self, org_id: str, livemode: int, authentication_id: str) -> Authentication | None:
        return await self._store.read(
            lambda connection: repository.find(connection, org_id, livemode, authentication_id)
        )

    async def waiting(self, authentication: Authentication) -> Waiting | None:
        if authentication.state != PENDING:
            return None
        return await self._subject(authentication).waiting(authentication)

    async def decide(self, authentication: Authentication, *, passed: bool, address: str | None) -> Return:
        """The first decision counts; whoever comes later gets to know what came of that one."""
        subject = self._subject(authentication)
        done = await subject.authenticated(authentication, passed=passed, address=address)
        waited_seconds = 0.0
        while done.pending and waited_seconds < self._pending_seconds_max:
            await asyncio.sleep(PENDING_POLL_SECONDS)
            waited_seconds += PENDING_POLL_SECONDS
            done = await subject.authenticated(authentication, passed=passed, address=address)
        return done

    def _subject(self, authentication: Authentication) -> Subject:
        return self._subjects[authentication.subject_id.partition("_")[0]]
