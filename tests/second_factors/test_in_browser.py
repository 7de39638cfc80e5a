"""Passkeys in a real browser, with the authenticator that it has for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.services import chromium_program
from tests.wire.harness import RunningServer

pytestmark = pytest.mark.service("chromium")

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
ASK = """
async ([method, path, token, body]) => {
  const headers = {"Content-Type": "application/json", ...(token ? {Authorization: `Bearer ${token}`} : {})};
  const answer = await fetch(path, {method, headers, body: method === "GET" ? undefined : JSON.stringify(body)});
  return await answer.json();
}
"""
CREATE = """
async (options) => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({publicKey})).toJSON();
}
"""
GET = """
async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """On the server's own address, by its name: browsers give no passkey to a number."""
    folder: Path = tmp_path_factory.mktemp("bursar")
    with RunningServer(folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(f"http://localhost:{server.port}/healthz")
        yield page
        browser.close()


@pytest.fixture
def device(page: Page) -> Iterator[CDPSession]:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield session
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made["authenticatorId"]})
    session.send("WebAuthn.disable")


def ask(page: Page, method: str, path: str, token: str | None = None, body: Any = None) -> Any:
    return page.evaluate(ASK, [method, f"/api/v1{path}", token, body or {}])


def test_a_browser_registers_a_passkey_and_signs_in_with_it(page: Page, device: CDPSession) -> None:
    email = "ada@example.com"
    body = {
        "organization": "Plum Shop",
        "email": email,
        "password": "seven plums on a green roof",
        "category": "retail",
    }
    token = ask(page, "POST", "/org/register", None, body)["access_token"]

    options = ask(page, "POST", "/auth/passkeys/registration", token)["public_key"]
    credential = page.evaluate(CREATE, options)
    made = ask(page, "POST", "/auth/passkeys", token, {"credential": credential, "name": "Chromium"})
    assert made["name"] == "Chromium", json.dumps(made)

    for _ in range(2):
        options = ask(page, "POST", "/auth/passkeys/options", None, {"purpose": "sign_in"})["public_key"]
        signed_in = ask(page, "POST", "/auth/passkeys/sign-in", None, {"credential": page.evaluate(GET, options)})
        assert signed_in["user"]["email"] == email, json.dumps(signed_in)

    options = ask(page, "POST", "/auth/passkeys/options", None, {"purpose": "step_up"})["public_key"]
    proof = {"credential": page.evaluate(GET, options), "purpose": "step_up"}
    code = ask(page, "POST", "/auth/passkeys/proof", None, proof)["code"]
    assert ask(page, "POST", "/auth/step-up", signed_in["access_token"], {"code": code})["proved_at"] > 0
