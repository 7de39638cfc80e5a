"""What providers publish of themselves: their description and their keys, fetched when needed and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bursar.federation import rules
from bursar.federation.rules import ALGORITHMS, ClaimsRefused
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import BursarError

if TYPE_CHECKING:
    import httpx2
    from joserfc.jwk import KeySet

DESCRIPTION_PATH = "/.well-known/openid-configuration"
SECONDS_MAX = 5.0
BYTES_MAX = 512 * 1024
TOKEN_LENGTH_MAX = 16_384
KEPT = 3600 * MICROSECONDS_PER_SECOND
# A key that is not known may be new; but whoever invents key ids must not make us ask each time.
KEYS_REREAD = 30 * MICROSECONDS_PER_SECOND
DEFAULT_ALGORITHMS = ("RS256",)


class ProviderAway(BursarError):
    """The provider did not answer, or not with what a provider answers."""


@dataclass(slots=True)
class Described:
    """One provider's description, checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: list[str]
    names_issuer: bool
    token_methods: list[str]
    read_at: int
    keys: KeySet | None = None
    keys_read_at: int = 0
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Metadata:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Described] = {}
        self._client: httpx2.AsyncClient | None = None

    async def of(self, issuer: str) -> Described:
        """Raises ProviderAway and ClaimsRefused."""
        now = self._clock.now_microseconds()
        known = self._known.get(issuer)
        if known is not None and now - known.read_at < KEPT:
            return known
        try:
            described = self._described(issuer, await self._get(issuer.rstrip("/") + DESCRIPTION_PATH), now)
        except ProviderAway:
            if known is not None:  # what it said an hour ago is better than nobody signing in
                return known
            raise
        self._known[issuer] = described
        return described

    async def verified(self, issuer: str, token: str, types: frozenset[str]) -> dict[str, Any]:
        """The claims of a token that the issuer signed. Raises ProviderAway and ClaimsRefused."""
        from joserfc import jws
        from joserfc.errors import JoseError

        described = await self.of(issuer)
        header = _header(token)
        if header.get("alg") not in described.algorithms:
            raise ClaimsRefused("the token is signed in a way that its issuer does not use, or that proves nothing")
        if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in types:
            raise ClaimsRefused("it is a token of another kind")
        if header.keys() & {"crit", "jku", "jwk", "x5u", "x5c"}:
            raise ClaimsRefused("the token brings its own key, or asks for what we do not do")
        key = await self._key(described, header)
        try:
            signed = jws.deserialize_compact(token, key, algorithms=[str(header["alg"])])
            claims = msgspec.json.decode(signed.payload)
        except (JoseError, msgspec.MsgspecError, ValueError, TypeError):
            raise ClaimsRefused("the token's signature or form is wrong") from None
        if not isinstance(claims, dict):
            raise ClaimsRefused("the token has no claims")
        return claims

    async def exchange(self, described: Described, form: Mapping[str, str], client: tuple[str, str | None]) -> str:
        """The ID token for a code. Raises ProviderAway and ClaimsRefused."""
        import httpx2
        from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

        client_id, secret = client
        method = "none"
        if secret is not None:
            basic = "client_secret_basic" in described.token_methods
            method = "client_secret_basic" if basic else "client_secret_post"
        try:
            async with AsyncOAuth2Client(
                client_id, secret, token_endpoint_auth_method=method, timeout=SECONDS_MAX, trust_env=False
            ) as oauth:
                answer = await oauth.fetch_token(described.token_endpoint, grant_type="authorization_code", **form)
        except AuthlibBaseError as problem:
            raise ClaimsRefused(f"the provider refused the code: {str(problem.error)[:60]}") from None
        except (httpx2.HTTPError, ValueError, KeyError) as problem:
            raise ProviderAway(f"the provider's token endpoint: {type(problem).__name__}") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ClaimsRefused("the provider gave no ID token")
        return token

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def forget(self, issuer: str) -> None:
        self._known.pop(issuer, None)

    async def keys(self, described: Described) -> KeySet:
        if described.keys is None:
            await self._read_keys(described)
        assert described.keys is not None
        return described.keys

    async def _key(self, described: Described, header: Mapping[str, Any]) -> Any:
        """The one key that the header names, if it is one for signing by its algorithm."""
        wanted = _chosen(await self.keys(described), header)
        if wanted is None:
            async with described.reading:
                if self._clock.now_microseconds() - described.keys_read_at >= KEYS_REREAD:
                    await self._read_keys(described)
            wanted = _chosen(await self.keys(described), header)
        if wanted is None:
            raise ClaimsRefused("the token is signed with a key that its issuer does not publish")
        return wanted

    async def _read_keys(self, described: Described) -> None:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        described.keys_read_at = self._clock.now_microseconds()
        found = (await self._get(described.jwks_uri)).get("keys")
        if not isinstance(found, list):
            raise ProviderAway("the provider's keys are no list")
        usable = [key for key in found if _is_usable(key)]
        try:
            described.keys = KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderAway("the provider's keys cannot be read") from None

    def _described(self, issuer: str, found: Mapping[str, Any], now: int) -> Described:
        if found.get("issuer") != issuer:
            raise ClaimsRefused("the description at the issuer's address is another issuer's")
        said = found.get("id_token_signing_alg_values_supported") or DEFAULT_ALGORITHMS
        algorithms = [name for name in said if name in ALGORITHMS] if isinstance(said, list | tuple) else []
        if not algorithms:
            raise ClaimsRefused("the provider signs in no way that proves anything")
        methods = found.get("token_endpoint_auth_methods_supported")
        return Described(
            issuer=issuer,
            authorization_endpoint=rules.check_endpoint(
                found.get("authorization_endpoint"), issuer, "authorization_endpoint"
            ),
            token_endpoint=rules.check_endpoint(found.get("token_endpoint"), issuer, "token_endpoint"),
            jwks_uri=rules.check_endpoint(found.get("jwks_uri"), issuer, "jwks_uri"),
            algorithms=algorithms,
            names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
            token_methods=methods if isinstance(methods, list) else ["client_secret_basic"],
            read_at=now,
        )

    async def _get(self, url: str) -> dict[str, Any]:
        """JSON of bounded size, without following redirects and without a proxy of the environment."""
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=SECONDS_MAX, follow_redirects=False, trust_env=False)
        body = b""
        try:
            async with self._client.stream("GET", url, headers={"accept": "application/json"}) as answer:
                if answer.status_code != 200:
                    raise ProviderAway(f"the provider answered {answer.status_code}")
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > BYTES_MAX:
                        raise ProviderAway("the provider's answer has no end")
            found = msgspec.json.decode(body)
        except (httpx2.HTTPError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            raise ProviderAway(f"the provider: {type(problem).__name__}") from None
        if not isinstance(found, dict):
            raise ProviderAway("the provider's answer is no object")
        return found


def _header(token: str) -> dict[str, Any]:
    from joserfc.errors import JoseError
    from joserfc.jws import extract_compact

    if len(token) > TOKEN_LENGTH_MAX or token.count(".") != 2:
        raise ClaimsRefused("it does not have the form of a token")
    extract: Callable[[bytes], Any] = extract_compact
    try:
        header = extract(token.encode("ascii")).headers()
    except (JoseError, ValueError, UnicodeError, RecursionError, KeyError, TypeError, AttributeError):
        raise ClaimsRefused("the token's header cannot be read") from None
    if not isinstance(header, dict):
        raise ClaimsRefused("the token's header is no object")
    return header


_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


def _is_usable(key: object) -> bool:
    """Public keys for signatures. One of a shared secret among them would be a trap."""
    return (
        isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and "d" not in key
    )


def _chosen(keys: KeySet, header: Mapping[str, Any]) -> Any | None:
    algorithm, kid = str(header["alg"]), header.get("kid")
    fitting = [
        key
        for key in keys.keys
        if key.key_type == _KEY_TYPES[algorithm[:2]] and key.as_dict(private=False).get("alg", algorithm) == algorithm
    ]
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid]
    # Without a name it must be clear which one is meant.
    return fitting[0] if len(fitting) == 1 else None
