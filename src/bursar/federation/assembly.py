"""Everything about sign-in providers, put together once."""

from __future__ import annotations

from bursar.federation.access_tokens import AccessTokensOfProviders
from bursar.federation.journeys import Journeys
from bursar.federation.metadata import Metadata
from bursar.federation.pages import FederationPages
from bursar.federation.service import SEALED_FOR, FederationService
from bursar.http.asgi import Scope
from bursar.http.dispatch import Dispatcher
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.kit.sealing import Sealing
from bursar.memberships.provided import ProvidedMemberships
from bursar.people.identity import Identity
from bursar.people.visits import read_facts
from bursar.store.store import Store


class Federation:
    """Wiring only. Fills the place that the gate has for other issuers' tokens."""

    def __init__(self, store: Store, ids: IdFactory, clock: Clock, identity: Identity, *, development: bool) -> None:
        self._store = store
        self._identity = identity
        self.metadata = Metadata(clock)
        self.service = FederationService(
            store,
            ids,
            clock,
            identity.people,
            ProvidedMemberships(store, clock),
            Sealing(identity.secrets.keys(SEALED_FOR)),
            self.metadata,
            Journeys(
                clock,
                Sealing(identity.secrets.keys("journeys to sign-in providers")),
                secure=identity.public_url.startswith("https://"),
            ),
            identity.public_url,
            development=development,
        )
        identity.neighbours.provider_tokens = AccessTokensOfProviders(
            self.service, self.metadata, identity.people, identity.neighbours, clock
        )

    def pages(self, dispatcher: Dispatcher) -> FederationPages:
        return FederationPages(self.service, self._store, dispatcher, self._identity.sessions.cookies, self)

    async def user_by_cookie(self, scope: Scope) -> str | None:
        """Who is signed in in this browser, for linking accounts. Only where they came by themselves."""
        facts = read_facts(scope, self._identity.sessions.cookies)
        if not facts.session_cookies or facts.fetch_site == "cross-site":
            return None
        session = await self._identity.sessions.find_by_cookie(facts.session_cookies[0])
        return session.user_id if session is not None else None

    async def close(self) -> None:
        await self.metadata.close()
