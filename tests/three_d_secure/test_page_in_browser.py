"""The page in a real browser: read, used by keyboard alone, on small screens, and by somebody who clicks twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.services import chromium_program
from tests.wire.harness import HOST, RunningServer
from tests.wire.payments import challenge_url, pay

pytestmark = pytest.mark.service("chromium")

ALWAYS = "pm_card_authenticationRequired"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Of everything that has text of its own: how it stands out from what lies behind it, as WCAG counts it.
CONTRASTS = """
() => {
  const channels = (color) => color.match(/[0-9.]+/g).map(Number);
  const light = ([red, green, blue]) => [red, green, blue]
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = channels(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const ratio = (first, second) => {
    const [high, low] = [light(first), light(second)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  return [...document.querySelectorAll("main, main *")]
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .map((one) => [one.textContent.trim().slice(0, 40), ratio(channels(getComputedStyle(one).color), behind(one))]);
}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The merchant's page: of another origin, as always."""
    with ThreadingHTTPServer((HOST, 0), Shop) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{serving.server_port}/done"
        serving.shutdown()


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=en><link rel=icon href=data:,><h1>Thanks</h1>")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def opened(
    chromium: Browser, server: RunningServer, url: str, *, width: int = 1280, scheme: Any = "light"
) -> Iterator[Page]:
    """The page; whatever a test does with it, nothing may be blocked, fail, ask or come from elsewhere."""
    context = chromium.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
    page = context.new_page()
    troubles: list[str] = []
    allowed = (server.base_url, f"http://{HOST}:")
    page.on("request", lambda asked: troubles.append(asked.url) if not asked.url.startswith(allowed) else None)
    page.on("pageerror", lambda problem: troubles.append(str(problem)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.goto(url)
    yield page
    assert troubles == []
    context.close()


def asked(client: stripe.StripeClient, **params: Any) -> str:
    """The page's address of a payment that waits for its customer."""
    return challenge_url(pay(client, {"payment_method": ALWAYS, **params}))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_everything_can_be_read(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient, width: int, scheme: str
) -> None:
    url = asked(stripe_client, description="Donaudampfschifffahrtsgesellschaft" * 4)
    with opened(chromium, server, url, width=width, scheme=scheme) as page:
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) == 6
        assert [one for one in contrasts if one[1] < 4.5] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_the_page_says_what_it_is_and_for_what(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    with opened(chromium, server, asked(stripe_client, description="Two tickets")) as page:
        expect(page).to_have_title("Confirm that it is you")
        expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        expect(page.get_by_role("main")).to_contain_text("Two tickets")
        expect(page.get_by_text("20.00 USD")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "en"


def test_the_keyboard_is_enough_and_its_focus_is_seen(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient, shop: str
) -> None:
    with opened(chromium, server, asked(stripe_client, return_url=shop)) as page:
        page.keyboard.press("Tab")
        first = page.get_by_role("button", name="Complete authentication")
        expect(first).to_be_focused()
        assert first.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Fail authentication")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{shop}?payment_intent=*redirect_status=succeeded")
        expect(page.get_by_role("heading")).to_have_text("Thanks")


def test_what_a_merchant_wrote_is_text(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    with opened(chromium, server, asked(stripe_client, description=hostile)) as page:
        expect(page.get_by_role("main")).to_contain_text(hostile)
        assert page.locator("main img, main script").count() == 0


def test_going_back_and_clicking_again_changes_nothing(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient, shop: str
) -> None:
    intent = pay(stripe_client, {"payment_method": ALWAYS, "return_url": shop})
    with opened(chromium, server, challenge_url(intent)) as page:
        page.get_by_role("button", name="Fail authentication").click()
        page.wait_for_url(f"{shop}*redirect_status=failed")
        page.go_back()
        expect(page.get_by_role("heading")).to_have_text("Nothing to do")
        expect(page.get_by_role("button")).to_have_count(0)
    assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_a_double_click_leads_to_the_shop_with_the_end(
    chromium: Browser, server: RunningServer, stripe_client: stripe.StripeClient, shop: str
) -> None:
    sent: Any = {"payment_method": ALWAYS, "confirm": True, "return_url": shop}
    setup = stripe_client.v1.setup_intents.create(sent)
    with opened(chromium, server, challenge_url(setup)) as page:
        page.get_by_role("button", name="Complete authentication").dblclick()
        page.wait_for_url(f"{shop}?setup_intent=*redirect_status=succeeded")
    assert stripe_client.v1.setup_intents.retrieve(setup.id).status == "succeeded"
