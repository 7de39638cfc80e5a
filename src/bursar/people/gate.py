"""The gate of the control plane: people by their tokens and cookies, programs by their keys."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.accounts import repository as accounts
from bursar.http.asgi import Scope
from bursar.http.authentication import ANONYMOUS, PROOF_SECONDS_MAX, USER, KeyDirectory, Principal, authenticate
from bursar.http.endpoint import Endpoint
from bursar.http.requests import Headers
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import AuthenticationFailed, InvalidRequest, NotFound, PermissionMissing
from bursar.kit.ids import may_be_id
from bursar.kit.permissions import PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS, SELF
from bursar.people.service import Neighbours
from bursar.people.sessions import Sessions
from bursar.people.standing import RememberedCookies, Standing, Standings
from bursar.people.tokens import AccessTokens, TokenRefused, issuer_of, looks_like_one
from bursar.people.visits import COOKIE_LENGTH_MAX, Person, RequestFacts, Visitor, read_facts
from bursar.store.columns import INSTALLATION
from bursar.store.store import Store

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MODES = {"test": 0, "live": 1}
_PLATFORM = frozenset(name for name in PLATFORM_ADMIN_PERMISSIONS if name.startswith("platform."))
TOKEN_LENGTH_MAX = 16_384  # a provider's may be long; the header itself has a limit, too


class ControlGate:
    def __init__(
        self,
        directory: KeyDirectory,
        store: Store,
        clock: Clock,
        sessions: Sessions,
        standings: Standings,
        access_tokens: AccessTokens,
        neighbours: Neighbours,
        public_url: str,
    ) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._standings = standings
        self._access_tokens = access_tokens
        self._neighbours = neighbours
        self._origin = origin_of(public_url)
        self._cookies = RememberedCookies(clock)

    async def admit(self, endpoint: Endpoint, scope: Scope, headers: Headers, path: Mapping[str, str]) -> Principal:
        if endpoint.payer is not None:
            return await endpoint.payer(path)
        facts = read_facts(scope, self._sessions.cookies)
        if endpoint.public:
            return Visitor(
                INSTALLATION,
                0,
                ANONYMOUS,
                ANONYMOUS,
                device=facts.device,
                user_agent=facts.user_agent,
                is_foreign=not self._is_own_page(facts, or_none=True),
            )
        principal = await self._known(endpoint, scope, headers, facts)
        if principal.kind == USER and principal.role is None and not principal.may(endpoint.permission):
            raise PermissionMissing(
                "You are not a member of the organisation that you are signed in to, or not any more. Switch to "
                "another with POST /api/v1/auth/switch.",
                code="membership_missing",
                param=endpoint.permission,
            )
        principal.require(endpoint.permission, publishable=endpoint.publishable)
        return principal

    async def _known(self, endpoint: Endpoint, scope: Scope, headers: Headers, facts: RequestFacts) -> Principal:
        _refuse_several(facts)
        token = _bearer(headers.authorization)
        if token is not None and looks_like_one(token):
            if issuer_of(token) == self._access_tokens.issuer:
                return await self._by_token(endpoint, token, facts)
            return await self._by_provider(token, facts)
        if headers.authorization is not None:
            principal = await authenticate(headers.authorization, self._directory, scope)
            _check_key_headers(principal, facts)
            return principal
        if facts.session_cookies:
            return await self._by_cookie(endpoint, scope, facts)
        raise AuthenticationFailed(
            "Nobody is signed in. Send 'Authorization: Bearer …' with an access token of POST /api/v1/org/login or an "
            "API key.",
            code="credentials_missing",
        )

    async def _by_token(self, endpoint: Endpoint, token: str, facts: RequestFacts) -> Principal:
        claims = await self._access_tokens.read(token)
        standing = await self._standing(endpoint, claims.user_id, claims.organisation, claims.session_id)
        return await self._person(endpoint, standing, claims.organisation, facts, by_cookie=False)

    async def _by_provider(self, token: str, facts: RequestFacts) -> Principal:
        if len(token) <= TOKEN_LENGTH_MAX:
            found = await self._neighbours.provider_tokens.principal(
                token, organisation=facts.organisation, livemode=_mode(facts)
            )
            if found is not None:
                return found
        raise TokenRefused(
            "The access token is refused: neither this server nor a configured provider has made it.",
            code="token_invalid",
        )

    async def _by_cookie(self, endpoint: Endpoint, scope: Scope, facts: RequestFacts) -> Principal:
        cookie = facts.session_cookies[0]
        session = self._cookies.get(cookie)
        if session is None:
            found = await self._sessions.find_by_cookie(cookie) if len(cookie) <= COOKIE_LENGTH_MAX else None
            if found is None:
                raise _session_over()
            session = found
            self._cookies.put(cookie, session)
        if scope["method"] not in SAFE_METHODS:
            self._check_page(session.id, facts)
        standing = await self._standing(endpoint, session.user_id, session.organisation, session.id)
        return await self._person(endpoint, standing, session.organisation, facts, by_cookie=True)

    async def _standing(self, endpoint: Endpoint, user_id: str, organisation: str | None, session_id: str) -> Standing:
        standing = await self._standings.of(user_id, organisation, session_id)
        if standing is not None and endpoint.needs_proof and not _has_proved(standing, self._clock):
            # It may have been proved a moment ago in another process.
            standing = await self._standings.of(user_id, organisation, session_id, fresh=True)
        if standing is None:
            raise _session_over()
        return standing

    async def _person(
        self, endpoint: Endpoint, standing: Standing, organisation: str | None, facts: RequestFacts, *, by_cookie: bool
    ) -> Person:
        membership = standing.membership
        if membership is not None and membership.second_factor_missing and endpoint.permission != SELF:
            raise PermissionMissing(
                "This organisation wants a second factor of all its members, and you have none yet. Set one up under "
                "/api/v1/auth/totp, /api/v1/auth/passkeys or /api/v1/auth/code-factors.",
                code="second_factor_missing",
            )
        org_id = membership.org_id if membership is not None else INSTALLATION
        role = membership.role if membership is not None else None
        permissions = membership.permissions if membership is not None else frozenset[str]()
        if standing.user.platform_admin:
            permissions |= _PLATFORM
            role = role or PLATFORM_ADMIN
        wanted = facts.organisation
        if wanted is not None and wanted != organisation:
            org_id, role, permissions = await self._elsewhere(standing, wanted)
        return Person(
            org_id,
            _mode(facts),
            standing.user.id,
            USER,
            permissions,
            role,
            standing.session.id,
            standing.session.proved_at,
            by_cookie=by_cookie,
            device=facts.device,
            user_agent=facts.user_agent,
        )

    async def _elsewhere(self, standing: Standing, wanted: str) -> tuple[str, str, frozenset[str]]:
        """In an organisation that one is not signed in to: for those who run the installation."""
        if not standing.user.platform_admin:
            raise PermissionMissing(
                "Only platform admins can name another organisation in Bursar-Organisation. Switch to one of yours "
                "with POST /api/v1/auth/switch.",
                code="permission_missing",
                param="bursar-organisation",
            )
        found = None
        if may_be_id(wanted):
            found = await self._store.read(lambda connection: accounts.find_organisation(connection, wanted))
        if found is None:
            raise NotFound(
                "There is no such organisation as Bursar-Organisation names.",
                param="bursar-organisation",
                code="resource_missing",
            )
        return found.id, PLATFORM_ADMIN, PLATFORM_ADMIN_PERMISSIONS

    def _check_page(self, session_id: str, facts: RequestFacts) -> None:
        """A browser sends its cookie whoever's page asks it to; only ours know the token, and come from our address."""
        if facts.csrf_token is None or not self._sessions.is_csrf_token(session_id, facts.csrf_token):
            raise PermissionMissing(
                "A change by cookie needs the header X-CSRF-Token with the csrf_token of the sign-in or of "
                "GET /api/v1/auth/me.",
                code="csrf_token_invalid",
            )
        if not self._is_own_page(facts, or_none=False):
            raise PermissionMissing(
                f"A change by cookie must come from a page of {self._origin}, and say so in Origin or Sec-Fetch-Site.",
                code="cross_site_request",
            )

    def _is_own_page(self, facts: RequestFacts, *, or_none: bool) -> bool:
        """`or_none`: whether a request that says nothing of its page, as programs' do, passes."""
        if facts.origin is None and facts.fetch_site is None:
            return or_none
        if facts.origin is not None and facts.origin.lower() != self._origin:
            return False
        # "none" is what the person typed, which is no page at all: never a change.
        return facts.fetch_site is None or facts.fetch_site == "same-origin"


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers name them."""
    scheme, _, rest = url.lower().partition("://")
    host = rest.partition("/")[0]
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(default) if default else host}"


def _refuse_several(facts: RequestFacts) -> None:
    if facts.authorizations + len(facts.session_cookies) > 1:
        raise AuthenticationFailed(
            "More than one credential came with this request: send one Authorization header or one session cookie, "
            "not both.",
            code="credentials_ambiguous",
        )


def _bearer(header: bytes | None) -> str | None:
    scheme, _, credentials = (header or b"").strip().partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    try:
        return credentials.strip().decode("ascii")
    except UnicodeDecodeError:
        raise AuthenticationFailed("The bearer token is not ASCII.", code="token_invalid") from None


def _mode(facts: RequestFacts) -> int:
    if facts.mode is None:
        return 0
    mode = MODES.get(facts.mode.lower())
    if mode is None:
        raise InvalidRequest("The header Bursar-Mode must be test or live.", param="bursar-mode")
    return mode


def _check_key_headers(principal: Principal, facts: RequestFacts) -> None:
    """A key says by itself whose it is and which mode; a header that says otherwise is a mistake."""
    if facts.mode is not None and _mode(facts) != principal.livemode:
        raise InvalidRequest(
            f"This key is for the {'live' if principal.livemode else 'test'} mode, and Bursar-Mode names the other. "
            "Leave the header away, or use a key of that mode.",
            param="bursar-mode",
        )
    if facts.organisation is not None and facts.organisation != principal.org_id:
        raise PermissionMissing(
            "A key belongs to one organisation, and Bursar-Organisation names another.",
            code="permission_missing",
            param="bursar-organisation",
        )


def _has_proved(standing: Standing, clock: Clock) -> bool:
    return clock.now_microseconds() - standing.session.proved_at <= PROOF_SECONDS_MAX * MICROSECONDS_PER_SECOND


def _session_over() -> AuthenticationFailed:
    return AuthenticationFailed("The session has ended. Sign in again.", code="session_ended")
