"""Second factors' SQL."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, select

from bursar.kit.clock import seconds
from bursar.kit.recipients import masked
from bursar.second_factors.schemas import Channel, CodeFactor, Passkey
from bursar.second_factors.tables import (
    code_factors,
    passkeys,
    recovery_codes,
    sent_codes,
    spent_challenges,
    totp_secrets,
)
from bursar.store.columns import INSTALLATION
from bursar.store.unit import Change

PASSKEY_PREFIX = "psk"

INSERT_TOTP = totp_secrets.insert()
_TOTP = (totp_secrets.c.org_id == INSTALLATION, totp_secrets.c.user_id == bindparam("u"))
# Only what is not in use is replaced: whoever has one takes it away first.
DELETE_UNCONFIRMED_TOTP = totp_secrets.delete().where(*_TOTP, totp_secrets.c.confirmed.is_(None))
DELETE_TOTP = totp_secrets.delete().where(*_TOTP)
SPEND_STEP = (
    totp_secrets.update()
    .where(
        *_TOTP,
        totp_secrets.c.created == bindparam("expected_created"),
        totp_secrets.c.last_step == bindparam("expected_step"),
    )
    .values(last_step=bindparam("new_step"), confirmed=bindparam("new_confirmed"), sealed=bindparam("new_sealed"))
)
_FIND_TOTP = select(totp_secrets).where(*_TOTP)

INSERT_CODES = recovery_codes.insert()
_CODES = (recovery_codes.c.org_id == INSTALLATION, recovery_codes.c.user_id == bindparam("u"))
DELETE_CODES = recovery_codes.delete().where(*_CODES)
UPDATE_CODES = (
    recovery_codes.update()
    .where(*_CODES, recovery_codes.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), hashes=bindparam("new_hashes"), created=bindparam("new_created"))
)
_FIND_CODES = select(recovery_codes).where(*_CODES)

INSERT_PASSKEY = passkeys.insert()
_PASSKEYS = (passkeys.c.org_id == INSTALLATION, passkeys.c.user_id == bindparam("u"))
_PASSKEY = (*_PASSKEYS, passkeys.c.id == bindparam("i"))
DELETE_PASSKEY = passkeys.delete().where(*_PASSKEY)
DELETE_PASSKEYS = passkeys.delete().where(*_PASSKEYS)
RENAME_PASSKEY = passkeys.update().where(*_PASSKEY).values(name=bindparam("new_name"))
USE_PASSKEY = (
    passkeys.update()
    .where(*_PASSKEY, passkeys.c.sign_count == bindparam("expected_count"))
    .values(sign_count=bindparam("new_count"), last_used=bindparam("at"), backed_up=bindparam("new_backed_up"))
)
_FIND_PASSKEY = select(passkeys).where(*_PASSKEY)
_FIND_PASSKEY_BY_CREDENTIAL = select(passkeys).where(
    passkeys.c.org_id == INSTALLATION, passkeys.c.credential_hash == bindparam("h")
)
_PASSKEYS_OF = select(passkeys).where(*_PASSKEYS).order_by(passkeys.c.id)
_COUNT_PASSKEYS = select(func.count()).where(*_PASSKEYS)

INSERT_CODE_FACTOR = code_factors.insert()
_CODE_FACTORS = (code_factors.c.org_id == INSTALLATION, code_factors.c.user_id == bindparam("u"))
DELETE_CODE_FACTOR = code_factors.delete().where(*_CODE_FACTORS, code_factors.c.channel == bindparam("c"))
DELETE_CODE_FACTORS = code_factors.delete().where(*_CODE_FACTORS)
_CODE_FACTORS_OF = select(code_factors).where(*_CODE_FACTORS).order_by(code_factors.c.channel)

INSERT_SENT = sent_codes.insert()
_SENT_CODES = (sent_codes.c.org_id == INSTALLATION, sent_codes.c.user_id == bindparam("u"))
_SENT_CODE = (*_SENT_CODES, sent_codes.c.purpose == bindparam("p"))
_AS_READ = (
    *_SENT_CODE,
    sent_codes.c.code_hash == bindparam("expected_hash"),
    sent_codes.c.tries == bindparam("expected_tries"),
)
REPLACE_SENT = sent_codes.delete().where(*_SENT_CODE)
USE_SENT = sent_codes.delete().where(*_AS_READ)
COUNT_TRY = sent_codes.update().where(*_AS_READ).values(tries=bindparam("new_tries"))
DELETE_SENT_CODES = sent_codes.delete().where(*_SENT_CODES)
FORGET_SENT_CODES = sent_codes.delete().where(
    sent_codes.c.org_id == INSTALLATION, sent_codes.c.expires < bindparam("before")
)
_FIND_SENT_CODE = select(sent_codes).where(*_SENT_CODE)

INSERT_SPENT = spent_challenges.insert()
_FIND_SPENT = select(spent_challenges.c.expires).where(
    spent_challenges.c.org_id == INSTALLATION, spent_challenges.c.challenge_hash == bindparam("h")
)
DELETE_SPENT = spent_challenges.delete().where(
    spent_challenges.c.org_id == INSTALLATION, spent_challenges.c.expires < bindparam("before")
)


class StoredTotp(NamedTuple):
    user_id: str
    sealed: str
    created: int
    confirmed: int | None
    last_step: int


class StoredCodes(NamedTuple):
    user_id: str
    version: int
    hashes: list[str]
    created: int | None


class StoredPasskey(NamedTuple):
    user_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    passkey: Passkey


class StoredCodeFactor(NamedTuple):
    user_id: str
    channel: Channel
    recipient: str
    created: int


class SentCode(NamedTuple):
    user_id: str
    purpose: str
    channel: Channel
    recipient: str
    code_hash: str
    tries: int
    created: int
    expires: int


def find_totp(connection: Connection, user_id: str) -> StoredTotp | None:
    row = connection.execute(_FIND_TOTP, {"u": user_id}).first()
    return StoredTotp(row.user_id, row.sealed, row.created, row.confirmed, row.last_step) if row else None


def insert_totp(totp: StoredTotp) -> Change:
    return Change(INSERT_TOTP, {"org_id": INSTALLATION} | totp._asdict())


def delete_unconfirmed_totp(user_id: str) -> Change:
    return Change(DELETE_UNCONFIRMED_TOTP, {"u": user_id})


def delete_totp(user_id: str) -> Change:
    return Change(DELETE_TOTP, {"u": user_id}, rows_expected=1)


def spend_step(totp: StoredTotp, step: int, *, confirmed: int, sealed: str) -> Change:
    row = {
        "u": totp.user_id,
        "expected_created": totp.created,
        "expected_step": totp.last_step,
        "new_step": step,
        "new_confirmed": confirmed,
        "new_sealed": sealed,
    }
    return Change(SPEND_STEP, row, rows_expected=1)


def find_codes(connection: Connection, user_id: str) -> StoredCodes:
    row = connection.execute(_FIND_CODES, {"u": user_id}).first()
    if row is None:
        return StoredCodes(user_id, 0, [], None)
    return StoredCodes(user_id, row.version, msgspec.json.decode(row.hashes, type=list[str]), row.created)


def keep_codes(before: StoredCodes, hashes: list[str], created: int) -> Change:
    """Of somebody's first codes, too: there they have the version 0."""
    hashes_json = msgspec.json.encode(hashes).decode()
    if not before.version:
        row = {"org_id": INSTALLATION, "user_id": before.user_id, "version": 1, "hashes": hashes_json}
        return Change(INSERT_CODES, row | {"created": created})
    row = {
        "u": before.user_id,
        "expected_version": before.version,
        "new_version": before.version + 1,
        "new_hashes": hashes_json,
        "new_created": created,
    }
    return Change(UPDATE_CODES, row, rows_expected=1)


