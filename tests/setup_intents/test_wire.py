"""Setup intents by the official Python SDK; each answer is held against its annotations."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from tests.wire.annotations import assert_conforms
from tests.wire.harness import RunningServer
from tests.wire.payments import RETURN_URL, VISA, card_data, challenge_url, declined, event_types, visit
from tests.wire.sdk import body_of, header, refused

SETUP = stripe.SetupIntent
SETUPS = stripe.ListObject[stripe.SetupIntent]
ON_SETUP = "pm_card_authenticationRequiredOnSetup"
ALWAYS = "pm_card_authenticationRequired"
ON_SESSION_ONLY = "pm_card_authenticationRequiredSetupForOffSession"


def set_up(client: stripe.StripeClient, **params: Any) -> stripe.SetupIntent:
    """Confirmed at once, but for what the parameters say."""
    sent: Any = {"payment_method": VISA, "confirm": True, **params}
    setup = client.v1.setup_intents.create(sent)
    assert_conforms(body_of(setup), SETUP)
    return setup


def retrieve(client: stripe.StripeClient, setup_id: str) -> stripe.SetupIntent:
    setup = client.v1.setup_intents.retrieve(setup_id)
    assert_conforms(body_of(setup), SETUP)
    return setup


def pay_without_the_customer(client: stripe.StripeClient, customer: str, method: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 2000,
            "currency": "usd",
            "customer": customer,
            "payment_method": str(method),
            "confirm": True,
            "off_session": True,
        }
    )


def test_a_card_is_set_up_and_charged_later(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create().id
    setup = set_up(stripe_client, customer=customer, description="for the rent", metadata={"order": "6735"})
    assert (setup.status, setup.usage, setup.customer) == ("succeeded", "off_session", customer)
    assert (setup.mandate, setup.single_use_mandate, setup.latest_attempt) == (None, None, None)
    (saved,) = stripe_client.v1.customers.payment_methods.list(customer).data
    assert saved.id == setup.payment_method
    assert pay_without_the_customer(stripe_client, customer, saved.id).status == "succeeded"
    assert sorted(event_types(stripe_client, {setup.id, saved.id})) == [
        "payment_method.attached",
        "setup_intent.created",
        "setup_intent.succeeded",
    ]


def test_a_setup_is_made_first_and_confirmed_by_the_browser(
    stripe_client: stripe.StripeClient, browser: stripe.StripeClient
) -> None:
    made = stripe_client.v1.setup_intents.create({"customer": stripe_client.v1.customers.create().id})
    assert made.status == "requires_payment_method"
    secret = str(made.client_secret)
    seen = browser.v1.setup_intents.retrieve(made.id, {"client_secret": secret})
    assert seen.client_secret == secret
    assert not {"customer", "metadata", "latest_attempt"} & set(body_of(seen))
    card: Any = {"client_secret": secret, "payment_method_data": card_data("4242424242424242")}
    done = browser.v1.setup_intents.confirm(made.id, card)
    assert done.status == "succeeded"
    assert "customer" not in body_of(done)
    assert retrieve(stripe_client, made.id).customer == made.customer
    with refused(param="client_secret", code="parameter_missing"):
        browser.v1.setup_intents.retrieve(made.id)
    with refused(status=404, param="intent", code="resource_missing"):
        browser.v1.setup_intents.retrieve(made.id, {"client_secret": secret + "x"})
    for act in (browser.v1.setup_intents.cancel, browser.v1.setup_intents.update):
        with refused(stripe.PermissionError, 403, code="secret_key_required"):
            act(made.id)
    with refused(stripe.PermissionError, 403, code="secret_key_required"):
        browser.v1.setup_intents.list()


def test_a_browser_sees_no_more_in_a_refusal_than_in_an_answer(
    stripe_client: stripe.StripeClient, browser: stripe.StripeClient
) -> None:
    made = stripe_client.v1.setup_intents.create({"metadata": {"margin": "7"}})
    with pytest.raises(stripe.CardError) as refusal:
        lost: Any = {"client_secret": made.client_secret, "payment_method": "pm_card_chargeDeclinedLostCard"}
        browser.v1.setup_intents.confirm(made.id, lost)
    body: Any = refusal.value.json_body
    assert "metadata" not in body["error"]["setup_intent"]
    assert "margin" not in json.dumps(body)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_declined_card_is_not_set_up(
    stripe_client: stripe.StripeClient, card: str, code: str, decline_code: str
) -> None:
    made = stripe_client.v1.setup_intents.create({"payment_method": card})
    assert made.status == "requires_confirmation"
    with pytest.raises(stripe.CardError) as refusal:
        stripe_client.v1.setup_intents.confirm(made.id)
    body: Any = refusal.value.json_body
    told = body["error"]
    assert (refusal.value.http_status, told["code"], told["decline_code"]) == (402, code, decline_code)
    assert_conforms(told["setup_intent"], SETUP)
    after = retrieve(stripe_client, made.id)
    assert body_of(after) == told["setup_intent"]
    assert (after.status, after.payment_method) == ("requires_payment_method", None)
    assert after.last_setup_error is not None
    assert (after.last_setup_error.code, after.last_setup_error.decline_code) == (code, decline_code)
    assert event_types(stripe_client, {made.id}) == ["setup_intent.created", "setup_intent.setup_failed"]
    assert stripe_client.v1.setup_intents.confirm(made.id, {"payment_method": VISA}).status == "succeeded"


def test_a_card_whose_charges_fail_can_be_set_up(stripe_client: stripe.StripeClient) -> None:
    assert set_up(stripe_client, payment_method="pm_card_chargeCustomerFail").status == "succeeded"


@pytest.mark.parametrize(
    ("card", "later"),
    [
        (ON_SETUP, None),
        (ON_SESSION_ONLY, None),
        (ALWAYS, "authentication_required"),
        ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_card_that_was_authenticated_at_set_up_behaves_as_its_row_says(
    stripe_client: stripe.StripeClient, card: str, later: str | None
) -> None:
    customer = stripe_client.v1.customers.create().id
    setup = set_up(stripe_client, customer=customer, payment_method=card)
    assert setup.status == "requires_action"
    assert visit(challenge_url(setup), "passed").status == 200
    after = retrieve(stripe_client, setup.id)
    assert (after.status, after.next_action) == ("succeeded", None)
    if later is None:
        assert pay_without_the_customer(stripe_client, customer, after.payment_method).status == "succeeded"
        return
    code = later if later == "authentication_required" else "card_declined"
    with declined(code, later):
        pay_without_the_customer(stripe_client, customer, after.payment_method)


@pytest.mark.parametrize(("card", "accepted"), [(ON_SETUP, False), (ON_SESSION_ONLY, True), (ALWAYS, False)])
def test_a_card_that_was_only_attached_was_not_agreed_to(
    stripe_client: stripe.StripeClient, card: str, accepted: bool
) -> None:
    customer = stripe_client.v1.customers.create().id
    attached = stripe_client.v1.payment_methods.attach(card, {"customer": customer})
    if accepted:
        assert pay_without_the_customer(stripe_client, customer, attached.id).status == "succeeded"
        return
    with declined("authentication_required", "authentication_required"):
        pay_without_the_customer(stripe_client, customer, attached.id)


def test_a_card_set_up_for_use_with_its_owner_is_not_charged_without(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create().id
    setup = set_up(stripe_client, customer=customer, payment_method=ON_SETUP, usage="on_session")
    visit(challenge_url(setup), "passed")
    method = retrieve(stripe_client, setup.id).payment_method
    with declined("authentication_required", "authentication_required"):
        pay_without_the_customer(stripe_client, customer, method)


def test_a_card_set_up_for_nobody_keeps_the_agreement_when_it_is_attached(stripe_client: stripe.StripeClient) -> None:
    setup = set_up(stripe_client, payment_method=ON_SETUP)
    visit(challenge_url(setup), "passed")
    customer = stripe_client.v1.customers.create().id
    method = str(retrieve(stripe_client, setup.id).payment_method)
    stripe_client.v1.payment_methods.attach(method, {"customer": customer})
    assert pay_without_the_customer(stripe_client, customer, method).status == "succeeded"


def test_a_customer_comes_back_with_what_the_shop_needs(stripe_client: stripe.StripeClient) -> None:
    setup = set_up(stripe_client, payment_method=ALWAYS, return_url=RETURN_URL)
    back = visit(challenge_url(setup), "passed")
    assert back.status == 303
    assert back.told == {
        "order": "6735",
        "setup_intent": setup.id,
        "setup_intent_client_secret": setup.client_secret,
        "redirect_status": "succeeded",
    }
    assert event_types(stripe_client, {setup.id}) == [
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.succeeded",
    ]


def test_a_customer_who_fails_sets_nothing_up(stripe_client: stripe.StripeClient) -> None:
    setup = set_up(stripe_client, payment_method=ALWAYS, return_url=RETURN_URL)
    assert visit(challenge_url(setup), "failed").told["redirect_status"] == "failed"
    after = retrieve(stripe_client, setup.id)
    assert (after.status, after.payment_method) == ("requires_payment_method", None)
    assert after.last_setup_error is not None
    assert after.last_setup_error.code == "setup_intent_authentication_failure"


@pytest.mark.parametrize(
    ("card", "wish", "status"),
    [
        ("pm_card_threeDSecureOptional", "automatic", "succeeded"),
        ("pm_card_threeDSecureOptional", "challenge", "requires_action"),
        (VISA, "any", "succeeded"),
        ("pm_card_frictionless", "automatic", "succeeded"),
    ],
)
def test_a_merchant_may_ask_for_an_authentication(
    stripe_client: stripe.StripeClient, card: str, wish: str, status: str
) -> None:
    options = {"card": {"request_three_d_secure": wish}}
    setup = set_up(stripe_client, payment_method=card, payment_method_options=options)
    assert setup.status == status
    assert body_of(setup)["payment_method_options"]["card"]["request_three_d_secure"] == wish


def test_customer_and_card_are_shown_whole_where_asked_for(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ada"}).id
    shown = set_up(stripe_client, customer=customer, expand=["customer", "payment_method.customer", "latest_attempt"])
    assert body_of(shown)["customer"]["name"] == "Ada"
    assert body_of(shown)["payment_method"]["customer"]["id"] == customer
    with refused(param="expand"):
        stripe_client.v1.setup_intents.retrieve(shown.id, {"expand": ["charges"]})


def test_setups_are_listed_by_customer_method_and_time(stripe_client: stripe.StripeClient) -> None:
    customer = stripe_client.v1.customers.create().id
    made = [set_up(stripe_client, customer=customer) for _ in range(3)]
    page = stripe_client.v1.setup_intents.list({"customer": customer, "limit": 2})
    assert_conforms(body_of(page), SETUPS)
    assert [setup.id for setup in page.data] == [made[2].id, made[1].id]
    assert page.has_more
    rest = stripe_client.v1.setup_intents.list({"customer": customer, "starting_after": made[1].id})
    assert [setup.id for setup in rest.data] == [made[0].id]
    of_method = stripe_client.v1.setup_intents.list({"payment_method": str(made[1].payment_method)})
    assert [setup.id for setup in of_method.data] == [made[1].id]
    since = stripe_client.v1.setup_intents.list({"customer": customer, "created": {"gte": made[0].created}})
    assert len(since.data) == 3
    assert not stripe_client.v1.setup_intents.list({"customer": customer, "created": {"lt": 1}}).data
    with refused(status=404, param="starting_after", code="resource_missing"):
        stripe_client.v1.setup_intents.list({"starting_after": "seti_none"})


def test_a_setup_is_changed_and_canceled(stripe_client: stripe.StripeClient) -> None:
    setups = stripe_client.v1.setup_intents
    made = setups.create({"description": "a", "metadata": {"k": "v", "gone": "x"}})
    changed = setups.update(made.id, {"description": "", "metadata": {"gone": ""}, "payment_method": VISA})
    assert (changed.status, changed.description, body_of(changed)["metadata"]) == (
        "requires_confirmation",
        None,
        {"k": "v"},
    )
    canceled = setups.cancel(made.id, {"cancellation_reason": "abandoned"})
    assert_conforms(body_of(canceled), SETUP)
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    for act in (setups.cancel, setups.confirm):
        with refused(code="setup_intent_unexpected_state"):
            act(made.id)
    assert event_types(stripe_client, {made.id}) == ["setup_intent.created", "setup_intent.canceled"]


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"attach_to_self": True}, "attach_to_self", "parameter_unknown"),
        ({"amount": 100}, "amount", "parameter_unknown"),
        ({"usage": "sometimes"}, "usage", None),
        ({"customer": "cus_none"}, "customer", "resource_missing"),
        ({"payment_method": "pm_none"}, "payment_method", "resource_missing"),
        ({"confirm": True}, "payment_method", "setup_intent_unexpected_state"),
        ({"payment_method_types": ["ideal"]}, "payment_method_types", "setup_intent_invalid_parameter"),
        ({"return_url": "javascript:alert(1)"}, "return_url", "url_invalid"),
        ({"payment_method": "pm_card_visa", "payment_method_data": {"type": "card"}}, "payment_method", None),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    server: RunningServer, params: dict[str, Any], param: str, code: str | None
) -> None:
    flat = {f"{name}[0]" if isinstance(value, list) else name: value for name, value in params.items()}
    form: dict[str, Any] = {}
    for name, value in flat.items():
        if isinstance(value, list):
            form[name] = value[0]
        elif isinstance(value, dict):
            form |= {f"{name}[{key}]": inner for key, inner in value.items()}
        else:
            form[name] = str(value).lower() if isinstance(value, bool) else value
    answer = server.raw("POST", "/v1/setup_intents", body=urlencode(form).encode())
    error = answer.json["error"]
    assert answer.status in (400, 404)
    assert (error["param"], error.get("code")) == (param, code)


def test_somebody_elses_card_is_refused(stripe_client: stripe.StripeClient) -> None:
    owner, other = (stripe_client.v1.customers.create().id for _ in range(2))
    method = stripe_client.v1.payment_methods.attach(VISA, {"customer": owner}).id
    for customer in ({}, {"customer": other}):
        with refused(param="payment_method", code="setup_intent_invalid_parameter"):
            set_up(stripe_client, payment_method=method, **customer)
    assert set_up(stripe_client, payment_method=method, customer=owner).status == "succeeded"


def test_a_repeated_request_sets_one_card_up(stripe_client: stripe.StripeClient, mark: str) -> None:
    first, second = (
        stripe_client.v1.setup_intents.create(
            {"payment_method": VISA, "confirm": True, "metadata": {"mark": mark}}, {"idempotency_key": mark}
        )
        for _ in range(2)
    )
    assert body_of(first) == body_of(second)
    assert header(second, "Idempotent-Replayed") == "true"
