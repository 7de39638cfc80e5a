"""A payer and a bank on the internet's side, the merchant on the inside, and a Bursar that knows its proxy."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from bursar.accounts.service import DEVELOPMENT_ORG_ID
from bursar.connectors.signatures import sign
from tests.checkout.test_in_browser import ASKING, fill_card
from tests.deploy.conftest import NAMES
from tests.deploy.proxies import OUTSIDE_NAME, Proxy, proxying
from tests.services import chromium_program
from tests.three_d_secure.test_page_in_browser import ARGUMENTS
from tests.wire.harness import HOST, SECRET_KEY, RunningServer

CHECKED_ONCE = ("content-security-policy", "referrer-policy", "x-content-type-options", "strict-transport-security")
EVENT: dict[str, Any] = {
    "type": "dispute.opened", "merchant": "acct_nobody:test", "created": 1_800_000_000,
    "data": {"dispute": {
        "id": "dp_deploy", "authorization": "auth_deploy", "reference": "att_deploy", "amount": 1000, "currency": "usd",
        "reason": "fraudulent", "fee": 1500, "status": "open", "inquiry": False, "evidence_due": 1_900_000_000,
    }},
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    environment = {"BURSAR_PUBLIC_URL": f"https://{OUTSIDE_NAME}", "BURSAR_TRUSTED_PROXIES": HOST}
    with RunningServer(tmp_path_factory.mktemp("bursar"), environment) as running:
        yield running


@pytest.fixture(scope="module", params=NAMES)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: RunningServer
) -> Iterator[Proxy]:
    with proxying(request.param, tmp_path_factory.mktemp(request.param), server.port) as running:
        yield running


def ask(proxy: Proxy, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
    """By the inside, as a merchant's server."""
    inside = proxy.inside_connection()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    status, answer, _ = inside.ask(method, path, json.dumps(body).encode() if body is not None else b"", headers)
    inside.close()
    assert status == 200, answer
    return json.loads(answer)


@pytest.mark.service("chromium")
def test_a_payer_pays_with_a_bank_that_asks_who_it_is(proxy: Proxy) -> None:
    registration = {
        "organization": f"Shop {proxy.name}",
        "email": f"owner-{proxy.name}@example.com",
        "password": "a heron waits at the weir",
        "category": "retail",
        "pin": "385916",
    }
    shop = ask(proxy, "POST", "/api/v1/org/register", registration)
    wanted = {"amount": 2500, "currency": "usd"}
    session = ask(proxy, "POST", f"/api/v1/txn/payment-session/{shop['wallet']['code']}", wanted)
    assert session["checkout_url"].startswith(f"https://{OUTSIDE_NAME}/checkout/")
    with sync_playwright() as playwright:
        names = f"--host-resolver-rules=MAP {OUTSIDE_NAME}:443 {HOST}:{proxy.outside}"
        browser = playwright.chromium.launch(
            executable_path=chromium_program(), headless=True, args=[*ARGUMENTS, names]
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        _pay(page, session["checkout_url"])
        browser.close()
    found = ask(proxy, "GET", f"/api/v1/txn/payment-session/{session['transactionTraceId']}")
    assert found["status"] == "paid"


def _pay(page: Page, url: str) -> None:
    spoken: set[str] = set()
    page.on("requestfinished", lambda one: spoken.add(one.url.split("/")[2]))
    opened = page.goto(url)
    assert opened is not None and opened.status == 200
    told = [one["name"].lower() for one in opened.headers_array()]
    assert [told.count(name) for name in CHECKED_ONCE] == [1] * len(CHECKED_ONCE)
    fill_card(page, ASKING)
    page.get_by_role("button", name="Pay $25.00").click()
    page.get_by_role("button", name="Complete authentication").click()
    page.wait_for_url("**/result")
    page.get_by_role("heading", name="Paid to").wait_for()
    assert spoken == {OUTSIDE_NAME}


def test_what_a_bank_signed_is_taken_and_what_was_altered_is_not(proxy: Proxy, server: RunningServer) -> None:
    secret = (server.data_directory / "piggybank" / "webhook_secret").read_text().strip()
    body = json.dumps(EVENT | {"id": f"bev_{proxy.name}"}, indent=1).encode() + b"\r\n \t"
    headers = {"Content-Type": "application/json", "PiggyBank-Signature": sign(secret, body, int(time.time()))}
    outside = proxy.outside_connection()
    assert outside.ask("POST", "/hooks/piggybank", body.rstrip(), headers)[0] == 400
    status, answer, _ = outside.ask("POST", "/hooks/piggybank", body, headers)
    outside.close()
    assert (status, json.loads(answer)) == (200, {"received": True})


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_what_a_bank_signed_is_taken_at_the_address_of_its_account(
    proxy: Proxy, server: RunningServer, colon: str
) -> None:
    secret = (server.data_directory / "piggybank" / "webhook_secret").read_text().strip()
    account = f"{DEVELOPMENT_ORG_ID}:test"
    message = EVENT | {"id": f"bev_{proxy.name}_{colon.replace('%', '_')}".replace(":", "plain"), "merchant": account}
    body = json.dumps(message).encode()
    headers = {"Content-Type": "application/json", "PiggyBank-Signature": sign(secret, body, int(time.time()))}
    outside = proxy.outside_connection()
    target = f"/hooks/piggybank/{account.replace(':', colon)}"
    assert outside.ask("POST", target, body + b" ", headers)[0] == 400
    status, answer, _ = outside.ask("POST", target, body, headers)
    assert (status, json.loads(answer)) == (200, {"received": True})
    outside.close()
    found = ask(proxy, "GET", "/api/v1/incoming-webhooks?limit=2", key=SECRET_KEY)["data"]
    assert {(one["account"], one["state"] == "unverified") for one in found} == {(account, False), (account, True)}


def test_the_log_names_the_caller_and_not_the_proxy(proxy: Proxy, server: RunningServer) -> None:
    inside = proxy.inside_connection("127.0.0.3")
    claim = {"X-Forwarded-For": "203.0.113.66", "Authorization": f"Bearer {SECRET_KEY}"}
    status, answer, _ = inside.ask("POST", "/v1/customers", b"", claim)
    inside.close()
    assert status == 200
    [file] = server.data_directory.glob("*.db")
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as database:
        found = database.execute("select address from events where object_id = ?", [json.loads(answer)["id"]])
        assert found.fetchall() == [("127.0.0.3",)]


def test_figures_are_not_for_whoever_comes_by_the_proxy(proxy: Proxy) -> None:
    inside, outside = proxy.inside_connection(), proxy.outside_connection()
    assert inside.ask("GET", "/metrics")[0] == 403
    assert outside.ask("GET", "/metrics")[0] == 404
    inside.close()
    outside.close()
