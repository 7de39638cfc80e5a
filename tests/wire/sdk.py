"""What the tests by the official Python SDK share: checks of every answer, and of refusals."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import stripe
from stripe.params import CustomerCreateParams

from tests.wire.annotations import assert_conforms
from tests.wire.harness import Answer

Resource = TypeVar("Resource", bound=stripe.StripeObject)
Json = dict[str, Any]

CUSTOMERS = stripe.ListObject[stripe.Customer]
FOUND_CUSTOMERS = stripe.SearchResultObject[stripe.Customer]
EVENTS = stripe.ListObject[stripe.Event]

ADDRESS: Json = {
    "city": "Köln",
    "country": "DE",
    "line1": "Am Hof 1",
    "line2": "2. Stock",
    "postal_code": "50667",
    "state": "NRW",
}
EMPTY_ADDRESS: Json = dict.fromkeys(ADDRESS)
FULL: CustomerCreateParams = {
    "address": {"city": "Köln", "country": "DE", "line1": "Am Hof 1", "line2": "2. Stock",
                "postal_code": "50667", "state": "NRW"},
    "balance": -1250,
    "business_name": "Analytical Engines",
    "description": "first of her kind & more + 100 %",
    "email": "ada@example.com",
    "individual_name": "Ada Lovelace",
    "invoice_prefix": "ADA42",
    "invoice_settings": {
        "custom_fields": [{"name": "VAT", "value": "DE1"}, {"name": "PO", "value": "7"}],
        "footer": "Thank you.",
        "rendering_options": {"amount_tax_display": "exclude_tax"},
    },
    "metadata": {"order": "6735", "note": "a=b&c[d]"},
    "name": "Ada Lovelace",
    "next_invoice_sequence": 7,
    "phone": "+49 221 1234567",
    "preferred_locales": ["de", "en-GB"],
    "shipping": {"address": {"city": "Köln"}, "name": "Charles", "phone": "+44 20 1234567"},
    "tax_exempt": "reverse",
}  # fmt: skip


def body_of(resource: stripe.StripeObject) -> Json:
    """What the server has sent, untouched by the SDK."""
    assert resource.last_response is not None
    body: Json = json.loads(resource.last_response.body)
    return body


def checked(resource: Resource, expected: type = stripe.Customer) -> Resource:
    assert_conforms(body_of(resource), expected)
    assert resource.last_response is not None
    assert resource.last_response.request_id, "every response names its request"
    return resource


def header(resource: stripe.StripeObject, name: str) -> str | None:
    assert resource.last_response is not None
    return resource.last_response.headers.get(name)


def create(
    client: stripe.StripeClient, params: CustomerCreateParams | None = None, *, key: str | None = None
) -> stripe.Customer:
    return checked(client.v1.customers.create(params, {"idempotency_key": key} if key else None))


@contextmanager
def refused(
    kind: type[stripe.StripeError] = stripe.InvalidRequestError,
    status: int | tuple[int, ...] = 400,
    *,
    code: str | None = None,
    param: str | None = None,
    error_type: str = "invalid_request_error",
) -> Iterator[None]:
    """The block is answered by exactly this error; a code or param of None is left unasked."""
    with pytest.raises(stripe.StripeError) as caught:
        yield
    error = caught.value
    body: Any = error.json_body
    sent = body["error"]
    assert type(error) is kind, sent
    assert error.http_status in (status if isinstance(status, tuple) else (status,)), sent
    assert sent["type"] == error_type
    assert code is None or sent["code"] == code, sent
    assert param is None or sent["param"] == param, sent
    assert sent["message"]
    assert error.request_id


def refused_raw(answer: Answer, status: int, error_type: str = "invalid_request_error") -> Json:
    assert answer.status == status
    assert answer.headers["Request-Id"]
    error: Json = answer.json["error"]
    assert error["type"] == error_type
    assert error["message"]
    return error


def events_about(client: stripe.StripeClient, customer_id: str, kind: str) -> list[stripe.Event]:
    page = checked(client.v1.events.list({"type": kind, "limit": 100}), EVENTS)
    return [event for event in page.data if body_of_subject(event)["id"] == customer_id]


def body_of_subject(event: stripe.Event) -> Json:
    subject: Json = event.to_dict()["data"]["object"]
    return subject
