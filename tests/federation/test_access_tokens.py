"""Access tokens of a provider on /api/v1: for the right audience and scope, and for nobody unknown."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.federation.harness import Browser, world
from tests.federation.provider import CLIENT_ID, Provider, running_provider

AUDIENCE = "https://bursar.example/api"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def ask(tmp_path: Path, provider: Provider, token: str | None = None, *, known: bool = True, **claims: Any) -> Any:
    async def main() -> tuple[int, Any]:
        with world(tmp_path, provider) as there:
            await there.set_up(audience=AUDIENCE, required_scope="bursar")
            if known:
                assert (await there.sign_in())[0] == 303
            bearer = token or provider.access_token(**claims)
            status, _, body = await Browser(there.application).get(
                "/api/v1/wallets", {"authorization": f"Bearer {bearer}"}
            )
            await there.runtime.federation.close()
            return status, json.loads(body)

    return asyncio.run(main())


def test_a_good_token_of_somebody_known_opens_what_their_role_may(tmp_path: Path, provider: Provider) -> None:
    status, body = ask(tmp_path, provider)
    assert status == 200, body


WRONG: dict[str, dict[str, Any]] = {
    "made for another server": {"aud": "https://other.example"},
    "made for the sign-in": {"aud": CLIENT_ID},
    "without the scope": {"scope": "openid"},
    "with a scope that only begins alike": {"scope": "bursar.read"},
    "an ID token": {"nonce": "n"},
    "expired": {"exp": int(time.time()) - 3600},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "of nobody": {"sub": None},
}


@pytest.mark.parametrize("name", WRONG)
def test_other_tokens_are_refused(tmp_path: Path, provider: Provider, name: str) -> None:
    status, body = ask(tmp_path, provider, **WRONG[name])
    assert (status, body["error"]["code"]) == (401, "token_invalid")


def test_somebody_who_never_signed_in_here_is_unknown(tmp_path: Path, provider: Provider) -> None:
    status, body = ask(tmp_path, provider, known=False)
    assert (status, body["error"]["code"]) == (401, "token_unknown")


def test_a_provider_that_gives_no_access_gives_none(tmp_path: Path, provider: Provider) -> None:
    async def main() -> int:
        with world(tmp_path, provider) as there:
            await there.set_up()
            assert (await there.sign_in())[0] == 303
            headers = {"authorization": f"Bearer {provider.access_token()}"}
            status, _, _ = await Browser(there.application).get("/api/v1/wallets", headers)
            await there.runtime.federation.close()
            return status

    assert asyncio.run(main()) == 401


def test_it_never_counts_as_a_fresh_proof(tmp_path: Path, provider: Provider) -> None:
    async def main() -> tuple[int, Any]:
        with world(tmp_path, provider) as there:
            from bursar.federation.schemas import Grant
            from tests.federation.harness import ORGANISATION

            grant = Grant(claim="sub", value="*", organisation=ORGANISATION, role="admin")
            await there.set_up(audience=AUDIENCE, required_scope="bursar", grants=[grant])
            assert (await there.sign_in())[0] == 303
            headers = {"authorization": f"Bearer {provider.access_token()}", "bursar-mode": "live"}
            body = json.dumps({"kind": "secret"}).encode()
            status, _, answer = await Browser(there.application).send(
                "POST", "/api/v1/api-keys", headers | {"content-type": "application/json"}, body
            )
            await there.runtime.federation.close()
            return status, json.loads(answer)

    status, body = asyncio.run(main())
    assert (status, body["error"]["code"]) == (403, "step_up_required")
