"""What a request tells of its sender, as principals: nobody known, or a person."""

from __future__ import annotations

from dataclasses import dataclass

from bursar.http.asgi import Scope
from bursar.http.authentication import Principal
from bursar.http.responses import Header
from bursar.kit.errors import AuthenticationFailed
from bursar.people.tables import USER_AGENT_LENGTH_MAX

SESSION_COOKIE, DEVICE_COOKIE = "bursar_session", "bursar_device"
COOKIE_LENGTH_MAX = 200
DEVICE_SECONDS = 180 * 86_400


@dataclass(frozen=True, slots=True)
class Visitor(Principal):
    """Nobody that is known yet: who wants to sign in, for example."""

    device: str | None = None
    user_agent: str | None = None
    # Whether a page of somebody else sent it.
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Person(Principal):
    """Somebody who has signed in. `key_id` is the user's id."""

    by_cookie: bool = False
    device: str | None = None
    user_agent: str | None = None

    @property
    def user_id(self) -> str:
        return self.key_id


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The headers that the gate looks at, each at most once."""

    authorizations: int
    session_cookies: tuple[str, ...]
    device: str | None
    user_agent: str | None
    csrf_token: str | None
    origin: str | None
    fetch_site: str | None
    mode: str | None
    organisation: str | None


def read_facts(scope: Scope, cookies: Cookies) -> RequestFacts:
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name, []).append(value)
    pairs = [pair for line in found.get(b"cookie", []) for pair in _pairs(line.decode("latin-1"))]
    devices = [value for name, value in pairs if name == cookies.device_name and _plain(value)]
    return RequestFacts(
        authorizations=len(found.get(b"authorization", [])),
        session_cookies=tuple(value for name, value in pairs if name == cookies.session_name),
        device=devices[0] if len(devices) == 1 else None,
        user_agent=_shown(found.get(b"user-agent")),
        csrf_token=_single(found, b"x-csrf-token"),
        origin=_single(found, b"origin"),
        fetch_site=_single(found, b"sec-fetch-site"),
        mode=_single(found, b"bursar-mode"),
        organisation=_single(found, b"bursar-organisation"),
    )


class Cookies:
    """Their names and attributes. With the prefix a browser takes them from this host by https only."""

    def __init__(self, public_url: str) -> None:
        self._secure = public_url.lower().startswith("https://")
        prefix = "__Host-" if self._secure else ""
        self.session_name, self.device_name = prefix + SESSION_COOKIE, prefix + DEVICE_COOKIE

    def session(self, token: str, max_age_seconds: int | None) -> Header:
        return self._header(self.session_name, token, max_age_seconds)

    def device(self, token: str) -> Header:
        return self._header(self.device_name, token, DEVICE_SECONDS)

    def no_session(self) -> Header:
        return self._header(self.session_name, "", 0)

    def _header(self, name: str, value: str, max_age_seconds: int | None) -> Header:
        attributes = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        if self._secure:
            attributes.append("Secure")
        if max_age_seconds is not None:
            attributes.append(f"Max-Age={max_age_seconds}")
        return b"set-cookie", "; ".join(attributes).encode()


def _pairs(line: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in line.split(";"))
    return [(name, value) for name, equals, value in parts if equals]


def _plain(value: str) -> bool:
    return 0 < len(value) <= COOKIE_LENGTH_MAX and value.isascii() and value.isprintable()


def _single(found: dict[bytes, list[bytes]], name: bytes) -> str | None:
    values = found.get(name, [])
    if len(values) > 1:
        raise AuthenticationFailed(f"The header {name.decode()} came more than once; send it once.")
    return values[0].decode("latin-1").strip() if values else None


def _shown(values: list[bytes] | None) -> str | None:
    """For people to recognise a session by; anything may stand in it."""
    if not values:
        return None
    text = values[0].decode("ascii", "replace")[:USER_AGENT_LENGTH_MAX]
    return "".join(character if " " <= character <= "~" else "?" for character in text) or None
