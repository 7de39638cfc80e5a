"""Idempotency, keys and exact bytes, as the official Python SDK and other clients send them."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import stripe

from tests.wire.annotations import assert_conforms, violations
from tests.wire.harness import PUBLISHABLE_KEY, SECRET_KEY, RunningServer
from tests.wire.sdk import (
    CUSTOMERS,
    body_of,
    create,
    events_about,
    header,
    refused,
    refused_raw,
)


class TestIdempotency:
    def test_the_same_request_is_answered_from_memory(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        first = create(stripe_client, {"name": "Ada"}, key=mark)
        again = create(stripe_client, {"name": "Ada"}, key=mark)
        assert body_of(again) == body_of(first)
        assert header(first, "idempotent-replayed") is None
        assert header(again, "idempotent-replayed") == "true"
        assert len(events_about(stripe_client, first.id, "customer.created")) == 1

    def test_other_parameters_under_the_same_key_are_refused(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        first = create(stripe_client, {"name": "Ada"}, key=mark)
        with refused(stripe.IdempotencyError, error_type="idempotency_error"):
            create(stripe_client, {"name": "Bob"}, key=mark)
        with refused(stripe.IdempotencyError, error_type="idempotency_error"):
            stripe_client.v1.customers.update(first.id, {"name": "Ada"}, {"idempotency_key": mark})

    def test_a_key_is_not_spent_on_a_request_that_was_never_begun(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        wrong: Any = {"tax_exempt": "maybe"}
        with refused(param="tax_exempt"):
            create(stripe_client, wrong, key=mark)
        assert create(stripe_client, {"tax_exempt": "exempt"}, key=mark).tax_exempt == "exempt"

    def test_a_key_has_at_most_255_characters(self, stripe_client: stripe.StripeClient, mark: str) -> None:
        create(stripe_client, key=mark.ljust(255, "k"))
        with refused():
            create(stripe_client, key=mark.ljust(256, "k"))

    def test_without_the_same_key_two_requests_are_two_customers(self, stripe_client: stripe.StripeClient) -> None:
        assert create(stripe_client, {"name": "Ada"}).id != create(stripe_client, {"name": "Ada"}).id


class TestKeys:
    def test_a_wrong_key_is_refused(self, stripe_client: stripe.StripeClient) -> None:
        with refused(stripe.AuthenticationError, 401):
            stripe_client.v1.customers.list(options={"api_key": "sk_test_wrong"})

    @pytest.mark.parametrize(
        "call",
        [
            lambda customers, options: customers.list({}, options),
            lambda customers, options: customers.create({}, options),
            lambda customers, options: customers.retrieve("cus_doesnotexist", {}, options),
        ],
        ids=["list", "create", "retrieve"],
    )
    def test_a_publishable_key_does_not_open_customers(
        self, stripe_client: stripe.StripeClient, call: Callable[[Any, Any], object]
    ) -> None:
        with refused(stripe.PermissionError, 403):
            call(stripe_client.v1.customers, {"api_key": PUBLISHABLE_KEY})

    def test_no_key_is_refused(self, server: RunningServer) -> None:
        refused_raw(server.raw("GET", "/v1/customers", key=None), 401)

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic !!!", "Digest x", "", SECRET_KEY])
    def test_a_malformed_authorization_is_refused(self, server: RunningServer, value: str) -> None:
        refused_raw(server.raw("GET", "/v1/customers", key=None, headers={"Authorization": value}), 401)

    def test_the_key_may_be_the_user_name_of_basic_authentication(self, server: RunningServer) -> None:
        credentials = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        answer = server.raw("GET", "/v1/customers", key=None, headers={"Authorization": f"Basic {credentials}"})
        assert answer.status == 200
        assert_conforms(answer.json, CUSTOMERS)


class TestBytes:
    """What other clients send, byte for byte."""

    @pytest.mark.parametrize(
        "body",
        [b"name=Ada+Lovelace", b"name=Ada%20Lovelace", b"name=Ada%20Lovelace&", b"%6eame=Ada+Lovelace"],
    )
    def test_a_space_is_written_in_two_ways(self, server: RunningServer, body: bytes) -> None:
        answer = server.raw("POST", "/v1/customers", body=body)
        assert answer.status == 200
        assert answer.json["name"] == "Ada Lovelace"
        assert violations(answer.json, stripe.Customer) == []

    def test_brackets_may_be_raw_or_encoded(self, server: RunningServer) -> None:
        body = b"metadata[a]=1&metadata%5Bb%5D=2&preferred_locales[]=de&preferred_locales[]=en"
        sent = server.raw("POST", "/v1/customers", body=body).json
        assert (sent["metadata"], sent["preferred_locales"]) == ({"a": "1", "b": "2"}, ["de", "en"])

    @pytest.mark.parametrize("name", ["expand[]", "expand[0]", quote("expand[0]", safe="")])
    def test_expand_is_written_in_three_ways(self, server: RunningServer, name: str) -> None:
        answer = server.raw("GET", f"/v1/customers?{name}=data.default_source")
        assert answer.status == 200
        assert_conforms(answer.json, CUSTOMERS)

    def test_a_body_may_be_json(self, server: RunningServer) -> None:
        body = json.dumps({"name": "Ada", "balance": 5, "metadata": {"a": "1"}}).encode()
        answer = server.raw("POST", "/v1/customers", body=body, headers={"Content-Type": "application/json"})
        assert answer.status == 200
        assert (answer.json["name"], answer.json["balance"]) == ("Ada", 5)
        assert_conforms(answer.json, stripe.Customer)

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"{", "application/json"),
            (b"[1]", "application/json"),
            (b"name=%ff%fe", "application/x-www-form-urlencoded"),
            (b"metadata[a][b]=1", "application/x-www-form-urlencoded"),
            (b"name=a&name[b]=c", "application/x-www-form-urlencoded"),
        ],
    )
    def test_a_malformed_body_is_refused(self, server: RunningServer, body: bytes, content_type: str) -> None:
        answer = server.raw("POST", "/v1/customers", body=body, headers={"Content-Type": content_type})
        refused_raw(answer, 400)

    @pytest.mark.parametrize(("method", "path"), [("GET", "/v1/unicorns"), ("PUT", "/v1/unicorns")])
    def test_an_unknown_route_is_answered_in_json(self, server: RunningServer, method: str, path: str) -> None:
        refused_raw(server.raw(method, path), 404)

    def test_an_unknown_method_names_the_ones_there_are(self, server: RunningServer) -> None:
        answer = server.raw("PUT", "/v1/customers")
        refused_raw(answer, 405)
        assert answer.headers["Allow"] == "GET, POST"
