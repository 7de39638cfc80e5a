"""Webhook endpoints through the official Python SDK, and its verifier for what they are sent."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
import stripe
from standardwebhooks import Webhook

from tests.webhooks.blocking import BlockingReceiver, receiving
from tests.webhooks.receivers import Received
from tests.wire.conftest import Connect, Keys
from tests.wire.harness import SECRET_KEY, RunningServer
from tests.wire.sdk import checked, refused


@pytest.fixture
def receiver() -> Iterator[BlockingReceiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def endpoint(stripe_client: stripe.StripeClient, receiver: BlockingReceiver) -> Iterator[stripe.WebhookEndpoint]:
    """Gone after the test: the server is shared."""
    # Groups are ours, so the SDK's annotations do not have them.
    params: Any = {
        "url": receiver.url,
        "enabled_events": ["customer.*", "payment_intent.succeeded", "checkout.session.completed"],
        "api_version": "2025-03-31.basil",
        "description": "The shop's",
        "metadata": {"shop": "1"},
    }
    made = stripe_client.v1.webhook_endpoints.create(params)
    yield made
    stripe_client.v1.webhook_endpoints.delete(made.id)


class TestEndpoints:
    def test_a_new_one_shows_its_secret_once(
        self, stripe_client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: BlockingReceiver
    ) -> None:
        checked(endpoint, stripe.WebhookEndpoint)
        assert endpoint.secret is not None
        assert endpoint.secret.startswith("whsec_")
        assert (endpoint.status, endpoint.application, endpoint.livemode) == ("enabled", None, False)
        retrieved = checked(stripe_client.v1.webhook_endpoints.retrieve(endpoint.id), stripe.WebhookEndpoint)
        assert retrieved.secret is None
        assert retrieved.to_dict() | {"secret": endpoint.secret} == endpoint.to_dict()
        assert retrieved.url == receiver.url
        assert retrieved.enabled_events == ["customer.*", "payment_intent.succeeded", "checkout.session.completed"]

    def test_what_is_changed_and_what_stays(
        self, stripe_client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint
    ) -> None:
        changed = stripe_client.v1.webhook_endpoints.update(
            endpoint.id,
            {
                "url": "https://example.com/hooks",
                "enabled_events": ["*"],
                "description": "",
                "disabled": True,
                "metadata": {"shop": "", "till": "2"},
            },
        )
        checked(changed, stripe.WebhookEndpoint)
        assert (changed.url, changed.enabled_events, changed.description) == ("https://example.com/hooks", ["*"], None)
        assert (changed.status, changed.metadata.to_dict()) == ("disabled", {"till": "2"})
        assert changed.api_version == "2025-03-31.basil"
        again = stripe_client.v1.webhook_endpoints.update(endpoint.id, {"disabled": False})
        assert again.status == "enabled"

    def test_lists_are_newest_first_and_paged(
        self, stripe_client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: BlockingReceiver
    ) -> None:
        newer = stripe_client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["refund.created"]})
        page = stripe_client.v1.webhook_endpoints.list({"limit": 1})
        assert ([one.id for one in page.data], page.has_more) == ([newer.id], True)
        after = stripe_client.v1.webhook_endpoints.list({"limit": 1, "starting_after": newer.id})
        assert [one.id for one in after.data] == [endpoint.id]
        deleted = stripe_client.v1.webhook_endpoints.delete(newer.id)
        assert (deleted.id, deleted.deleted) == (newer.id, True)
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.webhook_endpoints.retrieve(newer.id)
        assert newer.id not in [one.id for one in stripe_client.v1.webhook_endpoints.list().data]

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"enabled_events": ["*"]}, "url"),
            ({"url": "https://example.com"}, "enabled_events"),
            ({"url": "https://example.com", "enabled_events": ["payment_intent.suceeded"]}, "enabled_events[0]"),
            ({"url": "https://example.com", "enabled_events": ["*", "bursar.user.created"]}, "enabled_events[1]"),
            ({"url": "https://10.0.0.1/", "enabled_events": ["*"]}, "url"),
            ({"url": "http://169.254.169.254/latest", "enabled_events": ["*"]}, "url"),
            ({"url": "https://2130706433/", "enabled_events": ["*"]}, "url"),
            ({"url": "https://user:word@example.com/", "enabled_events": ["*"]}, "url"),
            ({"url": "ftp://example.com", "enabled_events": ["*"]}, "url"),
            ({"url": "https://example.com", "enabled_events": ["*"], "api_version": "yesterday"}, "api_version"),
            ({"url": "https://example.com", "enabled_events": ["*"], "status": "enabled"}, "status"),
            ({"url": "https://example.com", "enabled_events": ["*"], "org_id": "acct_1"}, "org_id"),
        ],
        ids=str,
    )
    def test_what_cannot_be_meant_is_refused(self, stripe_client: stripe.StripeClient, params: Any, param: str) -> None:
        with refused(param=param):
            stripe_client.v1.webhook_endpoints.create(params)

    def test_another_mode_and_another_organisation_see_nothing(
        self, connect: Connect, keys: Keys, endpoint: stripe.WebhookEndpoint
    ) -> None:
        for key in (keys.live_secret, keys.other_organisation):
            other = connect(key)
            assert endpoint.id not in [one.id for one in other.v1.webhook_endpoints.list().data]
            for call in (other.v1.webhook_endpoints.retrieve, other.v1.webhook_endpoints.delete):
                with refused(status=404, code="resource_missing"):
                    call(endpoint.id)


class LosingClient(stripe.HTTPClient):
    """The SDK's own HTTP client behind a network that loses the first answer, once the server has acted."""

    name = "losing"

    def __init__(self) -> None:
        super().__init__()
        self._inner: Any = stripe.new_default_http_client()
        self.answers: list[str] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        answer: tuple[str, int, Mapping[str, str]] = self._inner.request(method, url, headers, post_data)
        self.answers.append(answer[0])
        if len(self.answers) == 1:
            raise stripe.APIConnectionError("the answer was lost", should_retry=True)  # type: ignore[no-untyped-call]
        return answer

    def close(self) -> None:
        self._inner.close()


