"""The bank's page in a real browser: read, used by keyboard alone, on small screens, in the dark."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.piggybank.harness import HOST, WEBHOOK_SECRET, BankServer, asked, served, until
from tests.services import chromium_program
from tests.three_d_secure.test_page_in_browser import ARGUMENTS, CONTRASTS

pytestmark = pytest.mark.service("chromium")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    settings = {"PIGGYBANK_WEBHOOK_URL": "http://127.0.0.1:1/", "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with served(tmp_path_factory.mktemp("bank"), **settings) as bank:
        yield bank


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


class Shop(BaseHTTPRequestHandler):
    """Sends on from one origin to another, as a platform does between a bank and a merchant."""

    def do_GET(self) -> None:
        if self.path.startswith("/return"):
            self.send_response(303)
            port, query = self.headers["Host"].rpartition(":")[2], self.path.partition("?")[2]
            self.send_header("Location", f"http://localhost:{port}/done?{query}")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><link rel=icon href=data:,><h1>Thanks</h1>")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with ThreadingHTTPServer((HOST, 0), Shop) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{serving.server_port}/return"
        serving.shutdown()


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> str:
    return str(abs(hash(request.node.name)))


@contextmanager
def opened(chromium: Browser, url: str, *, width: int = 1280, scheme: Any = "light") -> Iterator[Page]:
    """The page; whatever a test does with it, nothing may be blocked, fail, ask or come from elsewhere."""
    context = chromium.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
    page = context.new_page()
    troubles: list[str] = []
    allowed = (f"http://{HOST}:", "http://localhost:", "data:")
    page.on("request", lambda sent: troubles.append(sent.url) if not sent.url.startswith(allowed) else None)
    page.on("pageerror", lambda problem: troubles.append(str(problem)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"
    )
    page.goto(url)
    yield page
    assert troubles == []
    context.close()


def page_of(bank: BankServer, reference: str, code: str = "HDFC", **options: Any) -> str:
    return str(bank.post("/v1/authorizations", asked(reference, 99_999_999, bank=code, **options))["page_url"])


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_everything_can_be_read(
    chromium: Browser, bank: BankServer, shop: str, reference: str, width: int, scheme: str, decided: bool
) -> None:
    url = page_of(bank, reference, "LATE", descriptor="Donaudampfschifffahrtsgesellschaft" * 4, return_url=shop)
    with opened(chromium, url, width=width, scheme=scheme) as page:
        if decided:
            page.get_by_role("button", name="Decline").click()
            page.wait_for_url("http://localhost:*/done*")
            page.goto(url)
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) == (4 if decided else 11)
        assert [one for one in contrasts if one[1] < 4.5] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(238, 242, 246)" if scheme == "light" else "rgb(16, 19, 23)")
        targets = page.get_by_role("link" if decided else "button").all()
        assert len(targets) == (1 if decided else 2)
        for target in targets:
            box = target.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_the_page_says_what_it_is_and_for_what(chromium: Browser, bank: BankServer, reference: str) -> None:
    with opened(chromium, page_of(bank, reference, descriptor="Two tickets")) as page:
        expect(page).to_have_title("Approve a payment at HDFC Bank")
        expect(page.get_by_role("heading", level=1)).to_have_text("Approve a payment at HDFC Bank")
        expect(page.get_by_text("INR 999,999.99")).to_be_visible()
        expect(page.get_by_text("Two tickets")).to_be_visible()


def test_the_keyboard_is_enough_and_leads_to_another_origin(
    chromium: Browser, bank: BankServer, shop: str, reference: str
) -> None:
    with opened(chromium, page_of(bank, reference, return_url=shop)) as page:
        page.keyboard.press("Tab")
        first = page.get_by_role("button", name="Approve")
        expect(first).to_be_focused()
        assert first.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Decline")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("http://localhost:*/done*piggybank_status=approved*")
        expect(page.get_by_role("heading")).to_have_text("Thanks")
    assert (bank.inquire(reference) or {})["status"] == "approved"


def test_what_a_merchant_wrote_is_text(chromium: Browser, bank: BankServer, reference: str) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>{payee}"
    with opened(chromium, page_of(bank, reference, descriptor=hostile)) as page:
        expect(page.get_by_role("main")).to_contain_text(hostile)
        assert page.locator("main img, main script").count() == 0


def test_a_double_click_decides_once(chromium: Browser, bank: BankServer, shop: str, reference: str) -> None:
    with opened(chromium, page_of(bank, reference, return_url=shop)) as page:
        page.get_by_role("button", name="Approve").dblclick()
        page.wait_for_url("http://localhost:*/done*piggybank_status=approved*")
    settled = [entry for entry in bank.journal() if entry["kind"] == "settlement"]
    operation = bank.inquire(reference) or {}
    assert [entry["status"] for entry in settled if entry["authorization"] == operation["id"]] == ["approved"]


def test_going_back_shows_how_it_ended(chromium: Browser, bank: BankServer, shop: str, reference: str) -> None:
    with opened(chromium, page_of(bank, reference, "LATE", return_url=shop)) as page:
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url("http://localhost:*/done*piggybank_status=pending*")
        until(lambda: (bank.inquire(reference) or {})["status"] == "approved")
        page.go_back()
        expect(page.get_by_role("heading")).to_have_text("Approved")
        page.get_by_role("link", name="Back to the shop").click()
        page.wait_for_url("http://localhost:*/done*piggybank_status=approved*")
