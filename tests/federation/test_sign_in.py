"""Signing in by a provider: what an honest one leads to, and what a hostile one does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from bursar.federation.schemas import Grant
from tests.federation.harness import ORGANISATION, Browser, World, world
from tests.federation.provider import CLIENT_ID, Provider, running_provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def play(tmp_path: Path, provider: Provider, scenario: Callable[[World], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        with world(tmp_path, provider) as there:
            await there.set_up(**settings)
            await scenario(there)
            await there.runtime.federation.close()

    asyncio.run(main())


def test_whoever_the_provider_knows_is_signed_in_with_the_role_of_their_claims(
    tmp_path: Path, provider: Provider
) -> None:
    provider.person |= {"name": "Ada", "realm_access": {"roles": ["staff", "bursar-finance"]}}
    grant = Grant(claim="realm_access.roles", value="bursar-finance", organisation=ORGANISATION, role="finance")

    async def scenario(there: World) -> None:
        browser = Browser(there.application)
        status, headers, body = await there.sign_in(browser)
        assert (status, headers["location"]) == (303, "/api/v1/auth/me"), body
        me = await there.me(browser)
        assert me["user"]["email"] == "ada@example.com"
        assert me["user"]["email_verified"] is True
        assert me["user"]["has_password"] is False
        assert me["role"] == "finance"

    play(tmp_path, provider, scenario, grants=[grant])


def test_roles_follow_the_claims_of_the_latest_sign_in(tmp_path: Path, provider: Provider) -> None:
    grants = [
        Grant(claim="groups", value="admins", organisation=ORGANISATION, role="admin"),
        Grant(claim="groups", value="staff", organisation=ORGANISATION, role="viewer"),
    ]

    async def scenario(there: World) -> None:
        roles = []
        for groups in (["staff"], ["staff", "admins"], ["others"]):
            provider.person["groups"] = groups
            browser = Browser(there.application)
            status, _, body = await there.sign_in(browser)
            assert status == 303, body
            roles.append((await there.me(browser))["role"])
        assert roles == ["viewer", "admin", None]

    play(tmp_path, provider, scenario, grants=grants)


def test_somebody_without_any_grant_gets_no_account(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World) -> None:
        status, _, body = await there.sign_in()
        assert (status, json.loads(body)["error"]["code"]) == (401, "sign_in_refused")
        assert await there.runtime.people.find_by_email("ada@example.com") is None

    play(tmp_path, provider, scenario, grants=[])


def test_an_address_that_somebody_has_here_is_not_enough_to_be_them(tmp_path: Path, provider: Provider) -> None:
    provider.person["email"] = "owner@bursar.test"

    async def scenario(there: World) -> None:
        status, _, _ = await there.sign_in()
        assert status == 401
        assert await there.refusals() == ["somebody has an account with this address, which its owner has not linked"]

    play(tmp_path, provider, scenario)


@pytest.mark.parametrize(("verified", "status_expected"), [(True, 303), (False, 401), ("true", 401), (None, 401)])
def test_a_trusted_provider_links_by_verified_addresses_only(
    tmp_path: Path, provider: Provider, verified: object, status_expected: int
) -> None:
    provider.person |= {"email": "OWNER@bursar.test", "email_verified": verified}

    async def scenario(there: World) -> None:
        browser = Browser(there.application)
        status, _, _ = await there.sign_in(browser)
        assert status == status_expected
        if status == 303:
            assert (await there.me(browser))["user"]["id"] == "usr_bursardevelopment"

    play(tmp_path, provider, scenario, links_by_email=True)


def test_somebody_who_is_signed_in_links_an_account_of_the_provider(tmp_path: Path, provider: Provider) -> None:
    provider.person["email"] = "elsewhere@example.com"

    async def scenario(there: World) -> None:
        browser = Browser(there.application)
        login = {"email": "owner@bursar.test", "password": "bursar-development-owner", "browser": True}
        status, _, body = await browser.send(
            "POST", "/api/v1/org/login", {"content-type": "application/json"}, json.dumps(login).encode()
        )
        assert status == 200, body
        code, state = provider.authorize(await there.start(browser, link="true"))
        status, _, body = await there.come_back(browser, code, state)
        assert status == 303, body
        other = Browser(there.application)
        assert (await there.sign_in(other))[0] == 303
        assert (await there.me(other))["user"]["id"] == "usr_bursardevelopment"

    play(tmp_path, provider, scenario)


def test_an_answer_counts_only_in_the_browser_that_asked_and_once(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World) -> None:
        browser = Browser(there.application)
        code, state = provider.authorize(await there.start(browser))
        status, _, _ = await there.come_back(Browser(there.application), code, state)
        assert status == 401, "a stranger's browser"
        assert (await there.come_back(browser, code, state + "x"))[0] == 401
        assert (await there.come_back(browser, code, state))[0] == 303
        assert (await there.come_back(browser, code, state))[0] == 401, "the journey is over"

    play(tmp_path, provider, scenario)


def test_a_code_of_another_journey_is_refused_by_its_proof_key(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World) -> None:
        mine, theirs = Browser(there.application), Browser(there.application)
        _, my_state = provider.authorize(await there.start(mine))
        their_code, _ = provider.authorize(await there.start(theirs))
        assert (await there.come_back(mine, their_code, my_state))[0] == 401
        assert await there.refusals() == ["the provider refused the code: invalid_grant"]

    play(tmp_path, provider, scenario)


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/../x", "x"])
def test_nobody_is_sent_elsewhere_afterwards(tmp_path: Path, provider: Provider, elsewhere: str) -> None:
    async def scenario(there: World) -> None:
        from urllib.parse import urlencode

        path = f"/auth/oidc/{there.provider_id}/start?{urlencode({'return_to': elsewhere})}"
        status, headers, body = await Browser(there.application).get(path)
        assert status == 400 and "location" not in headers
        assert json.loads(body)["error"]["param"] == "return_to"

    play(tmp_path, provider, scenario)


def test_another_issuer_in_the_answer_is_refused(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World) -> None:
        browser = Browser(there.application)
        code, state = provider.authorize(await there.start(browser))
        assert (await there.come_back(browser, code, state, iss="https://other.example"))[0] == 401
        assert await there.refusals() == ["the answer of another provider"]

    play(tmp_path, provider, scenario)


def test_a_new_key_of_the_provider_is_fetched_once(tmp_path: Path, provider: Provider) -> None:
    async def scenario(there: World) -> None:
        assert (await there.sign_in())[0] == 303
        reads = provider.key_reads
        there.runtime.federation.metadata._known[provider.issuer].keys_read_at = 0
        provider.rotate("two")
        assert (await there.sign_in())[0] == 303
        assert provider.key_reads == reads + 1
        provider.change_header = lambda header: header.update(kid="invented")
        assert (await there.sign_in())[0] == 401
        assert provider.key_reads == reads + 1, "whoever invents key ids does not make us ask"

    play(tmp_path, provider, scenario)


def _unsigned(_header: dict[str, Any], claims: dict[str, Any]) -> str:
    import base64

    parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."


def _by_shared_secret(provider: Provider) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """The published key, taken for a secret: whoever believes the header believes this."""

    def sign(_header: dict[str, Any], claims: dict[str, Any]) -> str:
        secret = OctKey.import_key(json.dumps(provider.published[0]))
        header = {"alg": "HS256", "kid": provider.key.kid}
        return jws.serialize_compact(header, json.dumps(claims).encode(), secret, algorithms=["HS256"])

    return sign


def _by_a_key_of_its_own(name: str) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        key = ECKey.generate_key("P-256")
        brought = {"jwk": key.as_dict(private=False), "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/c"}
        if name in brought:
            header = {**header, name: brought[name]}
        signed = jws.serialize_compact(
            {"alg": "ES256", "kid": header["kid"]}, json.dumps(claims).encode(), key, algorithms=["ES256"]
        )
        import base64

        raw = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        return ".".join([raw, *signed.split(".")[1:]])

    return sign


def _by_another_type_of_key(header: dict[str, Any], claims: dict[str, Any]) -> str:
    key = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": header["kid"]}, claims, key)


SIGNATURES: dict[str, Callable[[Provider], Callable[[dict[str, Any], dict[str, Any]], str]]] = {
    "none": lambda _: _unsigned,
    "the public key as a shared secret": _by_shared_secret,
    "a key that the token brings": lambda _: _by_a_key_of_its_own("jwk"),
    "a key from an address in the token": lambda _: _by_a_key_of_its_own("jku"),
    "a certificate from an address in the token": lambda _: _by_a_key_of_its_own("x5u"),
    "a stranger's key under a known name": lambda _: _by_a_key_of_its_own(""),
    "a key of another type under a known name": lambda _: _by_another_type_of_key,
    "no token": lambda _: lambda _header, _claims: "not.a.token",
    "a very long token": lambda _: lambda _header, _claims: "a" * 20_000 + ".b.c",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_that_proves_nothing_is_refused(tmp_path: Path, provider: Provider, name: str) -> None:
    provider.sign = SIGNATURES[name](provider)

    async def scenario(there: World) -> None:
        status, _, body = await there.sign_in()
        assert (status, json.loads(body)["error"]["code"]) == (401, "sign_in_refused")
        assert len(await there.refusals()) == 1

    play(tmp_path, provider, scenario)


CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "an issuer that only begins alike": {"iss": "http://127.0.0.1"},
    "another client": {"aud": "somebody-else"},
    "several clients and none that asked": {"aud": [CLIENT_ID, "somebody-else"]},
    "another client that asked": {"azp": "somebody-else"},
    "no audience": {"aud": None},
    "another request": {"nonce": "x"},
    "no request": {"nonce": None},
    "expired": {"exp": 1_000_000_000},
    "never ending": {"exp": None},
    "an end that is no number": {"exp": "tomorrow"},
    "not yet valid": {"nbf": 4_000_000_000},
    "made in the future": {"iat": 4_000_000_000},
    "made long ago": {"iat": 1_000_000_000},
    "nobody": {"sub": None},
    "a subject that is no text": {"sub": 7},
    "an empty subject": {"sub": ""},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_that_do_not_fit_are_refused(tmp_path: Path, provider: Provider, name: str) -> None:
    provider.change_claims = lambda claims: claims.update(CLAIMS[name])

    async def scenario(there: World) -> None:
        assert (await there.sign_in())[0] == 401
        assert len(await there.refusals()) == 1

    play(tmp_path, provider, scenario)


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"typ": "at+jwt"}, {"typ": "logout+jwt"}])
def test_tokens_of_other_kinds_are_refused(tmp_path: Path, provider: Provider, header: dict[str, Any]) -> None:
    own = provider.sign

    def sign(given: dict[str, Any], claims: dict[str, Any]) -> str:
        if "crit" in header:
            return _by_a_key_of_its_own("")(given | header, claims)
        return own(given | header, claims)

    provider.sign = sign

    async def scenario(there: World) -> None:
        assert (await there.sign_in())[0] == 401

    play(tmp_path, provider, scenario)


DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "another issuer's": {"issuer": "https://evil.example"},
    "no issuer's": {"issuer": None},
    "tokens sent in the open": {"token_endpoint": "http://evil.example/token"},
    "keys sent in the open": {"jwks_uri": "http://evil.example/keys"},
    "a page of a script": {"authorization_endpoint": "javascript:alert(1)"},
    "no proof at all": {"id_token_signing_alg_values_supported": ["none", "HS256"]},
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_that_cannot_be_trusted_leads_nowhere(tmp_path: Path, provider: Provider, name: str) -> None:
    provider.change_description = lambda found: found.update(DESCRIPTIONS[name])

    async def scenario(there: World) -> None:
        status, headers, _ = await Browser(there.application).get(f"/auth/oidc/{there.provider_id}/start")
        assert status == 503 and "location" not in headers

    play(tmp_path, provider, scenario)


def test_an_account_whose_address_was_never_proved_is_not_linked(tmp_path: Path, provider: Provider) -> None:
    """Somebody may have made it beforehand, with a password of theirs, for its owner to fall into."""
    provider.person["email"] = "owner@bursar.test"

    async def scenario(there: World) -> None:
        user = await there.runtime.people.find_by_email("owner@bursar.test")
        assert user is not None
        _, unit = await there.runtime.people.change(user, msgspec.structs.replace(user, email_verified=False))
        await there.runtime.store.commit(unit)
        assert (await there.sign_in())[0] == 401

    play(tmp_path, provider, scenario, links_by_email=True)
