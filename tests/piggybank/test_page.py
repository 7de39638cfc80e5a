"""The bank's page over HTTP: who may see it, what a form decides, and what a customer brings back."""

import hmac
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from tests.piggybank.harness import API_KEY, MERCHANT, WEBHOOK_SECRET, BankServer, asked, served, until

SHOP = "https://shop.example/done?order=7&x=a%20b#thanks"
Page = tuple[int, dict[str, str], str]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankServer]:
    # Nobody listens there: what is tested here tells nobody.
    settings = {"PIGGYBANK_WEBHOOK_URL": "http://127.0.0.1:1/", "PIGGYBANK_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with served(tmp_path_factory.mktemp("bank"), **settings) as bank:
        yield bank


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> str:
    """Of this test, as the bank is everybody's."""
    return str(abs(hash(request.node.name)))


def load(bank: BankServer, url: str, form: dict[str, str] | bytes | None = None, method: str = "") -> Page:
    """As a browser does it: without a key."""
    body = form if isinstance(form, bytes | None) else urlencode(form).encode()
    connection = http.client.HTTPConnection("127.0.0.1", bank.port, timeout=20)
    try:
        connection.request(method or ("GET" if body is None else "POST"), urlsplit(url).path, body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def opened(bank: BankServer, reference: str, code: str = "HDFC", **options: Any) -> dict[str, Any]:
    options = {"return_url": SHOP, "descriptor": "Books <b>&</b> more"} | options
    return bank.post("/v1/authorizations", asked(reference, 1_234_567, bank=code, **options))


def brought_back(location: str) -> dict[str, str]:
    """What was signed, once it is sure that the bank has signed it."""
    told = dict(parse_qsl(urlsplit(location).query))
    signed = ".".join(told[f"piggybank_{name}"] for name in ("operation", "reference", "status", "time"))
    expected = hmac.new(WEBHOOK_SECRET.encode(), signed.encode(), "sha256").hexdigest()
    assert told["piggybank_signature"] == expected
    return told


def test_it_says_what_is_asked_and_lets_nothing_else_in(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference, net_banking={"bank_code": "HDFC", "account": "123456789012"})
    status, headers, page = load(bank, operation["page_url"])
    assert status == 200
    for said in ("HDFC Bank", "account …9012", "INR 12,345.67", "Books &lt;b&gt;&amp;&lt;/b&gt; more", 'lang="en"'):
        assert said in page
    assert "<script" not in page
    assert "123456789012" not in page
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("act", "status"), [("approve", "approved"), ("decline", "declined")])
def test_the_customer_decides_and_goes_back_signed(bank: BankServer, reference: str, act: str, status: str) -> None:
    operation = opened(bank, reference)
    answer, headers, page = load(bank, operation["page_url"], {"act": act})
    assert (answer, page) == (303, "")
    location = headers["Location"]
    assert location.startswith("https://shop.example/done?order=7&x=a%20b&piggybank_operation=auth_")
    assert location.endswith("#thanks")
    told = brought_back(location)
    assert (told["piggybank_operation"], told["piggybank_reference"]) == (operation["id"], reference)
    assert told["piggybank_status"] == status
    now = bank.inquire(reference)
    assert now is not None
    assert now["status"] == status
    # Once more, and the other thing: decided is decided.
    for again in ({"act": act}, {"act": "decline"}, {"act": "approve"}):
        answer, headers, _ = load(bank, operation["page_url"], again)
        assert answer == 303
        assert brought_back(headers["Location"])["piggybank_status"] == status
    assert bank.inquire(reference) == now
    answer, _, page = load(bank, operation["page_url"])
    assert (answer, "<form" in page, "Back to the shop" in page) == (200, False, True)


def test_a_late_bank_sends_back_what_is_not_known_yet(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference, "LATE")
    assert "The bank has not answered" in load(bank, operation["page_url"])[2]
    _, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
    assert brought_back(headers["Location"])["piggybank_status"] == "pending"
    until(lambda: (bank.inquire(reference) or {})["status"] == "approved")
    _, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
    assert brought_back(headers["Location"])["piggybank_status"] == "approved"


def test_a_failing_bank_declines_what_the_customer_approves(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference, "FAIL")
    _, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
    assert brought_back(headers["Location"])["piggybank_status"] == "declined"


def test_a_page_that_is_too_late_takes_nothing(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference, expires_after_seconds=1)
    until(lambda: (bank.inquire(reference) or {})["status"] == "declined")
    assert "<form" not in load(bank, operation["page_url"])[2]
    _, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
    assert brought_back(headers["Location"])["piggybank_status"] == "declined"
    assert (bank.inquire(reference) or {})["decline"] == "bank_expired"


def test_what_was_reversed_is_not_told_as_paid(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference)
    load(bank, operation["page_url"], {"act": "approve"})
    bank.post("/v1/reversals", {"reference": f"{reference}-back", "merchant": MERCHANT, "reverses": reference})
    _, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
    assert brought_back(headers["Location"])["piggybank_status"] == "declined"


def test_without_an_address_to_return_to_the_page_says_how_it_ended(bank: BankServer, reference: str) -> None:
    operation = bank.post("/v1/authorizations", asked(reference, bank="PIGGY"))
    status, _, page = load(bank, operation["page_url"], {"act": "approve"})
    assert (status, "This payment is approved." in page, "<a " in page) == (200, True, False)


def test_only_who_knows_the_whole_address_gets_in(bank: BankServer, reference: str) -> None:
    operation = opened(bank, reference)
    by_upi = bank.post("/v1/authorizations", asked(f"{reference}-upi", link=True))
    path = urlsplit(operation["page_url"]).path
    _, _, authorization, secret = path.split("/")
    wrong = [
        path[:-1],
        f"{path}x",
        f"/netbanking/{authorization}/",
        f"/netbanking/{authorization}",
        "/netbanking/",
        f"/netbanking/{by_upi['id']}/",
        f"/netbanking/{by_upi['id']}/{secret}",
        f"/netbanking/auth_x_1/{secret}",
        f"/netbanking/{authorization}/{secret}/more",
        f"/netbanking/{authorization}/%C3%A4",
    ]
    for each in wrong:
        for form in (None, {"act": "approve"}):
            status, headers, page = load(bank, each, form)
            assert (status, "no such page" in page) == (404, True), each
            assert "Content-Security-Policy" in headers
    assert (bank.inquire(reference) or {})["status"] == "waiting"


@pytest.mark.parametrize(
    "form",
    [b"", b"act=", b"act=defer", b"act=approve&act=decline", b"\xff\xfe", b"&".join([b"a=1"] * 20), {"x": "approve"}],
)
def test_a_form_without_a_choice_decides_nothing(bank: BankServer, reference: str, form: Any) -> None:
    operation = opened(bank, reference)
    status, _, page = load(bank, operation["page_url"], form, "POST")
    assert (status, "Nothing was chosen" in page) == (400, True)
    assert (bank.inquire(reference) or {})["status"] == "waiting"


def test_other_methods_are_not_possible(bank: BankServer, reference: str) -> None:
    status, headers, _ = load(bank, opened(bank, reference)["page_url"], method="PUT")
    assert (status, headers["Allow"]) == (405, "GET, POST")


def test_the_decision_is_on_the_disk_before_the_customer_leaves(tmp_path: Path) -> None:
    with served(tmp_path) as bank:
        operation = opened(bank, "kept")
        status, headers, _ = load(bank, operation["page_url"], {"act": "approve"})
        bank.kill()
        assert status == 303
        assert "piggybank_signature" not in parse_qs(urlsplit(headers["Location"]).query), "there is no secret"
        bank.start()
        assert (bank.inquire("kept") or {})["status"] == "approved"
        assert load(bank, operation["page_url"])[0] == 200, "the page has the same address"


def test_a_browser_learns_nothing_of_the_rest(bank: BankServer) -> None:
    for path in ("/", "/netbanking", "/v1/waiting", "/favicon.ico"):
        assert load(bank, path)[0] == 401
    assert API_KEY not in load(bank, "/netbanking/x/y")[2]
