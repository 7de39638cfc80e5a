"""Tokens that work once: invitations, e-mail addresses to verify, passwords to reset."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.people.secrets import Secrets, new_token
from bursar.people.tables import one_time_tokens
from bursar.store.columns import INSTALLATION
from bursar.store.errors import RowsExpected
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

INSERT = one_time_tokens.insert()
USE = (
    one_time_tokens.update()
    .where(
        one_time_tokens.c.org_id == bindparam("o"),
        one_time_tokens.c.token_hash == bindparam("h"),
        one_time_tokens.c.used.is_(None),
    )
    .values(used=bindparam("at"))
)
_FIND = select(one_time_tokens).where(
    one_time_tokens.c.org_id == INSTALLATION, one_time_tokens.c.token_hash == bindparam("h")
)


class OneTimeTokens:
    """The token itself is kept nowhere. A purpose's token is worth nothing for another."""

    def __init__(self, store: Store, clock: Clock, secrets: Secrets) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets

    async def issue(self, purpose: str, subject: str, seconds: int) -> str:
        token, change = self.new(purpose, subject, seconds)
        await self._store.commit(Unit([change]))
        return token

    async def take(self, purpose: str, token: str) -> str | None:
        """The subject, once; None for what is unknown, expired, used already or for something else."""

        def work(connection: Connection) -> tuple[str | None, Unit]:
            found = self.taking(connection, purpose, token)
            return (found[0], Unit([found[1]])) if found is not None else (None, Unit())

        try:
            subject: str | None = await self._store.transact(work)
        except RowsExpected:  # somebody else took it at this moment
            return None
        return subject

    async def peek(self, purpose: str, token: str) -> str | None:
        """The subject of a token that could be taken."""
        return await self._store.read(lambda connection: (self.taking(connection, purpose, token) or (None,))[0])

    def new(self, purpose: str, subject: str, seconds: int) -> tuple[str, Change]:
        """The token, and the change that makes it work: for the commit of what it is about."""
        token, now = new_token(), self._clock.now_microseconds()
        row = {
            "org_id": INSTALLATION,
            "token_hash": self._secrets.hash(_key(purpose), token),
            "purpose": purpose,
            "subject": subject,
            "created": now,
            "expires": now + seconds * MICROSECONDS_PER_SECOND,
            "used": None,
        }
        return token, Change(INSERT, row)

    def taking(self, connection: Connection, purpose: str, token: str) -> tuple[str, Change] | None:
        """The subject, and the change that uses it up: for the commit of what it allows.

        Whoever comes second has RowsExpected.
        """
        now = self._clock.now_microseconds()
        for token_hash in self._secrets.hashes(_key(purpose), token):
            row = connection.execute(_FIND, {"h": token_hash}).first()
            if row is not None and row.purpose == purpose and row.used is None and now < row.expires:
                return row.subject, Change(USE, {"o": INSTALLATION, "h": token_hash, "at": now}, rows_expected=1)
        return None


def _key(purpose: str) -> str:
    return f"one-time token for {purpose}"
