"""What the tests of payments share: a payment in one line, the customer at the bank's page, declines."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import stripe

from tests.wire.harness import REQUEST_SECONDS_MAX
from tests.wire.sdk import body_of

Json = dict[str, Any]
Found = TypeVar("Found")

POLL_SECONDS = 0.05
HAPPENS_SECONDS_MAX = 20.0  # the bank lets what happens later wait for a second, on an idle machine
VISA = "pm_card_visa"
RETURN_URL = "https://shop.example/done?order=6735"


def card_data(number: str, changes: Json | None = None) -> Json:
    """A card as a browser sends it."""
    cvc = "1234" if number.startswith(("34", "37")) else "123"
    return {
        "type": "card",
        "card": {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": cvc, **(changes or {})},
    }


def pay(client: stripe.StripeClient, params: Any = None, *, key: str | None = None) -> stripe.PaymentIntent:
    """20.00 USD, confirmed at once, but for what the parameters say."""
    sent: Any = {"amount": 2000, "currency": "usd", "payment_method": VISA, "confirm": True, **(params or {})}
    if "payment_method_data" in sent:
        sent.pop("payment_method")
    return client.v1.payment_intents.create(sent, {"idempotency_key": key} if key else None)


def prepare(client: stripe.StripeClient, params: Any = None) -> stripe.PaymentIntent:
    """An intent that waits for its payment method."""
    sent: Any = {"amount": 2000, "currency": "usd", **(params or {})}
    return client.v1.payment_intents.create(sent)


def authorise(client: stripe.StripeClient, params: Any = None) -> stripe.PaymentIntent:
    """An authorisation that waits to be captured."""
    return pay(client, {"capture_method": "manual", **(params or {})})


def latest_charge(client: stripe.StripeClient, intent: stripe.PaymentIntent) -> stripe.Charge:
    assert isinstance(intent.latest_charge, str)
    return client.v1.charges.retrieve(intent.latest_charge)


@dataclass(frozen=True)
class Page:
    """What the customer's browser gets from the bank's page, without following it."""

    status: int
    location: str | None
    text: str

    @property
    def told(self) -> dict[str, str]:
        """What the merchant's page is told by its address."""
        assert self.location is not None, self.text
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


def challenge_url(intent: stripe.PaymentIntent | stripe.SetupIntent) -> str:
    action = body_of(intent)["next_action"]
    assert action["type"] == "redirect_to_url"
    url: str = action["redirect_to_url"]["url"]
    return url


def visit(url: str, result: str | None = None) -> Page:
    """Opens the page, or sends its form."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=REQUEST_SECONDS_MAX)
    try:
        if result is None:
            connection.request("GET", parts.path)
        else:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", parts.path, urlencode({"result": result}), form)
        response = connection.getresponse()
        return Page(response.status, response.getheader("Location"), response.read().decode())
    finally:
        connection.close()


@dataclass
class Decline:
    """What a declined request has told; filled when its block ends."""

    error: Json

    @property
    def intent(self) -> Json:
        found: Json = self.error["payment_intent"]
        return found


@contextmanager
def declined(code: str, decline_code: str | None = None, *, param: str | None = None) -> Iterator[Decline]:
    """The block is answered as an SDK's user expects of a card that is declined."""
    told = Decline({})
    with pytest.raises(stripe.CardError) as caught:
        yield told
    error = caught.value
    body: Any = error.json_body
    told.error = body["error"]
    assert error.http_status == 402
    assert told.error["type"] == "card_error"
    assert error.code == code, told.error
    assert error.user_message
    assert (told.error.get("decline_code"), told.error.get("param")) == (decline_code, param), told.error


def event_types(client: stripe.StripeClient, object_ids: set[str]) -> list[str]:
    """The types of what was told about these objects, of the latest hundred events, oldest first."""
    page = client.v1.events.list({"limit": 100})
    return [str(event.type) for event in page.data if event.to_dict()["data"]["object"]["id"] in object_ids][::-1]


def until(look: Callable[[], Found | None], what: str) -> Found:
    """Looks until what the bank does later has happened."""
    deadline = time.monotonic() + HAPPENS_SECONDS_MAX
    while (found := look()) is None or found is False:
        assert time.monotonic() < deadline, f"{what} has not happened within {HAPPENS_SECONDS_MAX:g} s"
        time.sleep(POLL_SECONDS)
    return found
