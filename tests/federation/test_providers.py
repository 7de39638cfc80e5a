"""Setting providers up, as a platform administrator does it on the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.federation.harness import ORGANISATION, Browser, World, world
from tests.federation.provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

URL = "/api/v1/platform/sign-in-providers"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


class Administrator:
    def __init__(self, there: World) -> None:
        self._there = there
        self._browser = Browser(there.application)
        self._token = ""

    async def appear(self) -> None:
        people = self._there.runtime.people
        user = await people.find_by_email("owner@bursar.test")
        assert user is not None
        _, unit = await people.change(user, msgspec.structs.replace(user, platform_admin=True))
        await self._there.runtime.store.commit(unit)
        login = {"email": user.email, "password": "bursar-development-owner"}
        self._token = (await self("POST", "/api/v1/org/login", login))[1]["access_token"]

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        raw = json.dumps(body).encode() if body is not None else b""
        status, _, answer = await self._browser.send(method, path, headers, raw)
        return status, json.loads(answer)


def wanted(provider: Provider, **changes: Any) -> dict[str, Any]:
    return {
        "name": "The company",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "grants": [{"claim": "groups", "value": "staff", "organisation": ORGANISATION, "role": "viewer"}],
        **changes,
    }


def play(tmp_path: Path, provider: Provider, scenario: Any) -> None:
    async def main() -> None:
        with world(tmp_path, provider) as there:
            admin = Administrator(there)
            await admin.appear()
            await scenario(there, admin)
            await there.runtime.federation.close()

    asyncio.run(main())


def test_a_provider_is_set_up_checked_changed_and_deleted(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World, admin: Administrator) -> None:
        status, made = await admin("POST", URL, wanted(provider))
        assert status == 200, made
        assert made["has_client_secret"] is True and CLIENT_SECRET not in json.dumps(made)
        assert made["redirect_uri"].endswith(f"/auth/oidc/{made['id']}/callback")
        status, checked = await admin("POST", f"{URL}/{made['id']}/check")
        assert (status, checked["keys"], checked["algorithms"]) == (200, 1, ["RS256", "ES256"])
        status, choices = await Administrator(there)("GET", "/api/v1/auth/providers")
        assert (status, [one["name"] for one in choices["data"]]) == (200, ["The company"])
        status, changed = await admin("PUT", f"{URL}/{made['id']}", {"enabled": False, "name": "Another name"})
        assert (status, changed["enabled"], changed["name"], changed["grants"]) == (
            200,
            False,
            "Another name",
            made["grants"],
        )
        assert (await Browser(there.application).get(f"/auth/oidc/{made['id']}/start"))[0] == 404
        assert (await admin("GET", URL))[1]["data"] == [changed]
        assert (await admin("DELETE", f"{URL}/{made['id']}"))[1]["deleted"] is True
        assert (await admin("GET", f"{URL}/{made['id']}"))[0] == 404

    play(tmp_path, provider, scenario)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"issuer": "http://login.example.com"}, "issuer"),
        ({"issuer": "https://login.example.com/?x=1"}, "issuer"),
        ({"issuer": "https://me@login.example.com"}, "issuer"),
        ({"issuer": "ftp://login.example.com"}, "issuer"),
        ({"scopes": ["email"]}, "scopes"),
        ({"audience": "a"}, "required_scope"),
        ({"required_scope": "a"}, "audience"),
        ({"audience": CLIENT_ID, "required_scope": "a"}, "audience"),
        ({"grants": [{"claim": "a", "value": "b", "organisation": "acct_x", "role": "viewer"}]}, "grants[0]"),
        ({"grants": [{"claim": "a", "value": "b", "organisation": ORGANISATION, "role": "king"}]}, "grants[0]"),
        ({"org_id": ORGANISATION}, "org_id"),
        ({"client_id": ""}, "client_id"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_name(
    tmp_path: Path, provider: Provider, changes: dict[str, Any], param: str
) -> None:
    async def scenario(_there: World, admin: Administrator) -> None:
        status, answer = await admin("POST", URL, wanted(provider, **changes))
        assert (status, answer["error"]["param"]) == (400, param), answer

    play(tmp_path, provider, scenario)


def test_the_secret_of_the_client_is_nowhere_in_the_clear(tmp_path: Path, provider: Provider) -> None:
    async def scenario(_there: World, admin: Administrator) -> None:
        assert (await admin("POST", URL, wanted(provider)))[0] == 200

    play(tmp_path, provider, scenario)
    found = [file.name for file in tmp_path.iterdir() if CLIENT_SECRET.encode() in file.read_bytes()]
    assert found == []
