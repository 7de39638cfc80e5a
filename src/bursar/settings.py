"""One typed settings object: from a TOML file, then from BURSAR_* variables, then checked."""

from __future__ import annotations

import hashlib
import importlib.util
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bursar.kit.errors import BursarError, InvalidRequest
from bursar.limits.rules import read_limits
from bursar.notifications.smtp_address import read_mail_from, read_smtp_url
from bursar.streams.rules import check_events, check_sink
from bursar.streams.schemas import read_installation_streams

VARIABLE_PREFIX = "BURSAR_"
FILE_VARIABLE = "BURSAR_CONFIG"
SECRET_LENGTH_MIN = 32
# Variables that belong to the test suite or to commands that ask a server, or name the file itself.
FOREIGN = ("BURSAR_TEST_", "BURSAR_CLIENT_", FILE_VARIABLE)
DEVELOPMENT_SECRET = "bursar-development-secret-known-to-all"  # noqa: S105 - refused outside dev mode
# Known to all, too: what they protect in dev mode are test cards.
DEVELOPMENT_VAULT_KEY = hashlib.sha256(b"bursar-development-vault-key").hexdigest()
DEVELOPMENT_FINGERPRINT_KEY = hashlib.sha256(b"bursar-development-fingerprint-key").hexdigest()
DEVELOPMENT_PORT = 8420
VAULT_KEY_BYTES = 32


class SettingsError(BursarError):
    """A setting is missing or wrong. The message names it and the remedy."""


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Each member is a key of the TOML file and, in capitals, a BURSAR_ variable."""

    development: bool = False
    database_url: str = ""
    # Keys the hashes of API keys. Changing it invalidates them all, unless the old one stays as previous.
    secret_key: str = ""
    secret_key_previous: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = DEVELOPMENT_PORT
    workers: Annotated[int, Meta(ge=1, le=128)] = 1
    # Background work that the server does beside the requests: all, none, or roles, comma separated.
    worker_roles: str = "all"
    # Committing threads of each process; 0 means one for SQLite, two elsewhere.
    writers: Annotated[int, Meta(ge=0, le=16)] = 0
    # Reading threads of each process; 0 means two for SQLite, four elsewhere.
    readers: Annotated[int, Meta(ge=0, le=64)] = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"
    # A line for every request. The log of events tells what was done, so this is for finding out why.
    log_requests: bool = False
    # Allows /metrics to whoever sends it as a bearer token; without one, only to the same machine.
    metrics_token: str | None = None
    # Addresses of proxies whose X-Forwarded-For is believed; comma separated.
    trusted_proxies: str = ""
    # Where processes share limits: redis:// or rediss://, a cluster too; without it, each has its own.
    redis_url: str | None = None
    # Instead of the defaults: "key.payments=100/s burst 500; address.sign_in=20/min", or "off".
    request_limits: str | None = None
    # The installation's own streams to message brokers: a JSON list, in the file [[streams]].
    streams: str | None = None
    # Brokers inside this network that organisations' own streams may lead to; comma separated.
    stream_hosts: str | None = None
    # Where the history of each payment is kept: mongodb://…; without it, it is not.
    history_url: str | None = None
    # Base address of an OpenTelemetry collector that takes OTLP over HTTP.
    tracing_endpoint: str | None = None
    # Wraps the data keys of the vault: 32 random bytes in hexadecimal. The previous one stays until a rotation is done.
    vault_key: str = ""
    vault_key_previous: str | None = None
    # Keys the fingerprints of card numbers: 32 random bytes in hexadecimal. It must never change.
    vault_fingerprint_key: str = ""
    # The PiggyBank that payments go to; `bursar dev` starts one of its own when there is no address.
    piggybank_url: str | None = None
    piggybank_api_key: str | None = None
    # What the bank signs its webhooks to us with.
    piggybank_webhook_secret: str | None = None
    # How our addresses look from outside, for links that customers follow; http://HOST:PORT when not set.
    public_url: str | None = None
    # Whether anybody may register an organisation: at once, once its owner's mail was read, or not at all.
    registration: Literal["open", "verified", "closed"] = "open"
    # The mail server, such as smtp+starttls://user:password@host:587; without it, messages wait and can be seen.
    smtp_url: str | None = None
    # Whom mails are from: payments@example.com, or Payments <payments@example.com>.
    mail_from: str = "Bursar <bursar@localhost>"
    # What one-time codes go to telephones by: an address of apprise's with {to} in it, such as
    # twilio://SID:TOKEN@+15551234567/{to}. An organisation may have its own.
    sms_url: str | None = None
    # Further services of apprise's that organisations may send notices by; comma separated, such as gotifys.
    notification_services: str | None = None
    # How long a bank may take to answer before its reply counts as lost and the bank is asked again.
    bank_seconds: Annotated[int, Meta(ge=1, le=60)] = 6
    shutdown_seconds: Annotated[int, Meta(ge=1, le=600)] = 25
    migrate_at_start: bool = True


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    environment = os.environ if environment is None else environment
    values = _from_file(file or _file_of(environment))
    values |= _from_environment(environment)
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as problem:
        raise SettingsError(f"The settings are not valid: {problem}.") from None
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Refuses what is only fit for development. Deny by default."""
    for name in ("vault_key", "vault_key_previous", "vault_fingerprint_key"):
        _check_vault_key(name, getattr(settings, name))
    _check_limits(settings)
    _check_mail(settings)
    _check_proxies(settings)
    _check_streams(settings)
    if settings.development:
        return
    if not settings.database_url:
        raise SettingsError(
            "No database is set. Set BURSAR_DATABASE_URL, for example to "
            "postgresql://bursar@localhost/bursar or sqlite:////var/lib/bursar/bursar.db."
        )
    if not settings.secret_key:
        raise SettingsError(
            "No secret is set. Set BURSAR_SECRET_KEY to a random text, for example from `openssl rand -hex 32`."
        )
    if settings.secret_key == DEVELOPMENT_SECRET or len(settings.secret_key) < SECRET_LENGTH_MIN:
        raise SettingsError(
            f"BURSAR_SECRET_KEY is the development default or shorter than {SECRET_LENGTH_MIN} characters. "
            "Set it to a random text, for example from `openssl rand -hex 32`."
        )
    for name, known in (
        ("vault_key", DEVELOPMENT_VAULT_KEY),
        ("vault_fingerprint_key", DEVELOPMENT_FINGERPRINT_KEY),
    ):
        if getattr(settings, name) in ("", known):
            raise SettingsError(
                f"{VARIABLE_PREFIX}{name.upper()} is not set, or is the development default. Set it to 64 random "
                "hexadecimal digits, for example from `openssl rand -hex 32`, and keep it where the database is not: "
                "without it no stored card can be used."
            )


