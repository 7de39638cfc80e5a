"""Access tokens of providers, on /api/v1: for programs that have a token of their company's provider already."""

from __future__ import annotations

from bursar.federation import rules
from bursar.federation.metadata import Metadata, ProviderAway
from bursar.federation.rules import ClaimsRefused
from bursar.federation.schemas import Provider
from bursar.federation.service import FederationService
from bursar.http.authentication import USER, Principal
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import AuthenticationFailed, PermissionMissing, Unavailable
from bursar.people.protocols import Membership
from bursar.people.service import Neighbours, PeopleService
from bursar.people.tokens import issuer_of

TYPES = frozenset({"at+jwt", "jwt"})


class AccessTokensOfProviders:
    """Fills the place that the gate has for them."""

    def __init__(
        self,
        federation: FederationService,
        metadata: Metadata,
        people: PeopleService,
        neighbours: Neighbours,
        clock: Clock,
    ) -> None:
        self._federation = federation
        self._metadata = metadata
        self._people = people
        self._neighbours = neighbours
        self._clock = clock

    async def principal(self, token: str, *, organisation: str | None, livemode: int) -> Principal | None:
        issuer = issuer_of(token)
        providers = await self._federation.accepting_tokens(issuer) if issuer is not None else []
        if not providers or issuer is None:
            return None
        try:
            claims = await self._metadata.verified(issuer, token, TYPES)
            provider, subject = self._accepted(providers, claims)
        except ClaimsRefused as problem:
            raise AuthenticationFailed(
                f"The access token is refused: {problem}. Get another from your provider.", code="token_invalid"
            ) from problem
        except ProviderAway as problem:
            raise Unavailable("The provider of this access token cannot be reached at the moment.") from problem
        user_id = await self._federation.user_of(provider, subject)
        user = await self._people.find_by_id(user_id) if user_id is not None else None
        if user is None or user.disabled:
            raise AuthenticationFailed(
                "Nobody here is known by this access token. Sign in by the provider once, in a browser.",
                code="token_unknown",
            )
        membership = await self._membership(user.id, organisation)
        # It says nothing of when the person proved who they are, so nothing that needs a proof can be done with it.
        return Principal(membership.org_id, livemode, user.id, USER, membership.permissions, membership.role)

    def _accepted(self, providers: list[Provider], claims: dict[str, object]) -> tuple[Provider, str]:
        now = seconds(self._clock.now_microseconds())
        refusal = ClaimsRefused("no provider takes it")
        for provider in providers:
            try:
                return provider, rules.check_access_token(claims, provider.document, now)
            except ClaimsRefused as problem:
                refusal = problem
        raise refusal

    async def _membership(self, user_id: str, organisation: str | None) -> Membership:
        if organisation is not None:
            found = await self._neighbours.memberships.of(user_id, organisation)
        else:
            found = next(iter(await self._neighbours.memberships.all_of(user_id)), None)
        if found is None:
            raise PermissionMissing(
                "You are no member of this organisation." if organisation else "You are no member of any organisation.",
                code="not_a_member",
            )
        return found