class TestRepeats:
    def test_the_sdks_own_retry_makes_no_second_one_and_gets_the_secret(
        self, server: RunningServer, stripe_client: stripe.StripeClient, receiver: BlockingReceiver, mark: str
    ) -> None:
        with closing(LosingClient()) as network:
            losing = stripe.StripeClient(
                SECRET_KEY, base_addresses={"api": server.base_url}, http_client=network, max_network_retries=2
            )
            made = losing.v1.webhook_endpoints.create(
                {"url": f"{receiver.url}/{mark}", "enabled_events": ["customer.created"], "description": "Zoë"}
            )
        try:
            assert len(network.answers) == 2
            assert network.answers[0] == network.answers[1], "byte by byte"
            own = [one for one in stripe_client.v1.webhook_endpoints.list({"limit": 100}).data if mark in one.url]
            assert [one.id for one in own] == [made.id]
            customer = stripe_client.v1.customers.create()
            received = receiver.until(lambda one: customer.id.encode() in one.body)
            assert _believed(received, made).type == "customer.created"
        finally:
            stripe_client.v1.webhook_endpoints.delete(made.id)

    def test_the_secret_that_is_kept_for_a_retry_is_sealed(
        self, server: RunningServer, receiver: BlockingReceiver, mark: str
    ) -> None:
        body = json.dumps({"url": receiver.url, "enabled_events": ["customer.created"]}).encode()
        headers = {"Idempotency-Key": f"key-{mark}", "Content-Type": "application/json"}
        for path, more in (("/v1/webhook_endpoints", ""), ("/api/v1/webhook-endpoints", "-managed")):
            wish = headers | {"Idempotency-Key": f"key-{mark}{more}"}
            first = server.raw("POST", path, body=body, headers=wish)
            again = server.raw("POST", path, body=body, headers=wish)
            assert first.json["secret"].startswith("whsec_")
            assert again.body == first.body
            assert again.headers["Idempotent-Replayed"] == "true"
            with closing(sqlite3.connect(server.data_directory / "bursar.db")) as database:
                rows = database.execute(
                    "SELECT body FROM idempotency_keys WHERE idempotency_key = ?", (wish["Idempotency-Key"],)
                ).fetchall()
            (kept,) = (row[0] for row in rows)
            assert first.json["secret"].removeprefix("whsec_") not in kept
            server.raw("DELETE", f"{path}/{first.json['id']}")


class TestDeliveries:
    def test_the_verifiers_take_what_is_sent(
        self,
        stripe_client: stripe.StripeClient,
        endpoint: stripe.WebhookEndpoint,
        receiver: BlockingReceiver,
        mark: str,
    ) -> None:
        customer = stripe_client.v1.customers.create({"name": mark})
        received = receiver.until(lambda one: customer.id.encode() in one.body)
        event = _believed(received, endpoint)
        assert event.type == "customer.created"
        assert event.api_version == "2025-03-31.basil"
        assert event.data.object["name"] == mark
        listed = stripe_client.v1.events.retrieve(event.id).to_dict()
        ours = event.to_dict()
        for told in (listed, ours):
            del told["api_version"], told["pending_webhooks"]
        assert listed == ours

    def test_a_payment_is_told_of_and_what_was_tampered_with_is_refused(
        self, stripe_client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint, receiver: BlockingReceiver
    ) -> None:
        intent = stripe_client.v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
        )
        received = receiver.until(lambda one: intent.id.encode() in one.body)
        assert _believed(received, endpoint).type == "payment_intent.succeeded"
        body = received.body.replace(b"2000", b"9000")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, received.headers["stripe-signature"], endpoint.secret)

    def test_the_control_plane_shows_how_it_went(
        self, server: RunningServer, stripe_client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint,
        receiver: BlockingReceiver,
    ) -> None:  # fmt: skip
        receiver.status = 503
        customer = stripe_client.v1.customers.create()
        received = receiver.until(lambda one: customer.id.encode() in one.body)
        url = f"/api/v1/webhook-deliveries?endpoint={endpoint.id}"
        shown = _until(lambda: [one for one in server.raw("GET", url).json["data"] if one["last_error"]])
        assert (shown[0]["status"], shown[0]["last_status_code"]) == ("pending", 503)
        one = server.raw("GET", f"/api/v1/webhook-deliveries/{shown[0]['id']}").json
        assert one["request_body"] == received.body.decode()
        assert [attempt["error"] for attempt in one["attempts"]] == ["status"]
        receiver.status = 200
        path = f"/api/v1/webhook-deliveries/{one['id']}/resend"
        assert server.raw("POST", path, body=b"").json["status"] == "pending"
        done = _until(lambda: server.raw("GET", f"{url}&status=delivered").json["data"])
        assert done[0]["id"] == one["id"]


def _believed(received: Received, endpoint: stripe.WebhookEndpoint) -> stripe.Event:
    assert endpoint.secret is not None
    Webhook(endpoint.secret).verify(received.body, received.headers)
    signature = received.headers["stripe-signature"]
    event: stripe.Event = stripe.Webhook.construct_event(received.body, signature, endpoint.secret)
    return event


def _until(look: Any, seconds: float = 15.0) -> Any:
    import time

    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