def _check_limits(settings: Settings) -> None:
    try:
        read_limits(settings.request_limits or "")
    except ValueError as problem:
        raise SettingsError(f"BURSAR_REQUEST_LIMITS cannot be read: {problem}.") from None
    scheme, separator, rest = (settings.redis_url or "redis://here").partition("://")
    if scheme not in ("redis", "rediss", "unix") or not separator or not rest:
        raise SettingsError("BURSAR_REDIS_URL is no address of a Redis server; it looks like redis://localhost:6379/0.")
    if settings.redis_url and importlib.util.find_spec("redis") is None:
        raise SettingsError("BURSAR_REDIS_URL is set, but the client for Redis is not there: install bursar[redis].")


def _check_proxies(settings: Settings) -> None:
    """What is misspelt would be believed by nobody, and `*` would let anybody claim any address."""
    for text in filter(None, (part.strip() for part in settings.trusted_proxies.split(","))):
        try:
            network = ipaddress.ip_network(text)
        except ValueError as problem:
            raise SettingsError(
                f"BURSAR_TRUSTED_PROXIES names what is no address and no network, {text!r}: {problem}. "
                "It looks like 10.0.0.10, 10.0.1.0/24."
            ) from None
        if not network.prefixlen:
            raise SettingsError(
                f"BURSAR_TRUSTED_PROXIES is {text}, which is everybody: anybody could then claim any address. "
                "Name the proxies alone."
            )


def _check_mail(settings: Settings) -> None:
    try:
        if settings.smtp_url:
            read_smtp_url(settings.smtp_url)
    except ValueError as problem:
        raise SettingsError(f"BURSAR_SMTP_URL is not valid: {problem}.") from None
    try:
        read_mail_from(settings.mail_from)
    except ValueError as problem:
        raise SettingsError(f"BURSAR_MAIL_FROM is not valid: {problem}.") from None