def insert_passkey(stored: StoredPasskey, credential_hash: str, now: int) -> Change:
    passkey = stored.passkey
    row = {
        "org_id": INSTALLATION,
        "user_id": stored.user_id,
        "id": passkey.id,
        "credential_hash": credential_hash,
        "credential_id": base64.b64encode(stored.credential_id).decode(),
        "public_key": base64.b64encode(stored.public_key).decode(),
        "sign_count": stored.sign_count,
        "name": passkey.name,
        "transports": msgspec.json.encode(passkey.transports).decode(),
        "backed_up": int(passkey.backed_up),
        "created": now,
        "last_used": None,
    }
    return Change(INSERT_PASSKEY, row)


def delete_passkey(user_id: str, passkey_id: str) -> Change:
    return Change(DELETE_PASSKEY, {"u": user_id, "i": passkey_id}, rows_expected=1)


def rename_passkey(user_id: str, passkey_id: str, name: str) -> Change:
    return Change(RENAME_PASSKEY, {"u": user_id, "i": passkey_id, "new_name": name}, rows_expected=1)


def use_passkey(stored: StoredPasskey, sign_count: int, now: int, *, backed_up: bool) -> Change:
    row = {
        "u": stored.user_id,
        "i": stored.passkey.id,
        "expected_count": stored.sign_count,
        "new_count": sign_count,
        "at": now,
        "new_backed_up": int(backed_up),
    }
    return Change(USE_PASSKEY, row, rows_expected=1)


