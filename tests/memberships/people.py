"""People of a whole application: registered, signed in, invited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from bursar.accounts import repository as accounts
from bursar.http.call import Effect
from bursar.http.execution import REPEATS_MAX
from bursar.memberships.mails import Mail, newest
from bursar.runtime import Runtime
from bursar.store.columns import INSTALLATION
from bursar.store.errors import DuplicateKey, RowsExpected
from tests.control.house import House, Reply

PASSWORD = "seven plums on a green roof"
JSON = {"content-type": "application/json"}
_numbers = count(1)


@dataclass
class Someone:
    house: House
    email: str
    user_id: str
    org_id: str
    token: str
    keys: dict[str, str]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        sent = {} if body is None and method not in {"GET", "DELETE"} else body
        return self.house.call(method, f"/api/v1{path}", self.token, sent)

    def sign_in(self, **more: Any) -> Reply:
        return login(self.house, self.email, **more)


def login(house: House, email: str, password: str = PASSWORD, **more: Any) -> Reply:
    return house.call("POST", "/api/v1/org/login", None, {"email": email, "password": password, **more})


async def carry_out(runtime: Runtime, make: Callable[[], Awaitable[Effect]]) -> Any:
    """As the dispatcher does: again on what another change has left."""
    for repeats_left in reversed(range(REPEATS_MAX)):
        effect = await make()
        try:
            await runtime.store.commit(effect.unit)
        except (RowsExpected, DuplicateKey):
            if not repeats_left:
                raise
        else:
            return effect.result
    raise AssertionError("the loop above returns or raises")


def new_email() -> str:
    return f"person{next(_numbers)}@example.test"


def register(house: House, email: str | None = None, **more: Any) -> Reply:
    body = {"organization": "Plum Shop", "email": email or new_email(), "password": PASSWORD, "category": "retail"}
    return house.call("POST", "/api/v1/org/register", None, body | more)


def owner(house: House) -> Someone:
    """Of an organisation of their own."""
    email = new_email()
    told = register(house, email).json
    assert told["status"] == "complete", told
    return Someone(house, email, told["user"]["id"], told["organisation"]["id"], told["access_token"], told["keys"])


def mails(house: House, email: str, template: str | None = None) -> list[tuple[Mail, str]]:
    """To this address, newest first, with the tokens of their links."""

    def query(connection: Any) -> list[Mail]:
        known = [organisation.id for organisation in accounts.list_organisations(connection)]
        return newest(connection, [INSTALLATION, *known], 1000)

    found = house.runtime.store.read_blocking(query)
    opened = [house.runtime.mails.opened(mail) for mail in found if mail.email == email]
    return [(mail, token or "") for mail, token in opened if template in (None, mail.template)]


def link_token(house: House, email: str, template: str) -> str:
    found = mails(house, email, template)
    assert found, f"no mail of {template} to {email}"
    return found[0][1]


def invited(house: House, inviter: Someone, role: str, email: str | None = None) -> Someone:
    """Somebody new, who has accepted."""
    email = email or new_email()
    reply = inviter.call("POST", "/invitations", {"email": email, "role": role})
    assert reply.status == 200, reply.json
    body = {"token": link_token(house, email, "invitation"), "password": PASSWORD, "name": "New Member"}
    accepted = house.call("POST", "/api/v1/auth/invitations/accept", None, body)
    assert accepted.status == 200, accepted.json
    told = accepted.json
    return Someone(house, email, told["user"]["id"], inviter.org_id, told["access_token"], {})
