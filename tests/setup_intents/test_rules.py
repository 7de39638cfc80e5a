"""Which setups may be changed, and what they are afterwards."""

from typing import Any

import msgspec
import pytest

from bursar.kit.errors import InvalidRequest
from bursar.methods.schemas import PaymentMethod
from bursar.setup_intents import rules
from bursar.setup_intents.params import (
    CardOptionsParams,
    MethodOptionsParams,
    SetupParams,
    SetupUpdateParams,
)
from bursar.setup_intents.schemas import PUBLIC_MEMBERS, SetupIntent, decode_setup, public_view


def setup(**members: Any) -> SetupIntent:
    given: dict[str, Any] = {"id": "seti_1", "client_secret": "seti_1_secret_x", "created": 1, "livemode": False}
    return SetupIntent(**given | members)


def new(**params: Any) -> SetupIntent:
    return rules.new_setup(SetupParams(**params), "seti_1", "hidden", 7, livemode=False)


def method(customer: str | None) -> PaymentMethod:
    document: dict[str, Any] = {
        "id": "pm_1",
        "billing_details": {},
        "card": {"brand": "visa", "checks": {}, "exp_month": 1, "exp_year": 2030, "last4": "4242"},
        "created": 1,
        "livemode": False,
        "customer": customer,
    }
    return msgspec.convert(document, PaymentMethod)


def test_a_new_setup_is_for_use_without_the_customer_unless_told_otherwise() -> None:
    assert (new().usage, new().status, new().payment_method_types) == (
        "off_session",
        "requires_payment_method",
        ["card"],
    )
    assert new(usage="on_session").usage == "on_session"
    assert new().client_secret == "seti_1_secret_hidden"


def test_who_names_the_method_types_chooses_by_hand() -> None:
    assert new().automatic_payment_methods is not None
    assert new(payment_method_types=["card"]).automatic_payment_methods is None


@pytest.mark.parametrize("types", [[], ["card", "sepa_debit"]])
def test_only_cards_can_be_set_up(types: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        new(payment_method_types=types)
    assert refusal.value.param == "payment_method_types"


def test_an_empty_value_clears_and_what_is_left_away_stays() -> None:
    before = setup(description="a", metadata={"k": "v"}, customer="cus_1", payment_method="pm_1")
    assert rules.updated(before, SetupUpdateParams()) == before
    cleared = rules.updated(
        before, SetupUpdateParams(description="", metadata={"k": None}, customer="", payment_method="")
    )
    assert (cleared.description, cleared.metadata, cleared.customer, cleared.payment_method) == (None, {}, None, None)


def test_another_method_ends_the_authentication_that_was_asked_for() -> None:
    before = setup(status="requires_action", payment_method="pm_1", next_action={"redirect_to_url": {"url": "u"}})
    assert rules.restarted(before, before) == before
    other = rules.restarted(before, msgspec.structs.replace(before, payment_method="pm_2"))
    assert (other.status, other.next_action) == ("requires_confirmation", None)
    none = rules.restarted(before, msgspec.structs.replace(before, payment_method=None))
    assert (none.status, none.next_action) == ("requires_payment_method", None)


def test_a_challenge_can_be_asked_for() -> None:
    wish = MethodOptionsParams(card=CardOptionsParams(request_three_d_secure="challenge"))
    chosen = rules.options(setup().payment_method_options, wish)
    assert chosen.card.request_three_d_secure == "challenge"
    assert rules.options(chosen, MethodOptionsParams()) == chosen


@pytest.mark.parametrize(("owner", "customer"), [("cus_1", None), ("cus_1", "cus_2")])
def test_somebody_elses_method_is_refused(owner: str, customer: str | None) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.check_owner(setup(customer=customer), method(owner))
    assert refusal.value.param == "payment_method"


@pytest.mark.parametrize(("owner", "customer"), [(None, None), (None, "cus_1"), ("cus_1", "cus_1")])
def test_a_method_of_nobody_or_of_the_same_customer_is_taken(owner: str | None, customer: str | None) -> None:
    rules.check_owner(setup(customer=customer), method(owner))


def test_a_refusal_by_the_status_shows_the_setup() -> None:
    over = setup(status="succeeded")
    with pytest.raises(InvalidRequest) as refusal:
        rules.require_status(over, rules.CONFIRMABLE, "be confirmed")
    assert refusal.value.code == "setup_intent_unexpected_state"
    assert refusal.value.extras["setup_intent"] is over


def test_a_browser_sees_neither_the_customer_nor_the_metadata() -> None:
    shown = public_view(msgspec.to_builtins(setup(customer="cus_1", metadata={"margin": "7"})))
    assert set(shown) == PUBLIC_MEMBERS
    assert not {"customer", "metadata"} & PUBLIC_MEMBERS


def test_what_is_stored_is_read_back_whole() -> None:
    kept = setup(description="ü", metadata={"k": "v"}, status="processing", payment_method="pm_1")
    assert decode_setup(msgspec.json.encode(kept).decode()) == kept
