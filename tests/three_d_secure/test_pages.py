"""The page as whoever knows its address meets it, by HTTP."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from tests.three_d_secure.slow_bank import wait_for
from tests.wire.harness import HOST, Answer, RunningServer
from tests.wire.payments import RETURN_URL, challenge_url, pay, visit

ALWAYS = "pm_card_authenticationRequired"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;'


def ask(client: stripe.StripeClient, **params: Any) -> stripe.PaymentIntent:
    """A payment that waits for its customer."""
    return pay(client, {"payment_method": ALWAYS, **params})


def set_up(client: stripe.StripeClient, **params: Any) -> stripe.SetupIntent:
    sent: Any = {"payment_method": ALWAYS, "confirm": True, **params}
    return client.v1.setup_intents.create(sent)


def page_of(server: RunningServer, url: str, method: str = "GET", body: bytes | None = None) -> Answer:
    return server.raw(method, urlsplit(url).path, body=body, key=None)


def policy_of(answer: Answer) -> dict[str, list[str]]:
    rules = answer.headers["Content-Security-Policy"].split(";")
    return {words[0]: words[1:] for words in (rule.split() for rule in rules)}


def test_the_page_runs_nothing_and_loads_nothing(server: RunningServer, stripe_client: stripe.StripeClient) -> None:
    answer = page_of(server, challenge_url(ask(stripe_client)))
    assert answer.status == 200
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert "script-src" not in policy
    [allowed] = policy["style-src"]
    assert f"nonce-{re.search(rb'style nonce=.([^>]+).>', answer.body)[1].decode()}" == allowed.strip("'")  # type: ignore[index]
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(rb"<script|<link|<img|@import|url\(|https?:", answer.body)
    assert policy_of(page_of(server, challenge_url(ask(stripe_client))))["style-src"] != [allowed]


@pytest.mark.parametrize("make", [ask, set_up])
def test_what_a_merchant_writes_is_shown_and_not_run(
    server: RunningServer, stripe_client: stripe.StripeClient, make: Any
) -> None:
    body = page_of(server, challenge_url(make(stripe_client, description=HOSTILE))).body.decode()
    assert "<script" not in body
    assert "<img" not in body
    assert "&lt;script&gt;alert(1)" in body
    assert "&amp;lt;" in body


def test_a_long_description_does_not_push_the_buttons_away(
    server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    body = page_of(server, challenge_url(ask(stripe_client, description="word " * 900))).body.decode()
    assert body.count("word") < 50
    assert "20.00 USD" in body


def test_a_setup_shows_no_amount(server: RunningServer, stripe_client: stripe.StripeClient) -> None:
    body = page_of(server, challenge_url(set_up(stripe_client))).body.decode()
    assert "Your card is being saved" in body
    assert "<strong>" not in body


def test_the_methods_are_those_of_a_page(server: RunningServer, stripe_client: stripe.StripeClient) -> None:
    url = challenge_url(ask(stripe_client))
    shown, head = page_of(server, url), page_of(server, url, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(shown.body))
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        refused = page_of(server, url, method)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, POST")
        assert refused.headers["Content-Type"].startswith("text/html")
    assert "Confirm that it is you" in page_of(server, url).body.decode()


def test_who_has_not_the_whole_address_learns_nothing(
    server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    intent = ask(stripe_client)
    url = challenge_url(intent)
    path, _, secret = urlsplit(url).path.rpartition("/")
    one_off = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    other_mode = path.replace(".0.", ".1.")
    guesses = [f"{path}/{one_off}", f"{path}/{secret}%00", f"{other_mode}/{secret}", f"/authenticate/x/{secret}"]
    for guess in (*guesses, f"{path}/%E2%80%A6", f"/authenticate/%00.0.att/{secret}"):
        for method, body in (("GET", None), ("POST", b"result=passed")):
            answer = server.raw(method, guess, body=body, key=None)
            assert answer.status == 404
            assert b"20.00" not in answer.body
    assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_action"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"result=",
        b"result=maybe",
        b"result=passed&result=failed",
        b"\xff\x00",
        b"&".join([b"a=b"] * 1_000) + b"&result=passed",
        b'{"result": "passed"}',
    ],
)
def test_a_form_without_one_result_decides_nothing(
    server: RunningServer, stripe_client: stripe.StripeClient, body: bytes
) -> None:
    intent = ask(stripe_client)
    answer = page_of(server, challenge_url(intent), "POST", body)
    assert answer.status == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_action"


def test_a_page_that_is_opened_again_has_nothing_to_ask(
    server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    for result in ("passed", "failed"):
        url = challenge_url(set_up(stripe_client))
        assert visit(url, result).status == 200
        again = page_of(server, url)
        assert again.status == 200
        assert b"This authentication is over" in again.body
        assert b"<form" not in again.body


@pytest.mark.parametrize(("result", "heading"), [("passed", "Done"), ("failed", "Not completed")])
def test_without_an_address_the_page_tells_the_end(
    stripe_client: stripe.StripeClient, result: str, heading: str
) -> None:
    for waiting in (ask(stripe_client), set_up(stripe_client)):
        done = visit(challenge_url(waiting), result)
        assert (done.status, done.location) == (200, None)
        assert f"<h1>{heading}</h1>" in done.text


def test_a_customer_who_closes_the_page_without_a_click_has_decided_nothing(
    server: RunningServer, stripe_client: stripe.StripeClient
) -> None:
    setup = set_up(stripe_client)
    for _ in range(3):
        assert page_of(server, challenge_url(setup)).status == 200
    assert stripe_client.v1.setup_intents.retrieve(setup.id).status == "requires_action"
    assert stripe_client.v1.setup_intents.cancel(setup.id).status == "canceled"
    assert b"This authentication is over" in page_of(server, challenge_url(setup)).body


@pytest.mark.parametrize("kind", ["payment", "setup"])
def test_a_customer_who_hangs_up_after_the_click_has_decided(
    server: RunningServer, stripe_client: stripe.StripeClient, kind: str
) -> None:
    waiting = ask(stripe_client) if kind == "payment" else set_up(stripe_client)
    path = urlsplit(challenge_url(waiting)).path
    with socket.create_connection((HOST, server.port)) as gone:
        gone.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\nresult=passed".encode(),
        )
    intents: Any = stripe_client.v1.payment_intents if kind == "payment" else stripe_client.v1.setup_intents
    wait_for(lambda: True if intents.retrieve(waiting.id).status == "succeeded" else None)


def test_of_many_clicks_at_once_all_lead_to_the_one_end(stripe_client: stripe.StripeClient) -> None:
    setup = set_up(stripe_client, return_url=RETURN_URL)
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: visit(challenge_url(setup), "passed"), range(8)))
    assert {page.location for page in pages} == {pages[0].location}
    assert pages[0].told["redirect_status"] == "succeeded"
    events = stripe_client.v1.events.list({"type": "setup_intent.succeeded", "limit": 20}).data
    assert [event.to_dict()["data"]["object"]["id"] for event in events].count(setup.id) == 1


@pytest.mark.parametrize(
    ("address", "start"),
    [
        (
            "https://shop.example/fertig/ä?wörd=ü",
            "https://shop.example/fertig/%C3%A4?w%C3%B6rd=%C3%BC&setup_intent=seti_",
        ),
        ("https://shop.example/%C3%A4?a=%26", "https://shop.example/%C3%A4?a=%26&setup_intent=seti_"),
        ("https://shop.example/#/paid", "https://shop.example/?setup_intent=seti_"),
        ("shopapp://paid", "shopapp://paid?setup_intent=seti_"),
    ],
)
def test_every_address_of_a_merchant_can_stand_in_a_header(
    stripe_client: stripe.StripeClient, address: str, start: str
) -> None:
    back = visit(challenge_url(set_up(stripe_client, return_url=address)), "passed")
    assert back.status == 303
    assert back.location is not None
    assert back.location.isascii()
    assert back.location.startswith(start)
    assert back.location.endswith("#/paid") == address.endswith("#/paid")


@pytest.mark.parametrize("address", ["https://shop.example/a\r\nSet-Cookie: a=b\x0b\x1f", "https://shop.example/a b"])
def test_an_address_that_could_add_headers_is_refused(stripe_client: stripe.StripeClient, address: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        set_up(stripe_client, return_url=address)
    assert (refused.value.code, refused.value.param) == ("url_invalid", "return_url")


def test_with_manual_confirmation_the_second_confirmation_may_be_repeated(
    stripe_client: stripe.StripeClient,
) -> None:
    intents = stripe_client.v1.payment_intents
    intent = ask(stripe_client, confirmation_method="manual", return_url=RETURN_URL)
    assert visit(challenge_url(intent), "passed").told["redirect_status"] == "succeeded"
    between = intents.retrieve(intent.id)
    assert (between.status, between.next_action, between.amount_received) == ("requires_confirmation", None, 0)
    first, second = (intents.confirm(intent.id, None, {"idempotency_key": f"again-{intent.id}"}) for _ in range(2))
    assert (first.status, first.amount_received) == ("succeeded", 2000)
    assert second.latest_charge == first.latest_charge
    assert len(stripe_client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_with_manual_confirmation_who_fails_needs_another_card(stripe_client: stripe.StripeClient) -> None:
    intent = ask(stripe_client, confirmation_method="manual")
    visit(challenge_url(intent), "failed")
    assert stripe_client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"
