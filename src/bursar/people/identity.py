"""Everything about people, put together once."""

from __future__ import annotations

from sqlalchemy import Connection

from bursar.http.authentication import KeyDirectory
from bursar.kit.clock import Clock
from bursar.kit.ids import IdFactory
from bursar.kit.slow_hash import SlowHash
from bursar.people import repository, rules
from bursar.people.gate import ControlGate
from bursar.people.keys import SigningKeys
from bursar.people.lockout import Lockout
from bursar.people.one_time import OneTimeTokens
from bursar.people.profile import Profile
from bursar.people.secrets import Secrets
from bursar.people.service import Neighbours, PeopleService
from bursar.people.sessions import Sessions
from bursar.people.sign_in import SignIn
from bursar.people.standing import Standings
from bursar.people.tokens import AccessTokens
from bursar.people.visits import Cookies
from bursar.store.store import Store
from bursar.store.unit import Unit


class Identity:
    """Wiring only. Features above fill in `neighbours`: memberships, second factors, tokens of providers."""

    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        slow_hash: SlowHash,
        *,
        secret: str,
        previous_secret: str | None,
        public_url: str,
        development: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self.public_url = public_url.rstrip("/")
        self.secrets = Secrets(secret, previous_secret)
        self.neighbours = Neighbours()
        self.keys = SigningKeys(store, clock, self.secrets)
        self.access_tokens = AccessTokens(self.keys, clock, self.public_url)
        self.one_time = OneTimeTokens(store, clock, self.secrets)
        self.lockout = Lockout(store, clock, self.secrets)
        self.standings = Standings(store, clock, self.neighbours)
        self.sessions = Sessions(
            store,
            ids,
            clock,
            self.secrets,
            self.access_tokens,
            self.neighbours,
            self.standings,
            self.lockout,
            Cookies(self.public_url),
        )
        self.people = PeopleService(store, ids, clock, slow_hash, self.neighbours, self.sessions)
        self.sign_in = SignIn(
            store,
            self.people,
            self.sessions,
            self.lockout,
            self.one_time,
            self.neighbours,
            development=development,
        )
        self.profile = Profile(store, self.people, self.sessions, self.sign_in, self.neighbours)

    def gate(self, directory: KeyDirectory) -> ControlGate:
        return ControlGate(
            directory,
            self._store,
            self._clock,
            self.sessions,
            self.standings,
            self.access_tokens,
            self.neighbours,
            self.public_url,
        )

    def seed_development(self, org_id: str) -> str:
        """The known user of dev mode; tells their id. Who makes them owner of the organisation is above."""

        def work(connection: Connection) -> tuple[None, Unit]:
            if repository.find(connection, rules.DEVELOPMENT_USER_ID) is not None:
                return None, Unit()
            _, unit = self.people.new_user(
                connection,
                user_id=rules.DEVELOPMENT_USER_ID,
                email=rules.DEVELOPMENT_EMAIL,
                name="Development Owner",
                password_hash=rules.DEVELOPMENT_PASSWORD_HASH,
                email_verified=True,
                now=self._clock.now_microseconds(),
                organisations=[org_id],
            )
            return None, unit

        self._store.transact_blocking(work)
        return rules.DEVELOPMENT_USER_ID
