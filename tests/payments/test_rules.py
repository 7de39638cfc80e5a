"""What a payment may be, and what may be done to it, for every currency."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.errors import InvalidRequest
from bursar.kit.money import CURRENCIES, Currency
from bursar.payments import rules
from bursar.payments.params import (
    CardOptionsParams,
    IntentConfirmParams,
    IntentParams,
    IntentUpdateParams,
    MethodOptionsParams,
)
from bursar.payments.schemas import CardOptions, IntentMethodOptions, IntentStatus, PaymentIntent

CURRENCY = st.sampled_from(sorted(CURRENCIES.values(), key=lambda one: one.code))
STATUSES = msgspec.inspect.type_info(IntentStatus).values  # type: ignore[attr-defined]


def intent(**changes: object) -> PaymentIntent:
    made = PaymentIntent(
        id="pi_1", amount=2000, client_secret="pi_1_secret_x", created=1, currency="usd", livemode=False
    )
    return msgspec.structs.replace(made, **changes)


def authorised(amount: int = 2000, **changes: object) -> PaymentIntent:
    return intent(amount=amount, amount_capturable=amount, status="requires_capture", **changes)


def raisable() -> IntentMethodOptions:
    return IntentMethodOptions(card=CardOptions(request_incremental_authorization="if_available"))


def in_parts() -> IntentMethodOptions:
    return IntentMethodOptions(card=CardOptions(request_multicapture="if_available"))


def refused(amount: int, currency: Currency) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        rules.check_amount(amount, currency)
    assert caught.value.param == "amount"
    return caught.value


@pytest.mark.parametrize("currency", CURRENCIES.values(), ids=CURRENCIES.keys())
def test_the_limits_of_a_currency_are_inside_it(currency: Currency) -> None:
    step = 10 if currency.exponent == 3 else 1  # thousandths are paid in whole hundredths
    lowest = -(-currency.amount_min // step) * step
    rules.check_amount(lowest, currency)
    rules.check_amount(currency.amount_max // step * step, currency)
    assert refused(currency.amount_max + 1, currency).code == "amount_too_large"
    if currency.amount_min > 1:
        assert refused(currency.amount_min - 1, currency).code == "amount_too_small"


@given(currency=CURRENCY, amount=st.integers(-(10**15), 0))
def test_nothing_and_less_is_no_amount(currency: Currency, amount: int) -> None:
    refused(amount, currency)


@given(currency=CURRENCY, amount=st.integers(1, 10**13))
def test_an_amount_is_taken_when_it_is_within_the_limits_and_payable(currency: Currency, amount: int) -> None:
    is_payable = currency.exponent != 3 or amount % 10 == 0
    if currency.amount_min <= amount <= currency.amount_max and is_payable:
        rules.check_amount(amount, currency)
    else:
        refused(amount, currency)


@pytest.mark.parametrize("code", ["xxx", "us", "usdd", "", "€", "u$d", "btc", "xau"])
def test_what_is_no_currency_is_refused_by_its_parameter(code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.require_currency(code)
    assert caught.value.param == "currency"


def test_a_currency_is_known_in_any_case() -> None:
    assert rules.require_currency("EuR").code == "eur"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/done",
        "http://127.0.0.1:8000/done?order=1#end",
        "HTTPS://EXAMPLE.COM",
        "https://[::1]:8443/done",
        "myapp://payment/done",
        "com.example.shop:/done",
    ],
)
def test_customers_return_to_addresses_of_browsers_and_apps(url: str) -> None:
    rules.check_return_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "done",
        "/done",
        "//evil.example/done",
        "example.com/done",
        "https:",
        "https://",
        "https:///done",
        "https:example.com",
        "http:\\\\evil.example",
        "https://shop.example\\@evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "\tjavascript:alert(1)",
        "java\nscript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "blob:https://example.com/1",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://exam\x00ple.com",
        "https://example.com/a b",
        "https://[",
        "https://[::1",
        "https://[zz]/",
        "https://example.com/" + "a" * 2048,
    ],
)
def test_an_address_that_is_none_or_runs_code_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.check_return_url(url)
    assert (caught.value.param, caught.value.code) == ("return_url", "url_invalid")


@given(st.text(max_size=80))
def test_no_text_breaks_the_check_of_an_address(text: str) -> None:
    try:
        rules.check_return_url(text)
    except InvalidRequest as refusal:
        assert refusal.param == "return_url"


@given(amount=st.integers(-5, 5_000), held=st.integers(1, 4_000))
def test_a_capture_takes_what_is_held_and_no_more(amount: int, held: int) -> None:
    waiting = authorised(4_000)
    waiting.amount_capturable = held
    if 0 < amount <= held:
        rules.check_capture(waiting, amount, final=True)
        return
    with pytest.raises(InvalidRequest) as caught:
        rules.check_capture(waiting, amount, final=True)
    assert caught.value.param == "amount_to_capture"


def test_parts_are_captured_only_where_that_was_agreed() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.check_capture(authorised(), 500, final=False)
    assert caught.value.param == "final_capture"
    rules.check_capture(authorised(payment_method_options=in_parts()), 500, final=False)


@pytest.mark.parametrize("status", [one for one in STATUSES if one != "requires_capture"])
def test_only_what_waits_for_its_capture_is_captured_or_raised(status: str) -> None:
    with pytest.raises(InvalidRequest) as captured:
        rules.check_capture(intent(status=status, amount_capturable=2000), 100, final=True)
    with pytest.raises(InvalidRequest) as raised:
        rules.check_increment(intent(status=status), 3000, 0)
    for refusal in (captured.value, raised.value):
        assert refusal.code == "payment_intent_unexpected_state"
        assert refusal.extras["payment_intent"].status == status


@given(amount=st.integers(-10, 10**9), increments=st.integers(0, 12), received=st.sampled_from([0, 1]))
def test_an_authorisation_is_raised_to_more_and_not_too_often(amount: int, increments: int, received: int) -> None:
    waiting = authorised(amount_received=received, payment_method_options=raisable())
    limit = CURRENCIES["usd"].amount_max
    if 2000 < amount <= limit and increments < rules.INCREMENTS_MAX and not received:
        rules.check_increment(waiting, amount, increments)
    else:
        with pytest.raises(InvalidRequest):
            rules.check_increment(waiting, amount, increments)


def test_only_what_was_asked_to_be_raisable_is_raised() -> None:
    with pytest.raises(InvalidRequest, match="request_incremental_authorization"):
        rules.check_increment(authorised(), 3000, 0)


def test_of_currencies_in_thousandths_whole_hundredths_are_captured() -> None:
    waiting = authorised(10_000, currency="kwd")
    rules.check_capture(waiting, 9_990, final=True)
    with pytest.raises(InvalidRequest) as caught:
        rules.check_capture(waiting, 9_995, final=True)
    assert caught.value.param == "amount_to_capture"


def test_of_rupees_the_platform_takes_all_ways_to_pay_and_else_cards() -> None:
    def types(**more: Any) -> list[str]:
        params = IntentParams(amount=2000, **more)
        return rules.new_intent(params, "pi_1", "x", 1, livemode=False).payment_method_types

    assert types(currency="inr") == ["card", "upi", "net_banking", "wallet"]
    assert types(currency="inr", capture_method="manual") == ["card"]
    assert types(currency="usd") == ["card"]
    assert types(currency="usd", payment_method_types=["upi"]) == ["upi"]
    assert types(currency="inr", confirmation_method="manual") == ["card"]


def test_without_a_list_of_methods_the_platform_chooses() -> None:
    made = rules.new_intent(IntentParams(amount=2000, currency="USD"), "pi_1", "x", 1, livemode=False)
    assert made.automatic_payment_methods is not None and made.automatic_payment_methods.enabled
    assert made.currency == "usd"
    assert made.client_secret == "pi_1_secret_x"
    named = IntentParams(amount=2000, currency="usd", payment_method_types=["card"])
    assert rules.new_intent(named, "pi_1", "x", 1, livemode=False).automatic_payment_methods is None


@pytest.mark.parametrize("types", [[], ["ideal"], ["card", "klarna"]])
def test_methods_that_cannot_be_taken_are_refused(types: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.described(intent(), IntentUpdateParams(payment_method_types=types))
    assert caught.value.param == "payment_method_types"


def test_options_add_to_those_that_were_given_before() -> None:
    first = MethodOptionsParams(card=CardOptionsParams(request_multicapture="if_available", capture_method="manual"))
    second = MethodOptionsParams(card=CardOptionsParams(request_three_d_secure="any", capture_method=""))
    before = rules.described(intent(), IntentUpdateParams(payment_method_options=first))
    assert rules.captures_later(before)
    after = rules.prepared_to_confirm(before, IntentConfirmParams(payment_method_options=second))
    card = after.payment_method_options.card
    assert (card.request_multicapture, card.request_three_d_secure, card.capture_method) == (
        "if_available",
        "any",
        None,
    )
    assert not rules.captures_later(after)
    # A new intent for new values: nobody else sees the one that was there.
    assert rules.captures_later(before)
    assert intent().payment_method_options == IntentMethodOptions()


def test_an_empty_text_clears_and_a_missing_one_leaves() -> None:
    full = intent(description="A book", receipt_email="a@example.com", setup_future_usage="off_session")
    after = rules.described(full, IntentUpdateParams(description="", setup_future_usage=""))
    assert (after.description, after.receipt_email, after.setup_future_usage) == (None, "a@example.com", None)


def test_an_update_is_checked_against_the_amount_and_currency_that_result() -> None:
    with pytest.raises(InvalidRequest) as caught:
        rules.updated(intent(amount=60), IntentUpdateParams(currency="huf"))
    assert (caught.value.param, caught.value.code) == ("amount", "amount_too_small")
    after = rules.updated(intent(amount=60), IntentUpdateParams(currency="EUR"))
    assert (after.amount, after.currency) == (60, "eur")
