"""What nobody should send: each mistake has its status, type, code and param, over plain HTTP.

The table is what users of the official SDKs expect to read; the SDKs themselves refuse to send some of it.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.wire.checking import error_complaints
from tests.wire.harness import SECRET_KEY, Answer, RunningServer
from tests.wire.payments import VISA

Json = dict[str, Any]
Form = list[tuple[str, str]]

INTENTS = "/v1/payment_intents"
METHODS = "/v1/payment_methods"
TOKENS = "/v1/tokens"

INVALID = "invalid_request_error"
CARD = "card_error"
INTEGER = "parameter_invalid_integer"


@dataclass(frozen=True)
class Mistake:
    name: str
    form: Json
    code: str | None
    param: str | None
    status: int = 400
    type: str = INVALID


def intent(**changes: object) -> Json:
    """A payment that would succeed but for the changes; None leaves a parameter away."""
    form: Json = {"amount": "2000", "currency": "usd", "payment_method": VISA, "confirm": "true", **changes}
    return {name: value for name, value in form.items() if value is not None}


def with_card(**changes: object) -> Json:
    card: Json = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123", **changes}
    given = {f"payment_method_data[card][{name}]": value for name, value in card.items() if value is not None}
    return intent(payment_method=None) | {"payment_method_data[type]": "card"} | given


AMOUNTS = [
    Mistake("no amount", intent(amount=None), "parameter_missing", "amount"),
    Mistake("nothing", intent(amount="0"), INTEGER, "amount"),
    Mistake("less than nothing", intent(amount="-5"), INTEGER, "amount"),
    Mistake("a fraction", intent(amount="10.5"), INTEGER, "amount"),
    Mistake("a whole number as a fraction", intent(amount="10.0"), INTEGER, "amount"),
    Mistake("an exponent", intent(amount="1e3"), INTEGER, "amount"),
    Mistake("hexadecimal", intent(amount="0x10"), INTEGER, "amount"),
    Mistake("a thousands separator", intent(amount="2,000"), INTEGER, "amount"),
    Mistake("an underscore", intent(amount="2_000"), INTEGER, "amount"),
    Mistake("digits of another script", intent(amount="٢٠٠٠"), INTEGER, "amount"),
    Mistake("a word", intent(amount="many"), INTEGER, "amount"),
    Mistake("an empty amount", intent(amount=""), INTEGER, "amount"),
    Mistake("not a number", intent(amount="NaN"), INTEGER, "amount"),
    Mistake("infinity", intent(amount="Infinity"), INTEGER, "amount"),
    Mistake("two amounts", intent(amount=None) | {"amount[0]": "1", "amount[1]": "2"}, INTEGER, "amount"),
    Mistake("below the least", intent(amount="49"), "amount_too_small", "amount"),
    Mistake("below the least of a currency", intent(amount="29", currency="gbp"), "amount_too_small", "amount"),
    Mistake("above the most", intent(amount="100000000"), "amount_too_large", "amount"),
    Mistake("beyond a 64-bit integer", intent(amount="9223372036854775808"), INTEGER, "amount"),
    Mistake("a hundred digits", intent(amount="9" * 100), INTEGER, "amount"),
    Mistake("a thousandth that no network takes", intent(amount="5001", currency="kwd"), None, "amount"),
]
CURRENCIES = [
    Mistake("no currency", intent(currency=None), "parameter_missing", "currency"),
    Mistake("an unknown currency", intent(currency="xxx"), None, "currency"),
    Mistake("too short a currency", intent(currency="us"), None, "currency"),
    Mistake("too long a currency", intent(currency="usdollars"), None, "currency"),
    Mistake("an empty currency", intent(currency=""), None, "currency"),
    Mistake("a currency of other letters", intent(currency="ſus"), None, "currency"),
]
PARAMETERS = [
    Mistake("an unknown parameter", intent(amout="1"), "parameter_unknown", "amout"),
    Mistake(
        "an unknown inner parameter",
        intent() | {"payment_method_options[card][cvv]": "1"},
        "parameter_unknown",
        "payment_method_options[card][cvv]",
    ),
    Mistake("no boolean", intent(confirm="maybe"), None, "confirm"),
    Mistake("an unknown capture method", intent(capture_method="later"), None, "capture_method"),
    Mistake("an unknown confirmation method", intent(confirmation_method="x"), None, "confirmation_method"),
    Mistake("an unknown use", intent(setup_future_usage="sometimes"), None, "setup_future_usage"),
    Mistake("too long a text", intent(description="x" * 5001), None, "description"),
    Mistake("too long a descriptor", intent(statement_descriptor="x" * 23), None, "statement_descriptor"),
    Mistake("too long a key of metadata", intent() | {f"metadata[{'k' * 41}]": "1"}, None,
            f"metadata[{'k' * 40}]"),
    Mistake("too long a value of metadata", intent() | {"metadata[a]": "v" * 501}, None, "metadata[a]"),
    Mistake("too much metadata", intent() | {f"metadata[{n}]": "1" for n in range(51)}, None, "metadata"),
    Mistake("a text instead of metadata", intent(metadata="x"), None, "metadata"),
    Mistake("an unknown kind of method", intent() | {"payment_method_types[0]": "sepa_debit"}, None,
            "payment_method_types"),
    Mistake("both ways to give a method", with_card() | {"payment_method": VISA}, None, "payment_method"),
    Mistake("no method to confirm with", intent(payment_method=None), "payment_intent_unexpected_state",
            "payment_method"),
    Mistake("a script as an address", intent(return_url="javascript:alert(1)"), "url_invalid", "return_url"),
    Mistake("too deep an expansion", intent() | {"expand[0]": "a.b.c.d.e"}, None, "expand"),
    Mistake("an expansion of what is no reference", intent() | {"expand[0]": "amount"}, None, "expand"),
    Mistake("an unknown customer", intent(customer="cus_none"), "resource_missing", "customer", 404),
    Mistake("an unknown method", intent(payment_method="pm_none"), "resource_missing", "payment_method", 404),
    Mistake("a card's number as a method", intent(payment_method="4242424242424242"), "resource_missing",
            "payment_method", 404),
    Mistake("a token as a method", intent(payment_method="tok_visa"), None, "payment_method"),
]  # fmt: skip
CARDS = [
    Mistake("a month 13", with_card(exp_month="13"), "invalid_expiry_month", "exp_month", 402, CARD),
    Mistake("a month 0", with_card(exp_month="0"), "invalid_expiry_month", "exp_month", 402, CARD),
    Mistake("a past year", with_card(exp_year="2020"), "invalid_expiry_year", "exp_year", 402, CARD),
    Mistake("a past year in two digits", with_card(exp_year="20"), "invalid_expiry_year", "exp_year", 402, CARD),
    Mistake("a year too far away", with_card(exp_year="2099"), "invalid_expiry_year", "exp_year", 402, CARD),
    Mistake("a CVC of two digits", with_card(cvc="12"), "invalid_cvc", "cvc", 402, CARD),
    Mistake("a CVC of four digits", with_card(cvc="1234"), "invalid_cvc", "cvc", 402, CARD),
    Mistake("a CVC of letters", with_card(cvc="abc"), "invalid_cvc", "cvc", 402, CARD),
    Mistake("a CVC of other digits", with_card(cvc="١٢٣"), "invalid_cvc", "cvc", 402, CARD),
    Mistake("a wrong check digit", with_card(number="4242424242424241"), "incorrect_number", "number", 402, CARD),
    Mistake("too short a number", with_card(number="42424242424"), "invalid_number", "number", 402, CARD),
    Mistake("too long a number", with_card(number="4" * 20), "invalid_number", "number", 402, CARD),
    Mistake("a number of letters", with_card(number="visa"), "invalid_number", "number", 402, CARD),
    Mistake("an empty number", with_card(number=""), "invalid_number", "number", 402, CARD),
    Mistake("a live card", with_card(number="4539578763621486"), "card_declined", None, 402, CARD),
]
MISTAKES = [*AMOUNTS, *CURRENCIES, *PARAMETERS, *CARDS]

CARD_PARAMS = "payment_method_data[card]"
MISSING_PARTS = [("number", "card[number]"), ("exp_month", "card[exp_month]"), ("exp_year", "card[exp_year]")]


def send(server: RunningServer, path: str, form: Json, key: str = SECRET_KEY) -> Answer:
    return server.raw("POST", path, body=urlencode(form).encode(), key=key)


def told(answer: Answer) -> tuple[int, str, str | None, str | None]:
    assert error_complaints(answer.json, answer.status) == []
    assert answer.headers["Request-Id"]
    error = answer.json["error"]
    return answer.status, error["type"], error.get("code"), error.get("param")


def is_expected(answer: Answer, mistake: Mistake) -> bool:
    status, kind, code, param = told(answer)
    wanted = (mistake.status, mistake.type, mistake.param)
    # Where the table names no code, the param is all that programs can go by.
    return (status, kind, param) == wanted and (mistake.code is None or code == mistake.code)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_answered_as_its_row_says(server: RunningServer, mistake: Mistake, mark: str) -> None:
    customer = server.raw("POST", "/v1/customers", body=b"").json["id"]
    form = {"customer": customer, **mistake.form}
    answer = send(server, INTENTS, form)
    assert is_expected(answer, mistake), answer.json
    assert server.raw("GET", f"{INTENTS}?customer={customer}").json["data"] == [], "a refused request leaves nothing"


@pytest.mark.parametrize("mistake", CARDS, ids=lambda mistake: mistake.name)
@pytest.mark.parametrize("path", [METHODS, TOKENS])
def test_a_wrong_card_is_answered_alike_wherever_it_comes(server: RunningServer, path: str, mistake: Mistake) -> None:
    card = {
        name.replace(CARD_PARAMS, "card"): value
        for name, value in mistake.form.items()
        if name.startswith(f"{CARD_PARAMS}[")
    }
    answer = send(server, path, card | ({"type": "card"} if path == METHODS else {}))
    assert is_expected(answer, mistake), answer.json


@pytest.mark.parametrize(("member", "param"), MISSING_PARTS)
def test_a_missing_part_of_a_card_is_named(server: RunningServer, member: str, param: str) -> None:
    answer = send(server, INTENTS, with_card(**{member: None}))
    status, kind, code, named = told(answer)
    assert (status, kind, code) == (400, INVALID, "parameter_missing")
    assert named in (param, f"payment_method_data[{param}]")


@pytest.mark.parametrize("amount", [10.5, "2000", True, None, [2000], {"a": 1}, 1e3, 2**63])
def test_json_is_held_to_whole_numbers_too(server: RunningServer, amount: object) -> None:
    body = json.dumps({"amount": amount, "currency": "usd"}).encode()
    answer = server.raw("POST", INTENTS, body=body, headers={"Content-Type": "application/json"})
    status, kind, code, param = told(answer)
    assert (status, kind, code, param) == (400, INVALID, INTEGER, "amount"), answer.json


def ready(server: RunningServer, **changes: object) -> str:
    made = send(server, INTENTS, intent(**changes))
    assert made.status == 200, made.json
    found: str = made.json["id"]
    return found


UNEXPECTED = "payment_intent_unexpected_state"
STATES: list[tuple[str, Json]] = [
    ("requires_payment_method", {"confirm": None, "payment_method": None}),
    ("requires_confirmation", {"confirm": None}),
    ("requires_action", {"payment_method": "pm_card_authenticationRequired"}),
    (
        "requires_capture",
        {
            "capture_method": "manual",
            "payment_method_options[card][request_incremental_authorization]": "if_available",
        },
    ),
    ("succeeded", {}),
    ("canceled", {"confirm": None}),
]
POSSIBLE = {
    "confirm": {"requires_payment_method", "requires_confirmation", "requires_action"},
    "capture": {"requires_capture"},
    "increment_authorization": {"requires_capture"},
    "cancel": {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"},
}
FORMS: dict[str, Json] = {"confirm": {"payment_method": VISA}, "increment_authorization": {"amount": "3000"}}


@pytest.mark.parametrize("act", POSSIBLE)
@pytest.mark.parametrize(("status", "changes"), STATES, ids=[status for status, _ in STATES])
def test_an_act_is_possible_in_its_states_only(server: RunningServer, act: str, status: str, changes: Json) -> None:
    intent_id = ready(server, **changes)
    if status == "canceled":
        send(server, f"{INTENTS}/{intent_id}/cancel", {})
    before = server.raw("GET", f"{INTENTS}/{intent_id}").json
    assert before["status"] == status
    answer = send(server, f"{INTENTS}/{intent_id}/{act}", FORMS.get(act, {}))
    if status in POSSIBLE[act]:
        assert answer.status == 200, answer.json
        return
    assert told(answer)[:3] == (400, INVALID, UNEXPECTED)
    assert answer.json["error"]["payment_intent"] == before
    assert server.raw("GET", f"{INTENTS}/{intent_id}").json == before


@pytest.mark.parametrize("act", ["", "/confirm", "/capture", "/cancel", "/increment_authorization"])
@pytest.mark.parametrize("intent_id", ["pi_doesnotexist", "pi_" + "x" * 500, "4242424242424242", "%00", "pi_%ff"])
def test_an_unknown_intent_is_missing(server: RunningServer, act: str, intent_id: str) -> None:
    answer = send(server, f"{INTENTS}/{intent_id}{act}", {"amount": "3000"} if "increment" in act else {})
    status, kind, code, param = told(answer)
    assert (status, kind, code) == (404, INVALID, "resource_missing")
    assert param in ("intent", "id")
    assert "4242424242424242" not in answer.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "balance_transactions",
        "charges",
        "customers",
        "customers/4000000000000002/payment_methods",
        "disputes",
        "events",
        "payment_intents",
        "payment_methods",
        "refunds",
        "setup_intents",
        "tokens",
    ],
)
def test_a_card_number_in_an_address_is_not_repeated(server: RunningServer, path: str) -> None:
    answer = server.raw("GET", f"/v1/{path}/4242424242424242")
    assert told(answer)[:3] == (404, INVALID, "resource_missing")
    assert "424242424242" not in answer.body.decode()
    assert "400000000000" not in answer.body.decode()


@pytest.mark.parametrize("amount", ["10.0", "1e3", "0x10", " 100", "+100", "1_000"])
@pytest.mark.parametrize("act", ["capture", "refund", "increment_authorization"])
def test_an_amount_is_whole_wherever_it_is_given(server: RunningServer, act: str, amount: str) -> None:
    intent_id = ready(server, **({} if act == "refund" else {"capture_method": "manual"}))
    if act == "refund":
        answer = send(server, "/v1/refunds", {"payment_intent": intent_id, "amount": amount})
    else:
        name = "amount_to_capture" if act == "capture" else "amount"
        answer = send(server, f"{INTENTS}/{intent_id}/{act}", {name: amount})
    assert told(answer)[:3] == (400, INVALID, INTEGER)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("starting_after=pi_none", "starting_after"),
        ("ending_before=pi_none", "ending_before"),
        ("created=yesterday", "created"),
        ("created[gt]=yesterday", "created[gt]"),
        ("status=succeeded", "status"),
        ("expand[]=customer", "expand"),
    ],
)
def test_a_wrong_filter_is_named(server: RunningServer, query: str, param: str) -> None:
    status, kind, _, named = told(server.raw("GET", f"{INTENTS}?{query}"))
    assert (status in (400, 404), kind, named) == (True, INVALID, param)


@pytest.mark.parametrize("query", ["", "status", "status:succeeded", "nothing:'x'", "amount:'many'", "a AND b OR c"])
def test_a_wrong_search_is_refused(server: RunningServer, query: str) -> None:
    status, kind, _, param = told(server.raw("GET", f"{INTENTS}/search?{urlencode({'query': query})}"))
    assert (status, kind, param) == (400, INVALID, "query")