def _check_streams(settings: Settings) -> None:
    try:
        for stream in read_installation_streams(settings.streams or ""):
            check_sink(stream.document().sink(dict(stream.credentials)))
            check_events(stream.events)
    except (ValueError, msgspec.MsgspecError, InvalidRequest) as problem:
        raise SettingsError(f"BURSAR_STREAMS cannot be used: {problem}") from None
    if settings.history_url is None:
        return
    if not settings.history_url.startswith(("mongodb://", "mongodb+srv://")):
        raise SettingsError("BURSAR_HISTORY_URL is no address of MongoDB; it looks like mongodb://localhost/bursar.")
    if importlib.util.find_spec("pymongo") is None:
        raise SettingsError("BURSAR_HISTORY_URL is set, but pymongo is not installed: install bursar[mongodb].")


def _check_vault_key(name: str, value: str | None) -> None:
    if not value:
        return
    try:
        key = bytes.fromhex(value)
    except ValueError:
        key = b""
    if len(key) != VAULT_KEY_BYTES:
        raise SettingsError(
            f"{VARIABLE_PREFIX}{name.upper()} must be {2 * VAULT_KEY_BYTES} hexadecimal digits, as "
            "`openssl rand -hex 32` makes them."
        )


def development(data: Path, port: int, environment: Mapping[str, str] | None = None) -> Settings:
    """Everything in one folder, on this machine only."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsError(f"{data} cannot be the folder for the data: {problem.strerror}.") from None
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {
        "development": True,
        "database_url": f"sqlite:///{data.resolve() / 'bursar.db'}",
        "secret_key": DEVELOPMENT_SECRET,
        "vault_key": DEVELOPMENT_VAULT_KEY,
        "vault_fingerprint_key": DEVELOPMENT_FINGERPRINT_KEY,
        "log_format": "text",
        "log_level": "warning",
    }
    allowed = {name: environment[name] for name in environment if name in _DEVELOPMENT_VARIABLES}
    return load(
        None,
        allowed | {FILE_VARIABLE: ""},
        values | _from_environment(allowed) | {"host": "127.0.0.1", "port": port},
    )


# What may be tried in dev mode without leaving it; the address and the secret stay as they are.
_DEVELOPMENT_VARIABLES = (
    "BURSAR_LOG_LEVEL",
    "BURSAR_LOG_FORMAT",
    "BURSAR_LOG_REQUESTS",
    "BURSAR_TRACING_ENDPOINT",
    "BURSAR_DATABASE_URL",
    "BURSAR_PIGGYBANK_URL",
    "BURSAR_PIGGYBANK_API_KEY",
    "BURSAR_PIGGYBANK_WEBHOOK_SECRET",
    "BURSAR_PUBLIC_URL",
    "BURSAR_BANK_SECONDS",
    "BURSAR_REGISTRATION",
    "BURSAR_REDIS_URL",
    "BURSAR_REQUEST_LIMITS",
    "BURSAR_SMTP_URL",
    "BURSAR_MAIL_FROM",
    "BURSAR_SMS_URL",
    "BURSAR_TRUSTED_PROXIES",
    "BURSAR_WORKER_ROLES",
    "BURSAR_STREAMS",
    "BURSAR_HISTORY_URL",
)


def to_environment(settings: Settings) -> dict[str, str]:
    """The same settings as variables, for worker processes."""
    defaults = Settings()
    result = {FILE_VARIABLE: ""}
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if value is not None and value != getattr(defaults, name):
            result[VARIABLE_PREFIX + name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    return result


def _file_of(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(FILE_VARIABLE)
    if named is not None:
        return Path(named) if named else None
    default = Path("bursar.toml")
    return default if default.is_file() else None


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"The settings file {file} cannot be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SettingsError(f"The settings file {file} is not valid TOML: {problem}.") from None
    if isinstance(values.get("streams"), list):
        values["streams"] = msgspec.json.encode(values["streams"]).decode()
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, value in environment.items():
        if name.startswith(VARIABLE_PREFIX) and not name.startswith(FOREIGN):
            values[name.removeprefix(VARIABLE_PREFIX).lower()] = value
    return values
