"""A certified provider: `oidc-provider` for Node, in a process of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
import pytest

from bursar.federation.schemas import Grant
from tests.federation.harness import ORGANISATION, Browser, World, world
from tests.federation.provider import Provider
from tests.services import node_command

pytestmark = pytest.mark.service("node")

PROJECT = Path(__file__).parent / "node"
INSTALL_SECONDS_MAX, START_SECONDS_MAX = 180, 30
AUDIENCE = "https://bursar.example/api"
CLIENT = {"client_id": "bursar", "client_secret": "a secret of the client, long enough for everybody"}
STEPS_MAX = 12


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with the provider installed; the checkout stays as it is."""
    directory = tmp_path_factory.mktemp("provider") / "project"
    shutil.copytree(PROJECT, directory, ignore=shutil.ignore_patterns("node_modules"))
    npm = [str(_node().with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        npm, cwd=directory, env=_environment(), capture_output=True, timeout=INSTALL_SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return directory


def _node() -> Path:
    command = node_command()
    assert command is not None, "the service mark lets no test run without Node.js"
    return Path(command[0])


def _environment(**more: str) -> dict[str, str]:
    # npm starts whatever `node` comes first on the path, which may be an older one than was chosen.
    path = os.pathsep.join([str(_node().parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, **more}


@contextmanager
def running(project: Path, redirect_uri: str) -> Iterator[str]:
    """The provider's issuer, as long as it runs."""
    process = subprocess.Popen(
        [str(_node()), "server.mjs"],
        cwd=project,
        env=_environment(REDIRECT_URI=redirect_uri, AUDIENCE=AUDIENCE),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), "the provider did not start"
        yield issuer
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS_MAX)


async def signed_in_there(client: httpx2.AsyncClient, address: str, name: str, until: str) -> str:
    """What somebody does at the provider, page by page, until it sends them to an address that begins like `until`."""
    answer = await client.get(address)
    for _ in range(STEPS_MAX):
        if answer.is_redirect:
            address = urljoin(str(answer.url), answer.headers["location"])
            if address.startswith(until):
                return address
            answer = await client.get(address)
            continue
        form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
        prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
        assert form and prompt, answer.text[:2000]
        fields = {"prompt": prompt[1], "login": name, "password": "any"}
        answer = await client.post(urljoin(str(answer.url), form[1]), data=fields)
    raise AssertionError("the provider goes round in circles")


async def sign_in(there: World, browser: Browser, name: str) -> tuple[int, dict[str, str], bytes]:
    async with httpx2.AsyncClient() as client:
        back = await signed_in_there(client, await there.start(browser), name, "http://127.0.0.1:8420/")
    return await browser.get(back.removeprefix("http://127.0.0.1:8420"))


async def access_token(issuer: str, name: str) -> str:
    """As a program of the company gets one, which is a client of its own."""
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "client_id": "tool",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1/done",
        "scope": "openid bursar",
        "resource": AUDIENCE,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    async with httpx2.AsyncClient() as client:
        address = f"{issuer}/auth?{urlencode(asked)}"
        back = await signed_in_there(client, address, name, "http://127.0.0.1/done")
        code = parse_qs(urlsplit(back).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": "tool",
            "code": code,
            "redirect_uri": asked["redirect_uri"],
            "code_verifier": verifier,
            "resource": AUDIENCE,
        }
        answer = await client.post(f"{issuer}/token", data=form)
    found: dict[str, Any] = answer.json()
    return str(found["access_token"])


def test_people_sign_in_and_programs_bring_its_access_tokens(project: Path, tmp_path: Path) -> None:
    async def scenario(there: World, issuer: str, provider_id: str) -> None:
        there.provider_id = provider_id
        browser = Browser(there.application)
        status, headers, body = await sign_in(there, browser, "grace")
        assert (status, headers["location"]) == (303, "/api/v1/auth/me"), (body, await there.refusals())
        me = await there.me(browser)
        assert (me["user"]["email"], me["role"]) == ("grace@example.com", "developer")

        # The second time it is the same person.
        again = Browser(there.application)
        assert (await sign_in(there, again, "grace"))[0] == 303
        assert (await there.me(again))["user"]["id"] == me["user"]["id"]

        token = await access_token(issuer, "grace")
        answers = [
            (await Browser(there.application).get(path, {"authorization": f"Bearer {token}"}))[0]
            for path in ("/api/v1/wallets", "/api/v1/audit")
        ]
        assert answers == [200, 403], "a developer sees wallets, and not the audit trail"
        stranger = await access_token(issuer, "mallory")
        headers = {"authorization": f"Bearer {stranger}"}
        assert (await Browser(there.application).get("/api/v1/wallets", headers))[0] == 401

    async def main() -> None:
        with world(tmp_path, Provider()) as there:
            # The provider must know where it may send people, and Bursar who the provider is: one must come first.
            reserved = there.runtime.ids.new("idp")
            redirect_uri = there.runtime.federation.service.redirect_uri(reserved)
            with running(project, redirect_uri) as issuer:
                await there.insert(
                    reserved,
                    issuer=issuer,
                    **CLIENT,
                    audience=AUDIENCE,
                    required_scope="bursar",
                    scopes=["openid", "email", "profile", "groups"],
                    grants=[Grant(claim="groups", value="staff", organisation=ORGANISATION, role="developer")],
                )
                await scenario(there, issuer, reserved)
                await there.runtime.federation.close()

    asyncio.run(main())
