"""What several do at the same moment, in several processes, ends as if they had done it after each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pyotp
import pytest
from sqlalchemy import Connection, func, select

from bursar.http.authentication import USER
from bursar.http.call import Call
from bursar.http.gates import NOBODY
from bursar.kit.errors import RequestError
from bursar.kit.permissions import OWNER, ROLES
from bursar.memberships import repository
from bursar.memberships.mails import newest
from bursar.memberships.schemas import AcceptParams, InvitationParams
from bursar.people.tables import users
from bursar.people.visits import Person
from bursar.registration.schemas import RegistrationParams
from bursar.runtime import Runtime
from bursar.settings import DEVELOPMENT_FINGERPRINT_KEY, DEVELOPMENT_SECRET, DEVELOPMENT_VAULT_KEY, Settings
from bursar.store.log import Origin
from bursar.store.unit import Unit
from tests.databases import Database, on
from tests.memberships.people import PASSWORD, carry_out

PROCESSES, ROUNDS = 2, 6
ANSWER_SECONDS_MAX = 60.0
pytestmark = pytest.mark.parametrize("database", on("sqlite", "postgresql"), indirect=True)


@pytest.fixture
def processes(database: Database) -> Iterator[list[Runtime]]:
    settings = Settings(
        development=True,
        database_url=database.url,
        secret_key=DEVELOPMENT_SECRET,
        vault_key=DEVELOPMENT_VAULT_KEY,
        vault_fingerprint_key=DEVELOPMENT_FINGERPRINT_KEY,
    )
    with ExitStack() as stack:
        made = []
        for _ in range(PROCESSES):
            runtime = Runtime(settings)
            stack.callback(runtime.close)
            made.append(runtime)
        yield made


async def outcomes(tasks: Sequence[Awaitable[Any]]) -> list[Any]:
    """Each one's answer or refusal; whatever else goes wrong fails the test."""
    async with asyncio.timeout(ANSWER_SECONDS_MAX):
        found = await asyncio.gather(*tasks, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, RequestError):
            raise one
    return found


def successes(found: list[Any]) -> list[Any]:
    return [one for one in found if not isinstance(one, BaseException)]


def codes(found: list[Any]) -> list[str | None]:
    return [one.code for one in found if isinstance(one, RequestError)]


def new_organisation(runtime: Runtime) -> str:
    return runtime.accounts.create_organisation("At once").id


def new_user(runtime: Runtime, email: str) -> str:
    def work(connection: Connection) -> tuple[str, Unit]:
        user, unit = runtime.people.new_user(
            connection, email=email, name="", password_hash=None, email_verified=True, now=1
        )
        return user.id, unit

    found: str = runtime.store.transact_blocking(work)
    return found


def call_of(org_id: str, user_id: str, target: str = "") -> Call:
    actor = Person(org_id, 0, user_id, USER, ROLES[OWNER], OWNER, "ses_1")
    return Call(actor, "req_1", path={"user": target, "organisation": org_id})


def leave(process: Runtime, org_id: str, user_id: str) -> Awaitable[Any]:
    return carry_out(process, lambda: process.memberships.leave(call_of(org_id, user_id)))


def remove(process: Runtime, call: Call) -> Awaitable[Any]:
    return carry_out(process, lambda: process.memberships.remove(call))


def set_role(process: Runtime, call: Call, role: str) -> Awaitable[Any]:
    return carry_out(process, lambda: process.memberships.set_role(call, role))


def invite(process: Runtime, call: Call, params: InvitationParams) -> Awaitable[Any]:
    return carry_out(process, lambda: process.invitations.invite(call, params))


def with_owners(runtime: Runtime, number: int, round_number: int) -> tuple[str, list[str]]:
    org_id = new_organisation(runtime)
    owners = [new_user(runtime, f"owner{round_number}-{place}@example.test") for place in range(number)]
    for user_id in owners:
        runtime.memberships.add_blocking(org_id, user_id, OWNER, Origin())
    return org_id, owners


def owners_of(runtime: Runtime, org_id: str, candidates: list[str]) -> list[str]:
    def query(connection: Connection) -> list[str]:
        found = [(one, repository.find_member(connection, org_id, one)) for one in candidates]
        owners = [one for one, member in found if member is not None and member.role == OWNER]
        assert repository.find_roster(connection, org_id).owners == len(owners)
        return owners

    return runtime.store.read_blocking(query)


