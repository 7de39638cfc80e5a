"""The page in a real browser: read, filled in and paid by each method, on small screens, in the dark, by keyboard."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.checkout.conftest import Counter
from tests.payment_sessions.conftest import PIN, WRONG_PIN, House, Register
from tests.plain_payments.conftest import Json
from tests.services import chromium_program
from tests.three_d_secure.test_page_in_browser import ARGUMENTS, CONTRASTS
from tests.wire.harness import HOST

pytestmark = pytest.mark.service("chromium")

GOOD, POOR, ASKING = "4242424242424242", "4000000000009995", "4000002760003184"
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
# Of everything that can be pressed: what is smaller than a finger needs.
SMALL = """
() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
  .map((one) => [one.tagName, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.height < 24 || box.width < 24))
  .map(([name, box]) => `${name} ${box.width} ${box.height}`)
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><link rel=icon href=data:,><h1>The shop</h1>")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[dict[str, str]]:
    """The merchant's pages: of another origin, as always."""
    with ThreadingHTTPServer((HOST, 0), Shop) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        base = f"http://localhost:{serving.server_port}"
        yield {name: f"{base}/{name}" for name in ("success", "failure", "cancel")}
        serving.shutdown()


@contextmanager
def opened(chromium: Browser, session: Json, *, width: int = 1280, scheme: Any = "light") -> Iterator[Page]:
    """The page; whatever a test does with it, nothing may be blocked, fail, ask or come from elsewhere."""
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    troubles: list[str] = []
    allowed = (f"http://{HOST}:", "http://localhost:", "data:")
    page.on("request", lambda sent: troubles.append(sent.url) if not sent.url.startswith(allowed) else None)
    page.on("pageerror", lambda problem: troubles.append(str(problem)))
    # A page that tells of a mistake has the status of one, which Chromium names in its console.
    page.on("console", lambda said: troubles.append(said.text) if _is_trouble(said) else None)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))"
    )
    page.goto(session["checkout_url"])
    yield page
    assert troubles == []
    context.close()


def _is_trouble(said: Any) -> bool:
    return said.type == "error" and not said.text.startswith("Failed to load resource: the server responded with")


def fill_card(page: Page, number: str, cvc: str = "123") -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expires").fill("12 / 34")
    page.get_by_label("Security code").fill(cvc)
    page.get_by_label("Name on the card").fill("Ada Lovelace")


def choose(page: Page, method: str) -> None:
    page.locator("summary", has_text=method).click()


def check_usable(page: Page) -> None:
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()
    assert [one for one in page.evaluate(CONTRASTS) if one[1] < 4.5] == []
    assert page.evaluate(SMALL) == []


def test_a_card_pays_and_the_shop_is_where_it_ends(chromium: Browser, counter: Counter, shop: dict[str, str]) -> None:
    session = counter.open(return_urls=shop)
    with opened(chromium, session) as page:
        fill_card(page, "4242 4242 4242 4242")
        page.get_by_role("button", name="Pay $25.00").click()
        page.wait_for_url(shop["success"])
    assert counter.look(session)["status"] == "paid"