def find_passkey(connection: Connection, user_id: str, passkey_id: str) -> StoredPasskey | None:
    row = connection.execute(_FIND_PASSKEY, {"u": user_id, "i": passkey_id}).first()
    return _passkey(row) if row else None


def find_passkey_by_credential(connection: Connection, credential_hash: str) -> StoredPasskey | None:
    row = connection.execute(_FIND_PASSKEY_BY_CREDENTIAL, {"h": credential_hash}).first()
    return _passkey(row) if row else None


def passkeys_of(connection: Connection, user_id: str) -> list[StoredPasskey]:
    return [_passkey(row) for row in connection.execute(_PASSKEYS_OF, {"u": user_id})]


def count_passkeys(connection: Connection, user_id: str) -> int:
    return int(connection.execute(_COUNT_PASSKEYS, {"u": user_id}).scalar_one())


def has_factor(connection: Connection, user_id: str) -> bool:
    """Something beyond the password. Recovery codes stand in for one, and are none by themselves."""
    totp = find_totp(connection, user_id)
    return (
        (totp is not None and totp.confirmed is not None)
        or count_passkeys(connection, user_id) > 0
        or bool(code_factors_of(connection, user_id))
    )


def delete_all(user_id: str) -> list[Change]:
    statements = (DELETE_TOTP, DELETE_CODES, DELETE_PASSKEYS, DELETE_CODE_FACTORS, DELETE_SENT_CODES)
    return [Change(statement, {"u": user_id}) for statement in statements]


def code_factors_of(connection: Connection, user_id: str) -> list[StoredCodeFactor]:
    rows = connection.execute(_CODE_FACTORS_OF, {"u": user_id})
    return [StoredCodeFactor(row.user_id, cast(Channel, row.channel), row.recipient, row.created) for row in rows]


def find_code_factor(connection: Connection, user_id: str, channel: str) -> StoredCodeFactor | None:
    return next((found for found in code_factors_of(connection, user_id) if found.channel == channel), None)


def code_factor_view(stored: StoredCodeFactor) -> CodeFactor:
    return CodeFactor(channel=stored.channel, recipient=masked(stored.recipient), created=seconds(stored.created))


def insert_code_factor(stored: StoredCodeFactor) -> Change:
    return Change(INSERT_CODE_FACTOR, {"org_id": INSTALLATION} | stored._asdict())


def delete_code_factor(user_id: str, channel: str) -> Change:
    return Change(DELETE_CODE_FACTOR, {"u": user_id, "c": channel}, rows_expected=1)


def find_sent_code(connection: Connection, user_id: str, purpose: str) -> SentCode | None:
    row = connection.execute(_FIND_SENT_CODE, {"u": user_id, "p": purpose}).first()
    return SentCode(*(getattr(row, name) for name in SentCode._fields)) if row else None


def keep_sent_code(sent: SentCode) -> list[Change]:
    """Instead of the one before."""
    return [
        Change(REPLACE_SENT, {"u": sent.user_id, "p": sent.purpose}),
        Change(INSERT_SENT, {"org_id": INSTALLATION} | sent._asdict()),
    ]


def use_sent_code(sent: SentCode) -> Change:
    return Change(USE_SENT, _as_read(sent), rows_expected=1)


def count_try(sent: SentCode) -> Change:
    return Change(COUNT_TRY, _as_read(sent) | {"new_tries": sent.tries + 1}, rows_expected=1)


def _as_read(sent: SentCode) -> dict[str, Any]:
    return {"u": sent.user_id, "p": sent.purpose, "expected_hash": sent.code_hash, "expected_tries": sent.tries}


def forget_sent_codes(before: int) -> Change:
    return Change(FORGET_SENT_CODES, {"before": before})


def spend_challenge(challenge_hash: str, expires: int) -> Change:
    return Change(INSERT_SPENT, {"org_id": INSTALLATION, "challenge_hash": challenge_hash, "expires": expires})


def is_spent(connection: Connection, challenge_hash: str) -> bool:
    return connection.execute(_FIND_SPENT, {"h": challenge_hash}).first() is not None


def forget_spent(before_seconds: int) -> Change:
    return Change(DELETE_SPENT, {"before": before_seconds})


def _passkey(row: Row[Any]) -> StoredPasskey:
    return StoredPasskey(
        user_id=row.user_id,
        credential_id=base64.b64decode(row.credential_id),
        public_key=base64.b64decode(row.public_key),
        sign_count=row.sign_count,
        passkey=Passkey(
            id=row.id,
            name=row.name,
            transports=msgspec.json.decode(row.transports, type=list[str]),
            backed_up=bool(row.backed_up),
            created=seconds(row.created),
            last_used=None if row.last_used is None else seconds(row.last_used),
        ),
    )
