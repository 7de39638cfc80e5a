"""Registration: an organisation, its owner and what it needs for a first payment, in one commit.

Who has an account here is nobody's affair, and yet a new organisation's keys are in the answer. So:

- A known address is answered as a registration that waits for its mail: not refused. Whoever reads that mail and
  knows the password that was chosen has the organisation made, for the account that the address has.
- With the setting `registration` at `verified` every registration waits so, and the two cannot be told apart at all.
- At `open` whoever asks can tell an address that got keys at once from one that must wait. They may ask five times in
  an hour from one address, each time make an organisation, and each time the account's owner is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from bursar.accounts.rules import read_category, read_country, read_currency, read_name
from bursar.accounts.schemas import Organisation, profile_of
from bursar.accounts.service import AccountService, ShownOnce
from bursar.contracts.rules import require_acquirer
from bursar.contracts.service import ContractService
from bursar.http.call import Call
from bursar.kit.clock import Clock
from bursar.kit.errors import InvalidRequest, PermissionMissing
from bursar.kit.sealing import SealBroken, Sealing
from bursar.kit.slow_hash import SlowHash
from bursar.memberships.mails import Mails, Template
from bursar.memberships.service import MembershipService
from bursar.people import repository as users
from bursar.people.identity import Identity
from bursar.people.rules import canonical_password, checked_email, checked_name
from bursar.people.schemas import User
from bursar.people.service import DuplicateEmail
from bursar.people.service import view as user_view
from bursar.people.sessions import Tokens
from bursar.registration.schemas import KeysForTests, Registered, RegistrationParams, Wanted
from bursar.registration.verification import Verification
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Unit
from bursar.wallets.schemas import Wallet
from bursar.wallets.schemas import view as wallet_view
from bursar.wallets.service import WalletService

Mode = Literal["open", "verified", "closed"]

PURPOSE = "registration"
SEALED_FOR = "registrations that wait"
WAITING_SECONDS = 86_400
WALLET_NAME = "Main"
WAIT = (
    "We have written to this address. Follow the link in the mail within a day, and the organisation is made. If you "
    "have an account already, signing in works as ever."
)


class Made(NamedTuple):
    organisation: Organisation
    wallets: list[Wallet]
    secret: ShownOnce
    publishable: ShownOnce
    user: User
    is_new_user: bool


class RegistrationService:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        identity: Identity,
        accounts: AccountService,
        contracts: ContractService,
        wallets: WalletService,
        memberships: MembershipService,
        mails: Mails,
        verification: Verification,
        slow_hash: SlowHash,
        mode: Mode,
    ) -> None:
        self._store = store
        self._clock = clock
        self._identity = identity
        self._accounts = accounts
        self._contracts = contracts
        self._wallets = wallets
        self._memberships = memberships
        self._mails = mails
        self._verification = verification
        self._slow_hash = slow_hash
        self._mode = mode
        self._sealing = Sealing(identity.secrets.keys(SEALED_FOR))

    async def register(self, call: Call, params: RegistrationParams) -> Registered:
        if self._mode == "closed":
            raise PermissionMissing(
                "Nobody can register here by themselves. Ask whoever runs this installation, or somebody in your "
                "organisation for an invitation.",
                code="registration_closed",
            )
        wanted = await self._checked(params)
        if self._mode == "open":
            try:
                made: Made = await transact_again(self._store, lambda connection: self._make(connection, call, wanted))
            except DuplicateEmail:
                return await self._wait(call, wanted)
            return await self._complete(call, made)
        return await self._wait(call, wanted)

    async def confirm(self, call: Call, token: str, password: str) -> Registered:
        """By whoever reads the address's mail and has registered: one of them alone may be two different people."""
        people, one_time = self._identity.people, self._identity.one_time
        await self._verification.count_try("registration", token)
        wanted = await self._waiting(token)
        if not await self._matches(password, wanted):
            raise InvalidRequest(
                "This is not the password that was chosen at the registration. If somebody else has registered with "
                "your address, leave it: without this, nothing comes of it.",
                param="password",
                code="password_wrong",
            )
        known = await people.find_by_email(wanted.params.email)
        if known is not None and known.disabled:
            raise _not_valid()

        def work(connection: Connection) -> tuple[Made, Unit]:
            found = one_time.taking(connection, PURPOSE, token)
            if found is None:
                raise _not_valid()
            made, unit = self._make(connection, call, wanted, owner=known, email_verified=True)
            unit.changes.append(found[1])
            return made, unit

        try:
            made: Made = await transact_again(self._store, work)
        except DuplicateEmail:  # registered at this moment
            raise _not_valid() from None
        if known is not None and not known.email_verified:
            await self._verification.take_over(known, wanted.password_hash, replace(call.origin(), actor=known.id))
        return await self._complete(call, made)

    async def _waiting(self, token: str) -> Wanted:
        subject = await self._identity.one_time.peek(PURPOSE, token)
        if subject is None:
            raise _not_valid()
        return self._opened(subject)

    async def _matches(self, password: str, wanted: Wanted) -> bool:
        return await self._slow_hash.matches(canonical_password(password), wanted.password_hash)

    async def _checked(self, params: RegistrationParams) -> Wanted:
        """All that can be wrong, and both hashes, before anybody looks whether the address is known."""
        checked_email(params.email)
        _check_organization(params.organization)
        read_category(params.category)
        read_country(params.country)
        read_currency(params.currency)
        checked_name(params.name)
        require_acquirer(params.acquiring_bank, "acquiring_bank")
        people = self._identity.people
        await people.check_password_strength(params.password, [params.email, params.name, params.organization])
        pin_hash = None if params.pin is None else await self._wallets.hash_pin(params.pin)
        password_hash = await people.hash_password(params.password)
        plain = msgspec.structs.replace(params, password="", pin=None)  # what is kept has the hashes alone
        return Wanted(params=plain, password_hash=password_hash, pin_hash=pin_hash)

    def _make(
        self,
        connection: Connection,
        call: Call,
        wanted: Wanted,
        *,
        owner: User | None = None,
        email_verified: bool = False,
    ) -> tuple[Made, Unit]:
        """Everything in one unit. Raises DuplicateEmail where somebody has the address and is not the owner named."""
        params, origin = wanted.params, call.origin()
        organisation, unit = self._accounts.new_organisation(
            origin,
            name=params.organization,
            category=params.category,
            country=params.country,
            currency=params.currency,
        )
        is_new_user = owner is None
        if owner is None:
            owner, made = self._identity.people.new_user(
                connection,
                email=params.email,
                name=params.name,
                password_hash=wanted.password_hash,
                email_verified=email_verified,
                now=self._clock.now_microseconds(),
                origin=origin,
                organisations=[organisation.id],
            )
            _add(unit, made)
            if not email_verified:
                _add(unit, self._verification.requesting(owner, origin))
        _add(unit, self._memberships.first_owner(organisation.id, owner.id, replace(origin, actor=owner.id)))
        wallets = []
        for livemode in (0, 1):
            wallet, made = self._wallets.new_wallet(
                origin,
                organisation.id,
                livemode,
                name=WALLET_NAME,
                is_primary=True,
                pin_hash=wanted.pin_hash,
            )
            wallets.append(wallet)
            _add(unit, made)
            _add(unit, self._contracts.new_contract(origin, organisation.id, livemode, params.acquiring_bank)[1])
        secret, made = self._accounts.new_key(origin, organisation.id, "secret", livemode=False, name="First key")
        _add(unit, made)
        publishable, made = self._accounts.new_key(
            origin, organisation.id, "publishable", livemode=False, name="First publishable key"
        )
        _add(unit, made)
        return Made(organisation, wallets, secret, publishable, owner, is_new_user), unit

    async def _complete(self, call: Call, made: Made) -> Registered:
        """Whoever had an account signs in as ever: a link alone gets nobody past a password or a second factor."""
        registered = Registered(
            status="complete",
            organisation=profile_of(made.organisation),
            wallet=wallet_view(made.wallets[0]),
            wallets=[wallet_view(wallet) for wallet in made.wallets],
            keys=KeysForTests(secret=made.secret.api_key, publishable=made.publishable.api_key),
        )
        if not made.is_new_user:
            registered.message = "The organisation belongs to the account that this address has. Sign in as ever."
            return registered
        tokens: Tokens = await self._identity.people.sign_in(
            made.user, made.organisation.id, call, methods=["password"]
        )
        signed_in = tokens.answer()
        registered.user = user_view(made.user)
        registered.access_token = signed_in.access_token
        registered.refresh_token = signed_in.refresh_token
        registered.token_type = signed_in.token_type
        registered.expires_in = signed_in.expires_in
        return registered

    async def _wait(self, call: Call, wanted: Wanted) -> Registered:
        """The same work whether the address is known or not; only the mail differs."""
        email = checked_email(wanted.params.email)
        registered = Registered(status="check_your_mail", message=WAIT)
        if not await self._verification.may_mail("registration", email):
            return registered
        subject = self._sealing.seal(msgspec.json.encode(wanted))
        token, change = self._identity.one_time.new(PURPOSE, subject, WAITING_SECONDS)

        def work(connection: Connection) -> tuple[None, Unit]:
            known = users.find_by_email(connection, email)
            template: Template = "registration_confirmation" if known is None else "registration_of_known_email"
            mail = self._mails.request(
                call.origin(),
                template,
                email,
                token,
                lifetime_seconds=WAITING_SECONDS,
                data={"organisation": wanted.params.organization},
                user_id=known.id if known is not None else None,
                locale=known.locale if known is not None else None,
            )
            return None, Unit([change], [mail])

        await self._store.transact(work)
        return registered

    def _opened(self, subject: str) -> Wanted:
        try:
            return msgspec.json.decode(self._sealing.unseal(subject), type=Wanted)
        except SealBroken:
            raise _not_valid() from None


def _add(unit: Unit, more: Unit) -> None:
    unit.changes += more.changes
    unit.entries += more.entries


def _check_organization(name: str) -> None:
    try:
        read_name(name)
    except InvalidRequest as problem:
        raise InvalidRequest(problem.message, param="organization", code=problem.code) from None


def _not_valid() -> InvalidRequest:
    return InvalidRequest(
        "This link is not valid: it was used, or is older than a day. Register again.",
        param="token",
        code="token_invalid",
    )
