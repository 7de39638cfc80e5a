"""Events through the official Python SDK."""

from typing import Any

import pytest
import stripe

from tests.wire.sdk import EVENTS, FULL, body_of, body_of_subject, checked, create, events_about, header, refused


class TestEvents:
    def test_a_creation_is_told_with_the_request_that_caused_it(
        self, stripe_client: stripe.StripeClient, mark: str
    ) -> None:
        customer = create(stripe_client, FULL, key=f"key-{mark}")
        (event,) = events_about(stripe_client, customer.id, "customer.created")
        retrieved = checked(stripe_client.v1.events.retrieve(event.id), stripe.Event)
        assert retrieved.to_dict() == event.to_dict()
        assert body_of_subject(retrieved) == body_of(customer)
        assert retrieved.id.startswith("evt_")
        assert retrieved.request is not None
        assert retrieved.request.to_dict() == {
            "id": header(customer, "request-id"),
            "idempotency_key": f"key-{mark}",
        }

    def test_an_update_is_told_with_the_previous_values(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, {"name": "Ada", "metadata": {"tier": "tin", "kept": "1"}})
        stripe_client.v1.customers.update(
            customer.id, {"name": "Augusta", "description": "new", "metadata": {"tier": "gold", "added": "2"}}
        )
        (event,) = events_about(stripe_client, customer.id, "customer.updated")
        sent = event.to_dict()
        assert sent["data"]["previous_attributes"] == {
            "name": "Ada",
            "description": None,
            "metadata": {"tier": "tin", "added": None},
        }
        assert sent["data"]["object"]["name"] == "Augusta"

    def test_a_deletion_is_told_with_the_customer_as_it_was(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, FULL)
        stripe_client.v1.customers.delete(customer.id)
        (event,) = events_about(stripe_client, customer.id, "customer.deleted")
        assert body_of_subject(event) == body_of(customer)

    def test_an_event_does_not_change_with_its_customer(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client, {"name": "Ada"})
        (event,) = events_about(stripe_client, customer.id, "customer.created")
        stripe_client.v1.customers.update(customer.id, {"name": "Augusta"})
        stripe_client.v1.customers.delete(customer.id)
        later = checked(stripe_client.v1.events.retrieve(event.id), stripe.Event)
        assert body_of_subject(later)["name"] == "Ada"

    def test_a_refused_request_tells_nothing(self, stripe_client: stripe.StripeClient) -> None:
        customer = create(stripe_client)
        wrong: Any = {"tax_exempt": "maybe"}
        with refused(param="tax_exempt"):
            stripe_client.v1.customers.update(customer.id, wrong)
        assert events_about(stripe_client, customer.id, "customer.updated") == []

    @pytest.mark.parametrize(
        ("params", "kinds"),
        [
            ({"type": "customer.created"}, {"customer.created"}),
            ({"type": "customer.*"}, {"customer.created", "customer.updated", "customer.deleted"}),
            ({"types": ["customer.updated", "customer.deleted"]}, {"customer.updated", "customer.deleted"}),
            ({"type": "payout.paid"}, set()),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_types_are_filtered(self, stripe_client: stripe.StripeClient, params: Any, kinds: set[str]) -> None:
        customer = create(stripe_client)
        stripe_client.v1.customers.update(customer.id, {"name": "Ada"})
        stripe_client.v1.customers.delete(customer.id)
        asked: Any = {"limit": 100, **params}
        page = checked(stripe_client.v1.events.list(asked), EVENTS)
        about = {event.type for event in page.data if body_of_subject(event)["id"] == customer.id}
        assert about == kinds

    @pytest.mark.parametrize(
        ("params", "param"),
        [
            ({"type": "customer.created", "types": ["customer.updated"]}, None),
            ({"types": ["customer.created"] * 21}, "types"),
            ({"limit": 101}, "limit"),
            ({"kind": "customer.created"}, "kind"),
        ],
        ids=["type and types", "21 types", "limit", "unknown"],
    )
    def test_a_wrong_filter_is_refused(
        self, stripe_client: stripe.StripeClient, params: Any, param: str | None
    ) -> None:
        with refused(param=param):
            stripe_client.v1.events.list(params)

    def test_events_are_paged_newest_first(self, stripe_client: stripe.StripeClient) -> None:
        newest_first = [create(stripe_client).id for _ in range(3)][::-1]
        pages = stripe_client.v1.events.list({"type": "customer.created", "limit": 2}).auto_paging_iter()
        assert [body_of_subject(next(pages))["id"] for _ in range(3)] == newest_first

    def test_an_unknown_event_is_missing(self, stripe_client: stripe.StripeClient) -> None:
        with refused(status=404, code="resource_missing", param="id"):
            stripe_client.v1.events.retrieve("evt_doesnotexist")
