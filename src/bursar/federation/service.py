"""Providers: set up by platform administrators, used by whoever signs in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.federation import repository, rules
from bursar.federation.journeys import Journey, Journeys, address_of
from bursar.federation.metadata import Metadata, ProviderAway
from bursar.federation.rules import ClaimsRefused, Membership
from bursar.federation.schemas import (
    Choices,
    Deleted,
    Provider,
    ProviderChangeParams,
    ProviderCheck,
    ProviderChoice,
    ProviderDocument,
    ProviderParams,
    ProviderView,
)
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock, seconds
from bursar.kit.errors import AuthenticationFailed, InvalidRequest, Unavailable
from bursar.kit.ids import IdFactory
from bursar.kit.sealing import SealBroken, Sealing
from bursar.memberships.provided import ProvidedMemberships
from bursar.people.service import DuplicateEmail, PeopleService
from bursar.people.sessions import Tokens
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/auth/providers"
ADMIN_URL = "/api/v1/platform/sign-in-providers"
PROVIDERS_MAX = 50
REMEMBERED = 5 * MICROSECONDS_PER_SECOND
SEALED_FOR = "client secrets of sign-in providers"
ID_TOKEN_TYPES = frozenset({"jwt"})
METHOD = "oidc"


class FederationService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        people: PeopleService,
        memberships: ProvidedMemberships,
        sealing: Sealing,
        metadata: Metadata,
        journeys: Journeys,
        public_url: str,
        *,
        development: bool,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._people = people
        self._memberships = memberships
        self._sealing = sealing
        self.metadata = metadata
        self.journeys = journeys
        self._public_url = public_url.rstrip("/")
        self._development = development
        self._remembered: tuple[list[Provider], int] = ([], 0)

    # For platform administrators.

    async def create(self, call: Call, params: ProviderParams) -> Effect:
        document = _changed(
            ProviderDocument(
                name=params.name,
                issuer=rules.check_issuer(params.issuer, development=self._development),
                client_id=params.client_id,
            ),
            params,
        )
        await self._check(document)
        known = await self._read()
        if len(known) >= PROVIDERS_MAX:
            raise InvalidRequest(f"There can be {PROVIDERS_MAX} providers; delete one that is not used any more.")
        provider_id, now = self._ids.new_with_time(repository.PREFIX)
        secret = params.client_secret or None
        provider = Provider(
            id=provider_id,
            created=now,
            version=1,
            document=document,
            sealed_secret=self._sealing.seal(secret.encode(), provider_id) if secret else None,
        )
        self._forget()
        view = self._view(provider)
        return Effect(view, Unit([repository.insertion(provider)], [_entry(call, "created", view)]))

    async def change(self, call: Call, params: ProviderChangeParams) -> Effect:
        before = await self._find(call)
        document = _changed(before.document, params)
        await self._check(document)
        secret = before.sealed_secret
        if params.client_secret is not UNSET:
            given = params.client_secret
            secret = self._sealing.seal(given.encode(), before.id) if isinstance(given, str) else None
        after = msgspec.structs.replace(before, document=document, sealed_secret=secret, version=before.version + 1)
        self._forget()
        view = self._view(after)
        entry = _entry(call, "updated", view)
        entry.previous_attributes = differences(msgspec.json.encode(self._view(before)), entry.document)
        return Effect(view, Unit([repository.update(before, after)], [entry]))

    async def delete(self, call: Call) -> Effect:
        provider = await self._find(call)
        self._forget()
        entry = _entry(call, "deleted", self._view(provider))
        return Effect(Deleted(id=provider.id), Unit(repository.deletion(provider), [entry]))

    async def retrieve(self, call: Call) -> ProviderView:
        return self._view(await self._find(call))

    async def page(self, call: Call, params: ListParams) -> Page[ProviderView]:
        view = window(params)
        known = sorted(await self._read(), key=lambda provider: provider.id, reverse=view.newest_first)
        for param in ("starting_after", "ending_before"):
            cursor = getattr(params, param)
            if cursor is not None and all(provider.id != cursor for provider in known):
                raise missing("sign_in_provider", cursor, param)
        if view.after_id is not None:
            known = [provider for provider in known if provider.id < view.after_id]
        if view.before_id is not None:
            known = [provider for provider in known if provider.id > view.before_id]
        data, has_more = view.cut(known[: view.rows_to_read])
        return Page(data=[self._view(provider) for provider in data], has_more=has_more, url=ADMIN_URL)

    async def check(self, call: Call) -> ProviderCheck:
        """Asks the provider for its description and its keys, so that a mistake shows before anybody signs in."""
        provider = await self._find(call)
        self.metadata.forget(provider.document.issuer)
        try:
            described = await self.metadata.of(provider.document.issuer)
            keys = await self.metadata.keys(described)
        except (ClaimsRefused, ProviderAway) as problem:
            raise InvalidRequest(
                f"The provider cannot be used: {problem}. Check the issuer, and whether this server reaches it.",
                param="issuer",
                code="provider_unusable",
            ) from problem
        return ProviderCheck(
            issuer=described.issuer,
            authorization_endpoint=described.authorization_endpoint,
            token_endpoint=described.token_endpoint,
            jwks_uri=described.jwks_uri,
            algorithms=described.algorithms,
            keys=len(keys.keys),
        )

    # For whoever signs in.

    async def choices(self, _call: Call) -> Choices:
        known = [provider for provider in await self._read() if provider.document.enabled]
        return Choices(
            data=[
                ProviderChoice(id=provider.id, name=provider.document.name, start_url=self._start_url(provider.id))
                for provider in known
            ]
        )

    async def begin(self, provider_id: str, return_to: str | None, links_user: str | None) -> tuple[Journey, str]:
        """The journey, and where it leads to."""
        provider = await self._enabled(provider_id)
        journey = self.journeys.begin(provider, rules.return_to(return_to), links_user)
        try:
            described = await self.metadata.of(provider.document.issuer)
        except (ClaimsRefused, ProviderAway) as problem:
            raise Unavailable(f"{provider.document.name} cannot be reached at the moment: {problem}.") from problem
        return journey, address_of(described, provider, journey, self.redirect_uri(provider.id))

    async def arrive(self, call: Call, journey: Journey, code: str, issuer: str | None) -> Tokens | None:
        """The provider sent somebody back with a code. None where somebody signed in before has linked an account.

        Raises ClaimsRefused and ProviderAway.
        """
        provider = await self._enabled(journey.provider_id)
        document = provider.document
        described = await self.metadata.of(document.issuer)
        # Says whose answer it is, so that one provider's code is not carried to another.
        if (issuer is not None or described.names_issuer) and issuer != document.issuer:
            raise ClaimsRefused("the answer of another provider")
        form = {"code": code, "redirect_uri": self.redirect_uri(provider.id), "code_verifier": journey.verifier}
        token = await self.metadata.exchange(described, form, (document.client_id, self._secret(provider)))
        claims = await self.metadata.verified(document.issuer, token, ID_TOKEN_TYPES)
        now = self._clock.now_microseconds()
        subject = rules.check_id_token(
            claims, issuer=document.issuer, client_id=document.client_id, nonce=journey.nonce, now=seconds(now)
        )
        if journey.links_user is not None:
            await self._link(call, provider, subject, journey.links_user)
            return None
        return await self._sign_in(call, provider, subject, claims)

    def redirect_uri(self, provider_id: str) -> str:
        return f"{self._public_url}/auth/oidc/{provider_id}/callback"

    async def accepting_tokens(self, issuer: str) -> list[Provider]:
        """Of several with one issuer, the audience decides."""
        return [
            provider
            for provider in await self._read()
            if provider.document.enabled and provider.document.audience and provider.document.issuer == issuer
        ]

    async def user_of(self, provider: Provider, subject: str) -> str | None:
        return await self._store.read(lambda connection: repository.find_user(connection, provider.id, subject))

    async def _sign_in(self, call: Call, provider: Provider, subject: str, claims: Mapping[str, Any]) -> Tokens:
        wanted = rules.memberships(provider.document.grants, claims)
        user_id = await self.user_of(provider, subject)
        if user_id is None:
            user_id = await self._new_identity(call, provider, subject, claims, wanted)
        user = await self._people.find_by_id(user_id)
        if user is None or user.disabled:
            raise ClaimsRefused("the user is disabled")
        await self._memberships.provide(user.id, dict(wanted), provider.id, call.origin())
        organisation = wanted[0].organisation if wanted else None
        return await self._people.sign_in(user, organisation, call, methods=[METHOD], browser=True)

    async def _new_identity(
        self, call: Call, provider: Provider, subject: str, claims: Mapping[str, Any], wanted: Sequence[Membership]
    ) -> str:
        """Whose the subject is from now on: the user of the address where that may be believed, else a new one."""
        email = rules.verified_email(claims)
        document = provider.document
        known = await self._people.find_by_email(email) if email is not None else None
        if known is not None:
            # Who never proved that the address is theirs may have made the account for somebody else to fall into.
            if not document.links_by_email or known.platform_admin or not known.email_verified:
                raise ClaimsRefused("somebody has an account with this address, which its owner has not linked")
            await self._link(call, provider, subject, known.id)
            return known.id
        if email is None or not document.creates_users or not wanted:
            raise ClaimsRefused("nobody here is this subject, and none is to be made")
        name = claims.get("name")

        def work(connection: Connection) -> tuple[str, Unit]:
            now = self._clock.now_microseconds()
            user, unit = self._people.new_user(
                connection,
                email=email,
                name=name[:200] if isinstance(name, str) else "",
                password_hash=None,
                email_verified=True,
                now=now,
                origin=call.origin(),
                organisations=[membership.organisation for membership in wanted],
            )
            unit.changes.append(repository.identity(provider.id, subject, user.id, now))
            unit.entries.append(_linked(call, provider, user.id))
            return user.id, unit

        try:
            user_id: str = await self._store.transact(work)
        except (DuplicateEmail, DuplicateKey):  # made at this very moment in another tab
            raise ClaimsRefused("the account was made at this moment; sign in again") from None
        return user_id

    async def _link(self, call: Call, provider: Provider, subject: str, user_id: str) -> None:
        known = await self.user_of(provider, subject)
        if known is not None:
            if known != user_id:
                raise ClaimsRefused("this account of the provider is somebody else's here")
            return
        change = repository.identity(provider.id, subject, user_id, self._clock.now_microseconds())
        await self._store.commit(Unit([change], [_linked(call, provider, user_id)]))

    async def _check(self, document: ProviderDocument) -> None:
        rules.check_document(document)
        for number, grant in enumerate(document.grants):
            if not await self._memberships.has_role(grant.organisation, grant.role):
                raise InvalidRequest(
                    f"There is no organisation {grant.organisation} with the role {grant.role}.",
                    param=f"grants[{number}]",
                )

    async def _enabled(self, provider_id: str) -> Provider:
        for provider in await self._read():
            if provider.id == provider_id and provider.document.enabled:
                return provider
        raise missing("sign_in_provider", provider_id, "provider")

    async def _find(self, call: Call) -> Provider:
        provider_id = call.path["provider"]
        for provider in await self._store.read(repository.all_providers):
            if provider.id == provider_id:
                return provider
        raise missing("sign_in_provider", provider_id, "provider")

    async def _read(self) -> list[Provider]:
        now = self._clock.now_microseconds()
        known, until = self._remembered
        if now >= until:
            known = await self._store.read(repository.all_providers)
            self._remembered = known, now + REMEMBERED
        return known

    def _forget(self) -> None:
        self._remembered = ([], 0)

    def _secret(self, provider: Provider) -> str | None:
        if provider.sealed_secret is None:
            return None
        try:
            return self._sealing.unseal(provider.sealed_secret, provider.id).decode()
        except SealBroken:
            raise ProviderAway("the client secret was sealed by another installation; set it again") from None

    def _start_url(self, provider_id: str) -> str:
        return f"{self._public_url}/auth/oidc/{provider_id}/start"

    def _view(self, provider: Provider) -> ProviderView:
        document = provider.document
        return ProviderView(
            id=provider.id,
            has_client_secret=provider.sealed_secret is not None,
            redirect_uri=self.redirect_uri(provider.id),
            start_url=self._start_url(provider.id),
            created=seconds(provider.created),
            **msgspec.structs.asdict(document),
        )


def refused() -> AuthenticationFailed:
    """The same words whatever was wrong: the log has the reason."""
    return AuthenticationFailed(
        "Signing in did not succeed. Begin again; if it fails again, ask whoever runs this server, who finds the "
        "reason in the audit trail.",
        code="sign_in_refused",
    )


def _changed(document: ProviderDocument, params: ProviderParams | ProviderChangeParams) -> ProviderDocument:
    changes = {
        name: value
        for name in ProviderDocument.__struct_fields__
        if name != "issuer" and (value := getattr(params, name, UNSET)) is not UNSET
    }
    return msgspec.structs.replace(document, **changes)


def _entry(call: Call, act: str, view: ProviderView) -> Entry:
    document = msgspec.json.encode(view)
    return Entry(INSTALLATION, 0, f"bursar.sign_in_provider.{act}", view.id, document, origin=call.origin())


def _linked(call: Call, provider: Provider, user_id: str) -> Entry:
    document = msgspec.json.encode({"user": user_id, "provider": provider.id})
    return Entry(INSTALLATION, 0, "bursar.identity.linked", user_id, document, origin=call.origin())
