"""Links that prove whose an e-mail address is: to verify it, and to choose a new password.

Anybody can register with somebody else's address. So an account whose address was never verified belongs to nobody
for sure: a link alone does not verify it, as its reader may not be who made the account; and when its reader takes
it over, nothing stays by which whoever made it could come back.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from bursar.http.call import Call
from bursar.kit.errors import InvalidRequest, TooManyRequests
from bursar.memberships.mails import Mails
from bursar.people.identity import Identity
from bursar.people.lockout import Subject
from bursar.people.rules import canonical_email
from bursar.people.schemas import User
from bursar.registration.schemas import EmailVerified, MailRequested, PasswordReset
from bursar.second_factors.service import SecondFactorService
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin
from bursar.store.store import Store
from bursar.store.unit import Unit

VERIFICATION, RESET = "email verification", "password reset"
VERIFICATION_SECONDS = 3 * 86_400
RESET_SECONDS = 3_600
NOBODY = "usr_nobody"
FORGOTTEN = "If this address has an account, we have written to it. Follow the link in the mail within an hour."
SENT = "We have written to your address. Follow the link in the mail within three days."


class Verification:
    def __init__(self, store: Store, identity: Identity, mails: Mails, second_factors: SecondFactorService) -> None:
        self._store = store
        self._identity = identity
        self._people = identity.people
        self._one_time = identity.one_time
        self._mails = mails
        self._second_factors = second_factors

    def requesting(self, user: User, origin: Origin) -> Unit:
        """For the commit that makes the account, and for whoever lost the mail."""
        token, change = self._one_time.new(VERIFICATION, _subject(user), VERIFICATION_SECONDS)
        mail = self._mails.request(
            origin,
            "email_verification",
            user.email,
            token,
            lifetime_seconds=VERIFICATION_SECONDS,
            data={"name": user.name},
            user_id=user.id,
            locale=user.locale,
        )
        return Unit([change], [mail])

    async def send_again(self, call: Call) -> MailRequested:
        user = await self._people.required(call.principal.key_id)
        if user.email_verified:
            raise InvalidRequest("Your address is verified already.", code="email_verified")
        if await self.may_mail("verification", user.email):
            await self._store.commit(self.requesting(user, call.origin()))
        return MailRequested(message=SENT)

    async def verify(self, call: Call, token: str) -> EmailVerified:
        """By whoever has both the account and the mail. The token is of one account and one address."""
        user = await self._people.required(call.principal.key_id)
        subject = await self._one_time.peek(VERIFICATION, token)
        if subject != _subject(user) or await self._one_time.take(VERIFICATION, token) is None:
            raise _not_valid("Sign in with the account that it is for, or ask for another mail.")
        after, unit = await self._people.change(user, _verified(user), call.origin())
        await self._store.commit(unit)
        return EmailVerified(email=after.email)

    async def forgot(self, call: Call, email: str) -> MailRequested:
        """The same answer, and the same work, for whoever has an account and whoever has none."""
        canonical = canonical_email(email)
        user = await self._people.find_by_email(email)
        if await self.may_mail("reset", canonical):
            token, change = self._one_time.new(RESET, user.id if user is not None else NOBODY, RESET_SECONDS)
            await self._store.commit(Unit([change], [self._told_of_reset(user, token, call.origin())]))
        return MailRequested(message=FORGOTTEN)

    async def reset(self, call: Call, token: str, password: str) -> PasswordReset:
        """Ends all sessions: whoever had the old password has nothing any more. A verified account's factors stay."""
        user_id = await self._one_time.peek(RESET, token)
        user = await self._people.find_by_id(user_id) if user_id is not None else None
        if user is None or user.disabled:
            raise _not_valid("Ask for another mail at /api/v1/auth/password/forgot.")
        await self._people.check_password_strength(password, [user.email, user.name])
        password_hash = await self._people.hash_password(password)
        if await self._one_time.take(RESET, token) is None:
            raise _not_valid("Ask for another mail at /api/v1/auth/password/forgot.")
        return PasswordReset(sessions_ended=await self.take_over(user, password_hash, _as(call, user)))

    async def take_over(self, user: User, password_hash: str, origin: Origin) -> int:
        """By whoever reads the address's mail. Tells how many sessions have ended.

        What others guessed at before does not keep its owner out any longer.
        """
        if not user.email_verified:
            after, unit = await self._people.change(user, _verified(user), origin)
            removal = self._second_factors.removal_of_all(user.id, origin)
            await self._store.commit(Unit([*unit.changes, *removal.changes], [*unit.entries, *removal.entries]))
            user = after
        user = await self._people.set_password(user, password_hash, origin)
        forgiven = self._identity.lockout.forgiven(canonical_email(user.email))
        await self._store.transact(lambda _: (None, Unit(forgiven)))
        return await self._people.end_sessions(user, origin)

    async def may_mail(self, kind: str, email: str) -> bool:
        """Ten mails, and then none for half an hour: enough to lose some, too few to fill somebody's mailbox."""
        try:
            await self.count_try(f"{kind} mail", email)
        except TooManyRequests:
            return False
        return True

    async def count_try(self, kind: str, whose: str) -> None:
        """Raises TooManyRequests after ten."""
        subject = self._identity.secrets.hash("tries of links", f"{kind}\n{whose}")
        await self._identity.lockout.begin([Subject(kind, subject)])

    def _told_of_reset(self, user: User | None, token: str, origin: Origin) -> Entry:
        if user is not None and not user.disabled:
            return self._mails.request(
                origin,
                "password_reset",
                user.email,
                token,
                lifetime_seconds=RESET_SECONDS,
                data={"name": user.name},
                user_id=user.id,
                locale=user.locale,
            )
        document = msgspec.json.encode(
            {"object": "password_reset", "reason": "unknown_email" if user is None else "disabled"}
        )
        return Entry(INSTALLATION, 0, "bursar.password_reset.refused", NOBODY, document, origin=origin)


def _subject(user: User) -> str:
    return f"{user.id}:{user.email}"


def _verified(user: User) -> User:
    return msgspec.structs.replace(user, email_verified=True)


def _as(call: Call, user: User) -> Origin:
    """Whoever comes by a link is nobody until this very moment."""
    return replace(call.origin(), actor=user.id)


def _not_valid(remedy: str) -> InvalidRequest:
    return InvalidRequest(
        f"This link is not valid: it was used, replaced or is too old. {remedy}", param="token", code="token_invalid"
    )