def test_of_owners_who_all_leave_at_once_one_stays(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        for number in range(ROUNDS):
            org_id, owners = with_owners(processes[0], 4, number)
            leaving = [leave(processes[place % PROCESSES], org_id, user_id) for place, user_id in enumerate(owners)]
            found = await outcomes(leaving)
            assert len(owners_of(processes[0], org_id, owners)) == 1
            assert codes(found) == ["last_owner"]

    asyncio.run(scenario())


def test_of_two_owners_who_unmake_each_other_one_stays(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        for number in range(ROUNDS):
            org_id, (one, other) = with_owners(processes[0], 2, number)
            found = await outcomes(
                [
                    remove(processes[0], call_of(org_id, one, other)),
                    set_role(processes[1], call_of(org_id, other, one), "viewer"),
                ]
            )
            assert len(successes(found)) == 1, found
            assert len(owners_of(processes[0], org_id, [one, other])) == 1

    asyncio.run(scenario())


def test_an_admin_who_is_demoted_at_this_moment_gives_nothing_more(processes: list[Runtime]) -> None:
    """Either they gave it while they were one, or they were none any more and it was refused."""

    async def scenario() -> None:
        for number in range(ROUNDS):
            org_id, (boss,) = with_owners(processes[0], 1, number)
            admin, guest = (new_user(processes[0], f"{name}{number}@example.test") for name in ("admin", "guest"))
            processes[0].memberships.add_blocking(org_id, admin, "admin", Origin())
            processes[0].memberships.add_blocking(org_id, guest, "viewer", Origin())
            demoted, given = await outcomes(
                [
                    set_role(processes[0], call_of(org_id, boss, admin), "viewer"),
                    set_role(processes[1], call_of(org_id, admin, guest), "admin"),
                ]
            )
            assert not isinstance(demoted, RequestError)
            if isinstance(given, RequestError):
                assert given.code == "permission_missing"

    asyncio.run(scenario())


def test_an_address_is_invited_once_and_an_invitation_is_accepted_once(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        for number in range(3):
            org_id, (boss,) = with_owners(processes[0], 1, number)
            params = InvitationParams(email=f"invited{number}@example.test", role="viewer")
            inviting = [invite(process, call_of(org_id, boss), params) for process in processes * 2]
            assert len(successes(await outcomes(inviting))) == 1
            token = token_to(processes[0], org_id, params.email)
            accept = AcceptParams(token=token, password=PASSWORD)
            accepting = [process.invitations.accept(Call(NOBODY, "req_1"), accept) for process in processes * 2]
            found = await outcomes(accepting)
            assert len(successes(found)) == 1, found
            assert set(codes(found)) <= {"invitation_invalid", "sign_in_failed"}

    asyncio.run(scenario())


def test_a_code_and_a_recovery_code_are_taken_once(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        for number in range(3):
            user_id = new_user(processes[0], f"codes{number}@example.test")
            call = call_of("acct_none", user_id)
            factors = [process.second_factors for process in processes]
            secret = (await factors[0].set_up_totp(call)).secret
            clock = pyotp.TOTP(secret)
            step = processes[0].clock.now_microseconds() // 30_000_000
            confirmed = await factors[0].confirm_totp(call, clock.generate_otp(step - 1))
            for code in (clock.generate_otp(step), (confirmed.recovery_codes or [""])[0]):
                found = await outcomes([one.check(user_id, code, call) for one in factors * 4])
                assert len([one for one in found if one is not None]) == 1, code
            left = await factors[0].recovery.left(call)
            assert left.left == 9

    asyncio.run(scenario())


def test_different_recovery_codes_at_once_are_all_taken(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        user_id = new_user(processes[0], "many@example.test")
        call = call_of("acct_none", user_id)
        factors = [process.second_factors for process in processes]
        secret = (await factors[0].set_up_totp(call)).secret
        confirmed = await factors[0].confirm_totp(call, pyotp.TOTP(secret).now())
        given = (confirmed.recovery_codes or [])[:4]
        found = await outcomes([factors[place % 2].check(user_id, code, call) for place, code in enumerate(given)])
        assert found == ["recovery_code"] * 4
        assert (await factors[0].recovery.left(call)).left == 6

    asyncio.run(scenario())


def test_one_address_is_registered_once(processes: list[Runtime]) -> None:
    async def scenario() -> None:
        for number in range(2):
            params = RegistrationParams(
                organization="Plum Shop", email=f"race{number}@example.test", password=PASSWORD, category="retail"
            )
            registering = [process.registration.register(Call(NOBODY, "req_1"), params) for process in processes * 2]
            found = await outcomes(registering)
            assert sorted(one.status for one in found) == ["check_your_mail"] * 3 + ["complete"]

            def query(connection: Connection, email: str = params.email) -> int:
                counted = select(func.count()).select_from(users).where(users.c.email == email)
                return int(connection.execute(counted).scalar_one())

            assert processes[0].store.read_blocking(query) == 1

    asyncio.run(scenario())


def token_to(runtime: Runtime, org_id: str, email: str) -> str:
    found = runtime.store.read_blocking(lambda connection: newest(connection, [org_id], 10))
    return next(token for mail in found if mail.email == email and (token := runtime.mails.opened(mail).token))
