"""The mail server, as the setting `smtp_url` names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from bursar.notifications.rules import is_address

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    host: str
    port: int
    # From the first byte on.
    tls: bool
    # After a plain greeting, and no mail without it.
    starttls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    # A file of certificates to trust instead of the system's, for a server with one of its own.
    authorities: str | None = None


def read_smtp_url(text: str) -> SmtpAddress:
    """Raises ValueError, which names no password."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("it is no address") from None
    if parts.scheme not in PORTS or not host:
        raise ValueError(f"it must begin with {', '.join(f'{name}://' for name in PORTS)} and name a host")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError(
            "there is something behind the host and port; encode @, / and : of a password as %40, %2F, %3A"
        )
    options = parse_qs(parts.query, keep_blank_values=True)
    if options.keys() - {"ca"}:
        raise ValueError("the only option is ca, a file of certificates to trust")
    user = unquote(parts.username) if parts.username else None
    plain = parts.scheme == "smtp"
    if plain and user and host not in LOOPBACK:
        raise ValueError("a password is not sent without encryption: use smtp+starttls:// or smtps://")
    return SmtpAddress(
        host=host,
        port=port or PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        starttls=parts.scheme == "smtp+starttls",
        user=user,
        password=unquote(parts.password or "") if user else None,
        authorities=options.get("ca", [None])[0],
    )


def read_mail_from(text: str) -> tuple[str, str]:
    """The name, which may be empty, and the address."""
    name, address = parseaddr(text)
    if not text.isprintable() or not is_address(address):
        raise ValueError("it must look like payments@example.com or Payments <payments@example.com>")
    return name, address
