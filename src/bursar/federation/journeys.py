"""A browser on its way to a provider and back.

What must be remembered meanwhile travels in a cookie, sealed: so nobody who only comes by costs a row, and the
answer counts in the browser that asked, and in no other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from bursar.federation.metadata import Described
from bursar.federation.rules import ClaimsRefused
from bursar.federation.schemas import Provider
from bursar.http.responses import Header
from bursar.kit.clock import Clock, seconds
from bursar.kit.sealing import SealBroken, Sealing

COOKIE = "bursar_journey"
JOURNEY_SECONDS_MAX = 600
CHANCE_BYTES = 32
COOKIE_LENGTH_MAX = 4_000
STATE_LENGTH_MAX = 200


class Journey(msgspec.Struct, kw_only=True, frozen=True):
    provider_id: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    expires: int
    # Who asked for it, where a signed-in person links their account.
    links_user: str | None = None

    def __repr__(self) -> str:
        return f"Journey({self.provider_id})"


class Journeys:
    def __init__(self, clock: Clock, sealing: Sealing, *, secure: bool) -> None:
        self._clock = clock
        self._sealing = sealing
        self._secure = secure
        self._prefix = "__Host-" if secure else ""

    def begin(self, provider: Provider, return_to: str, links_user: str | None = None) -> Journey:
        return Journey(
            provider_id=provider.id,
            state=_chance(),
            nonce=_chance(),
            verifier=_chance(),
            return_to=return_to,
            expires=seconds(self._clock.now_microseconds()) + JOURNEY_SECONDS_MAX,
            links_user=links_user,
        )

    def cookie(self, journey: Journey) -> Header:
        """One for each state: two tabs do not disturb each other."""
        sealed = self._sealing.seal(msgspec.json.encode(journey), COOKIE)
        value = sealed.replace("+", "-").replace("/", "_").rstrip("=")
        return self._header(self._name(journey.state), value, JOURNEY_SECONDS_MAX)

    def no_cookie(self, state: str) -> Header:
        return self._header(self._name(state), "", 0)

    def read(self, cookies: dict[str, str], provider_id: str, state: str) -> Journey:
        """Raises ClaimsRefused when this browser did not begin it, or too long ago."""
        value = cookies.get(self._name(state), "")
        if not value or len(value) > COOKIE_LENGTH_MAX:
            raise ClaimsRefused("no journey of this browser")
        text = value.replace("-", "+").replace("_", "/")
        try:
            plain = self._sealing.unseal(text + "=" * (-len(text) % 4), COOKIE)
            journey = msgspec.json.decode(plain, type=Journey)
        except (SealBroken, msgspec.MsgspecError):
            raise ClaimsRefused("a journey that was not made here") from None
        if not hmac.compare_digest(journey.state, state) or journey.provider_id != provider_id:
            raise ClaimsRefused("the answer to another journey")
        if seconds(self._clock.now_microseconds()) >= journey.expires:
            raise ClaimsRefused("a journey that took too long")
        return journey

    def _name(self, state: str) -> str:
        return f"{self._prefix}{COOKIE}_{hashlib.sha256(state.encode(errors='replace')).hexdigest()[:16]}"

    def _header(self, name: str, value: str, max_age_seconds: int) -> Header:
        # Lax, as the provider's page leads back here.
        attributes = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={max_age_seconds}"]
        if self._secure:
            attributes.append("Secure")
        return b"set-cookie", "; ".join(attributes).encode()


def address_of(described: Described, provider: Provider, journey: Journey, redirect_uri: str) -> str:
    """Where the browser goes to sign in."""
    challenge = hashlib.sha256(journey.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": provider.document.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.document.scopes),
        "state": journey.state,
        "nonce": journey.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    parts = urlsplit(described.authorization_endpoint)
    query = "&".join(filter(None, (parts.query, urlencode(asked))))
    return urlunsplit(parts._replace(query=query))


def _chance() -> str:
    return secrets.token_urlsafe(CHANCE_BYTES)
