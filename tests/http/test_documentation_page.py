"""The documentation in a real browser, from the real server."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.services import chromium_program
from tests.wire.harness import SECRET_KEY, RunningServer

pytestmark = pytest.mark.service("chromium")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DATA, CONTROL = "/docs", "/api/v1/docs"
COUNT_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI || event.sample}`));
"""


CONTRAST = """
(place) => {
  const style = getComputedStyle(document.querySelector(place));
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def documentation(
    browser: Browser, server: RunningServer, width: int = 1280, scheme: str = "light", path: str = DATA
) -> Iterator[Page]:
    """The page; whatever a test does with it, nothing may be blocked, fail or come from elsewhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.add_init_script(COUNT_VIOLATIONS)
    page = context.new_page()
    requested: list[str] = []
    failures: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda problem: failures.append(str(problem)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    page.goto(f"{server.base_url}{path}")
    yield page
    assert page.evaluate("window.violations") == []
    assert failures == []
    assert [url for url in requested if not url.startswith((server.base_url, "data:"))] == []
    context.close()


def test_the_examples_name_the_server_that_is_looked_at(browser: Browser, server: RunningServer) -> None:
    with documentation(browser, server) as page:
        expect(page.locator("#create-customer .listing").first).to_contain_text(f"{server.base_url}/v1/customers")


@pytest.mark.parametrize("path", [DATA, CONTROL])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_at_320_pixels(
    browser: Browser, server: RunningServer, scheme: str, path: str
) -> None:
    with documentation(browser, server, width=320, scheme=scheme, path=path) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        outside = page.evaluate(
            "[...document.querySelectorAll('main *')].filter((one) => !one.closest('pre') &&"
            " one.getBoundingClientRect().right > 320.5).map((one) => one.outerHTML.slice(0, 120))"
        )
        assert outside == []


def test_the_contents_are_folded_on_narrow_screens_only(browser: Browser, server: RunningServer) -> None:
    link = "#contents a[href='#list-events']"
    with documentation(browser, server, width=320) as page:
        expect(page.locator(link)).to_be_hidden()
        page.locator("#contents > summary").click()
        page.locator(link).click()
        expect(page.locator("#list-events-title")).to_be_in_viewport()
        expect(page.locator(link)).to_be_hidden()
    with documentation(browser, server) as page:
        expect(page.locator(link)).to_be_visible()


def test_the_filter_leaves_what_was_asked_for(browser: Browser, server: RunningServer) -> None:
    with documentation(browser, server) as page:
        page.keyboard.press("/")
        page.keyboard.type("delete customer")
        expect(page.locator("#delete-customer")).to_be_visible()
        expect(page.locator("#create-customer")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.locator("#create-customer")).to_be_visible()


def test_the_language_of_the_examples_is_remembered(browser: Browser, server: RunningServer) -> None:
    python = "#create-customer .listing[data-language=python]"
    with documentation(browser, server) as page:
        expect(page.locator(python)).to_be_hidden()
        page.get_by_role("button", name="Python", exact=True).click()
        expect(page.locator(python)).to_be_visible()
        page.reload()
        expect(page.locator(python)).to_be_visible()


def test_copying_gives_the_example_that_is_shown(browser: Browser, server: RunningServer) -> None:
    with documentation(browser, server) as page:
        listing = page.locator("#create-customer .listing[data-language=curl]")
        listing.get_by_role("button").click()
        expect(listing.get_by_role("button")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(f"curl {server.base_url}/v1/customers \\\n  -u {SECRET_KEY}:")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_method_on_the_control_plane_can_be_read(browser: Browser, server: RunningServer, scheme: str) -> None:
    """Letters on their ground: at least 4.5 to 1, as WCAG asks."""
    with documentation(browser, server, scheme=scheme, path=CONTROL) as page:
        for method in ("get", "post", "put", "delete"):
            contrast = page.evaluate(CONTRAST, f".overview .method.{method}")
            assert contrast >= 4.5, (method, contrast)


def test_the_control_planes_examples_sign_in_by_a_token(browser: Browser, server: RunningServer) -> None:
    with documentation(browser, server, path=CONTROL) as page:
        listing = page.locator("#create-role .listing[data-language=curl]")
        expect(listing).to_contain_text(f"{server.base_url}/api/v1/roles")
        expect(listing).to_contain_text("Authorization: Bearer $TOKEN")
        page.keyboard.press("/")
        page.keyboard.type("rotate")
        expect(page.locator("#rotate-api-key")).to_be_visible()
        expect(page.locator("#create-role")).to_be_hidden()
