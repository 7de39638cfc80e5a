"""No order of changes leaves an organisation without an owner, or gives anybody more than the giver had."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.http.authentication import USER
from bursar.http.call import Call, Effect
from bursar.kit.errors import RequestError
from bursar.kit.permissions import OWNER, ROLES
from bursar.memberships import repository
from bursar.memberships.schemas import InvitationParams
from bursar.people.visits import Person
from bursar.store.log import Origin
from bursar.store.unit import Unit
from tests.control.house import House
from tests.memberships.people import carry_out, link_token, new_email

OWN = {
    "office": ["members.read", "members.write", "wallets.read"],
    "till": ["wallets.read"],
    "safe": ["wallets.read", "wallets.write", "members.write"],
}
ROLE_NAMES = [*ROLES, *OWN]
PEOPLE = 4


class Step(NamedTuple):
    kind: str
    actor: int
    target: int
    role: str


steps = st.builds(
    Step,
    st.sampled_from(["set_role", "remove", "leave", "invite"]),
    st.integers(0, PEOPLE - 1),
    st.integers(0, PEOPLE - 1),
    st.sampled_from(ROLE_NAMES),
)


class World:
    """An organisation of four people, and what a dict says that they are."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.members = house.runtime.memberships
        self.org_id = house.organisation("Any order")
        self.users = [self._user() for _ in range(PEOPLE)]
        self.roles = {name: name for name in ROLES} | {name: self._role(name) for name in OWN}
        self.model: dict[int, str] = {0: OWNER, 1: "admin", 2: "office", 3: "viewer"}
        for number, role in self.model.items():
            self.members.add_blocking(self.org_id, self.users[number][0], self.roles[role], Origin())

    def may(self, role: str) -> frozenset[str]:
        return ROLES[role] if role in ROLES else frozenset(OWN[role])

    def do(self, step: Step) -> None:
        expected = self._expected(step)
        try:
            self.house.runner.run(self._carry_out(step))
        except RequestError as refusal:
            assert expected is None, f"{step} was refused: {refusal.message}"
        else:
            assert expected is not None, f"{step} was let through"
            self.model = expected
        self.check()

    def check(self) -> None:
        def query(connection: Any) -> tuple[dict[int, str], int]:
            found = {}
            for number, (user_id, _) in enumerate(self.users):
                member = repository.find_member(connection, self.org_id, user_id)
                is_listed = self.org_id in repository.organisations_of(connection, user_id)
                assert is_listed == (member is not None), "the directory and the members say the same"
                if member is not None:
                    found[number] = member.role
            return found, repository.find_roster(connection, self.org_id).owners

        stored, owners = self.house.runtime.store.read_blocking(query)
        assert stored == {number: self.roles[role] for number, role in self.model.items()}
        assert owners == list(self.model.values()).count(OWNER) >= 1

    def _expected(self, step: Step) -> dict[int, str] | None:
        """The members afterwards, by the rules as they are told to people; None for a refusal."""
        actor, target = self.model.get(step.actor), self.model.get(step.target)
        after = dict(self.model)
        if step.kind == "leave":
            if actor is None:
                return None
            del after[step.actor]
        elif actor is None or "members.write" not in self.may(actor):
            return None
        elif step.kind == "invite":
            if target is not None or not self._covers(actor, step.role):
                return None
            after[step.target] = step.role
        elif target is None:
            return None
        elif step.kind == "remove":
            if step.actor != step.target and not self._covers(actor, target):
                return None
            del after[step.target]
        else:
            if not self._covers(actor, target) or not self._covers(actor, step.role):
                return None
            after[step.target] = step.role
        return after if OWNER in after.values() else None

    def _covers(self, one: str, other: str) -> bool:
        return self.may(one) >= self.may(other) and (other != OWNER or one == OWNER)

    async def _carry_out(self, step: Step) -> None:
        call = self._call(step)
        if step.kind == "leave":
            await self._commit(lambda: self.members.leave(call))
        elif step.kind == "remove":
            await self._commit(lambda: self.members.remove(call))
        elif step.kind == "set_role":
            await self._commit(lambda: self.members.set_role(call, self.roles[step.role]))
        else:
            await self._invite(call, step)

    async def _invite(self, call: Call, step: Step) -> None:
        invitations, email = self.house.runtime.invitations, self.users[step.target][1]
        params = InvitationParams(email=email, role=self.roles[step.role])
        await self._commit(lambda: invitations.invite(call, params))
        token = link_token(self.house, email, "invitation")
        guest = Call(Person(self.org_id, 0, self.users[step.target][0], USER, session_id="ses_1"), "req_1")
        await invitations.accept_signed_in(guest, token)

    async def _commit(self, make: Callable[[], Awaitable[Effect]]) -> None:
        await carry_out(self.house.runtime, make)

    def _call(self, step: Step) -> Call:
        """The gate remembers for a few seconds what somebody was: here it let everybody in as an owner."""
        actor = Person(self.org_id, 0, self.users[step.actor][0], USER, ROLES[OWNER], OWNER, "ses_1")
        path = {"user": self.users[step.target][0], "organisation": self.org_id}
        return Call(actor, "req_1", path=path)

    def _user(self) -> tuple[str, str]:
        runtime, email = self.house.runtime, new_email()

        def work(connection: Any) -> tuple[str, Unit]:
            user, unit = runtime.people.new_user(
                connection, email=email, name="", password_hash=None, email_verified=True, now=1
            )
            return user.id, unit

        return runtime.store.transact_blocking(work), email

    def _role(self, name: str) -> str:
        body = {"name": name, "permissions": OWN[name]}
        made = self.house.call("POST", "/api/v1/roles", self.house.person(self.org_id), body)
        return str(made.json["id"])


def test_whatever_people_do_the_rules_hold(house: House) -> None:
    @settings(max_examples=60, deadline=None)
    @given(script=st.lists(steps, min_size=10, max_size=20))
    def hold(script: list[Step]) -> None:
        world = World(house)
        for step in script:
            world.do(step)

    hold()


def test_the_model_can_tell_a_missing_rule(house: House) -> None:
    """A world in which an admin may unmake owners is told from ours."""
    world = World(house)
    step = Step("remove", actor=1, target=0, role=OWNER)
    assert world._expected(step) is None
    assert world._expected(Step("set_role", actor=0, target=1, role=OWNER)) == {**world.model, 1: OWNER}
    assert world._expected(Step("leave", actor=0, target=0, role=OWNER)) is None