def test_without_a_shop_the_page_says_that_it_is_paid(chromium: Browser, counter: Counter, seller: House) -> None:
    session = counter.open()
    with opened(chromium, session) as page:
        fill_card(page, GOOD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Paid to {seller.name}")
        expect(page.get_by_role("main")).to_contain_text(counter.look(session)["transaction_code"])
        check_usable(page)


def test_after_a_decline_it_is_paid_with_another_card(chromium: Browser, counter: Counter) -> None:
    with opened(chromium, counter.open()) as page:
        fill_card(page, POOR, "987")
        page.get_by_role("button", name="Pay $25.00").click()
        summary = page.get_by_role("alert")
        expect(summary).to_contain_text("There is not enough money")
        expect(summary).to_be_focused()
        expect(page.get_by_label("Card number")).to_have_value("")
        expect(page.get_by_label("Security code")).to_have_value("")
        expect(page.get_by_label("Expires")).to_have_value("12 / 34")
        expect(page.get_by_label("Name on the card")).to_have_value("Ada Lovelace")
        check_usable(page)
        fill_card(page, GOOD)
        page.get_by_role("button", name="Pay $25.00").click()
        page.wait_for_url("**/result")


def test_a_mistake_is_found_from_the_summary_by_keyboard(chromium: Browser, counter: Counter) -> None:
    with opened(chromium, counter.open()) as page:
        fill_card(page, "4242424242424241")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_focused()
        number = page.get_by_label("Card number")
        expect(number).to_have_attribute("aria-invalid", "true")
        expect(number).to_have_accessible_description("This is not the number of a card. Compare it digit by digit.")
        check_usable(page)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(number).to_be_focused()


@pytest.mark.parametrize(("button", "ends"), [("Complete", "success"), ("Fail", "again")])
def test_a_bank_asks_who_it_is(
    chromium: Browser, counter: Counter, shop: dict[str, str], button: str, ends: str
) -> None:
    session = counter.open(return_urls=shop)
    with opened(chromium, session) as page:
        fill_card(page, ASKING)
        page.get_by_role("button", name="Pay $25.00").click()
        page.get_by_role("button", name=f"{button} authentication").click()
        if ends == "success":
            page.wait_for_url(shop["success"])
            return
        page.wait_for_url(session["checkout_url"])
        expect(page.get_by_role("alert")).to_contain_text("Your bank was not shown that it is you")
        fill_card(page, GOOD)
        page.get_by_role("button", name="Pay $25.00").click()
        page.wait_for_url(shop["success"])


def test_upi_by_address(chromium: Browser, counter: Counter, shop: dict[str, str]) -> None:
    with opened(chromium, counter.open(currency="inr", return_urls=shop)) as page:
        page.get_by_label("UPI address").fill("failure@piggybank")
        page.get_by_role("button", name="Ask my app for ₹25.00").click()
        expect(page.get_by_role("alert")).to_contain_text("declined")
        page.get_by_label("UPI address").fill("success@piggybank")
        page.get_by_role("button", name="Ask my app for ₹25.00").click()
        page.wait_for_url(shop["success"])


def test_upi_by_a_code_can_be_left_for_another_way(chromium: Browser, counter: Counter) -> None:
    session = counter.open(currency="inr")
    with opened(chromium, session) as page:
        page.get_by_role("button", name="Show a QR code").click()
        expect(page.get_by_alt_text("QR code of this payment")).to_be_visible()
        page.goto(session["checkout_url"])
        expect(page.get_by_role("link", name="Go on with it")).to_be_visible()
        choose(page, "Card")
        fill_card(page, GOOD)
        page.get_by_role("button", name="Pay ₹25.00").first.click()
        page.wait_for_url("**/result")
    assert counter.look(session)["status"] == "paid"


@pytest.mark.parametrize("act", ["Approve", "Decline"])
def test_net_banking_at_the_banks_page(chromium: Browser, counter: Counter, shop: dict[str, str], act: str) -> None:
    session = counter.open(currency="inr", return_urls=shop)
    with opened(chromium, session) as page:
        choose(page, "Net banking")
        page.get_by_label("Your bank").select_option("HDFC Bank")
        page.get_by_role("button", name="Go to the bank").click()
        page.get_by_role("button", name=act).click()
        if act == "Approve":
            page.wait_for_url(shop["success"])
            return
        page.wait_for_url(session["checkout_url"])
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("Your bank")).to_be_visible()


def test_a_wallet_with_a_wrong_and_the_right_pin(
    chromium: Browser, counter: Counter, payer: House, shop: dict[str, str]
) -> None:
    with opened(chromium, counter.open(return_urls=shop)) as page:
        choose(page, "Bursar wallet")
        page.get_by_label("Code of the wallet").fill(payer.wallet)
        page.get_by_label("PIN").fill(WRONG_PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This is not the wallet's PIN")
        expect(page.get_by_label("PIN")).to_have_attribute("aria-describedby", "e-pin h-pin")
        expect(page.get_by_label("PIN")).to_have_value("")
        expect(page.get_by_label("Code of the wallet")).to_have_value(payer.wallet)
        page.get_by_label("PIN").fill(PIN)
        page.keyboard.press("Enter")
        page.wait_for_url(shop["success"])


def test_a_double_click_pays_once(chromium: Browser, counter: Counter, register: Register) -> None:
    house = register("Twice")
    session = counter.till.open(house)
    with opened(chromium, session) as page:
        fill_card(page, GOOD)
        page.get_by_role("button", name="Pay $25.00").dblclick()
        page.wait_for_url("**/result")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Paid to")
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Paid to")
    assert len(counter.server.raw("GET", "/v1/charges", key=house.key).json["data"]) == 1


def test_who_cancels_goes_back_to_the_shop(chromium: Browser, counter: Counter, shop: dict[str, str]) -> None:
    with opened(chromium, counter.open(return_urls=shop)) as page:
        page.get_by_role("link", name="Cancel and go back").click()
        page.wait_for_url(shop["cancel"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_everything_can_be_read_and_pressed(
    chromium: Browser, counter: Counter, shop: dict[str, str], width: int, scheme: str
) -> None:
    session = counter.open(
        currency="inr", amount=1_234_567_890, return_urls=shop, description="Donaudampfschifffahrtsgesellschaft" * 4
    )
    with opened(chromium, session, width=width, scheme=scheme) as page:
        for method in ("UPI", "Card", "Net banking", "Wallet at the bank", "Bursar wallet"):
            if method != "UPI":
                choose(page, method)
            check_usable(page)
            assert page.evaluate("document.documentElement.scrollWidth") == width
        choose(page, "Card")
        page.get_by_role("button", name="Pay ₹").first.click()
        expect(page.get_by_role("alert")).to_be_focused()
        check_usable(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_when_its_time_is_over_the_way_back_is_what_is_left(
    chromium: Browser, counter: Counter, shop: dict[str, str]
) -> None:
    session = counter.open(return_urls=shop)
    with opened(chromium, session) as page:
        fill_card(page, GOOD)
        counter.let_expire(session)
        page.get_by_role("button", name="Pay $25.00").click()
        page.wait_for_url(shop["failure"])
        page.goto(session["checkout_url"])
        expect(page.get_by_role("heading", level=1)).to_have_text("The time for this payment is over")
        check_usable(page)
        page.get_by_role("link", name="Go back to").click()
        page.wait_for_url(shop["failure"])
