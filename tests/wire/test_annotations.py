"""The oracle is itself held to account: each defect that it promises to catch is put before it once."""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe
from stripe._object_classes import OBJECT_CLASSES

from tests.wire.annotations import assert_conforms, class_for, violations

Json = dict[str, Any]
Edit = Callable[[Json], object]

ADDRESS: Json = {
    "city": "Köln",
    "country": "DE",
    "line1": "Am Hof 1",
    "line2": None,
    "postal_code": "50667",
    "state": None,
}
CUSTOMER: Json = {
    "id": "cus_1",
    "object": "customer",
    "address": ADDRESS,
    "balance": 0,
    "business_name": None,
    "created": 1_700_000_000,
    "currency": None,
    "customer_account": None,
    "default_source": None,
    "delinquent": False,
    "description": None,
    "discount": None,
    "email": "ada@example.com",
    "individual_name": None,
    "invoice_prefix": "ABCDEF01",
    "invoice_settings": {
        "custom_fields": [{"name": "VAT", "value": "DE1"}],
        "default_payment_method": "pm_1",
        "footer": None,
        "rendering_options": {"amount_tax_display": None, "template": None},
    },
    "livemode": False,
    "metadata": {"order": "6735"},
    "name": "Ada",
    "next_invoice_sequence": 1,
    "phone": None,
    "preferred_locales": ["de", "en"],
    "shipping": {
        "address": ADDRESS,
        "carrier": None,
        "name": "Ada",
        "phone": None,
        "tracking_number": None,
    },
    "tax_exempt": "none",
    "test_clock": None,
}
DELETED_CUSTOMER: Json = {"id": "cus_1", "object": "customer", "deleted": True}
EVENT: Json = {
    "id": "evt_1",
    "object": "event",
    "account": None,
    "api_version": "2026-01-01",
    "context": None,
    "created": 1_700_000_000,
    "data": {"object": CUSTOMER, "previous_attributes": {"name": None}},
    "livemode": False,
    "pending_webhooks": 0,
    "request": {"id": "req_1", "idempotency_key": None},
    "type": "customer.updated",
}
LIST: Json = {"object": "list", "data": [CUSTOMER], "has_more": False, "url": "/v1/customers"}
SEARCH_RESULT: Json = {
    "object": "search_result",
    "data": [CUSTOMER],
    "has_more": False,
    "next_page": None,
    "url": "/v1/customers/search",
}


def edited(payload: Json, edit: Edit) -> Json:
    changed = copy.deepcopy(payload)
    edit(changed)
    return changed


def put(path: str, value: object) -> Edit:
    """An edit that sets the value at a dotted path; a numeric step is an index."""

    def edit(payload: Json) -> None:
        node: Any = payload
        *steps, last = path.split(".")
        for step in steps:
            node = node[int(step)] if isinstance(node, list) else node[step]
        node[last] = value

    return edit


def drop(path: str) -> Edit:
    def edit(payload: Json) -> None:
        node: Any = payload
        *steps, last = path.split(".")
        for step in steps:
            node = node[step]
        del node[last]

    return edit


def test_a_complete_customer_conforms() -> None:
    assert_conforms(CUSTOMER, stripe.Customer)


def test_a_deleted_customer_conforms() -> None:
    assert_conforms(DELETED_CUSTOMER, stripe.Customer)


def test_an_event_a_list_and_a_search_result_conform() -> None:
    assert_conforms(EVENT, stripe.Event)
    assert_conforms(LIST, stripe.ListObject[stripe.Customer])
    assert_conforms(SEARCH_RESULT, stripe.SearchResultObject[stripe.Customer])


def test_an_expanded_reference_is_checked_as_the_object_it_is() -> None:
    event = edited(EVENT, put("data.object.test_clock", {"object": "test_helpers.test_clock"}))
    found = violations(event, stripe.Event)
    assert "$.data.object.test_clock.frozen_time: missing" in found


def test_a_polymorphic_reference_is_checked_against_the_class_that_its_object_field_names() -> None:
    found = violations(edited(CUSTOMER, put("default_source", {"object": "card"})), stripe.Customer)
    assert "$.default_source.last4: missing" in found
    assert not [violation for violation in found if "routing_number" in violation]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(drop("email"), "$.email: missing", id="missing optional field"),
        pytest.param(drop("created"), "$.created: missing", id="missing required field"),
        pytest.param(drop("address.line2"), "$.address.line2: missing", id="missing nested field"),
        pytest.param(put("id", None), "$.id: expected str, got null", id="null in a required field"),
        pytest.param(put("metadata", None), "$.metadata: null, but", id="null that breaks other SDKs"),
        pytest.param(put("created", "1"), "$.created: expected int, got a string", id="string for int"),
        pytest.param(put("created", True), "$.created: expected int, got a boolean", id="bool for int"),
        pytest.param(put("created", 1.5), "$.created: expected int, got float", id="float for int"),
        pytest.param(put("livemode", 0), "$.livemode: expected bool, got int", id="int for bool"),
        pytest.param(put("email", 1), "$.email: expected str, got int", id="int for str"),
        pytest.param(put("tax_exempt", "maybe"), "$.tax_exempt: 'maybe' is not one of", id="unknown enum"),
        pytest.param(put("object", "client"), "$.object: 'client' is not one of", id="wrong object name"),
        pytest.param(put("nickname", None), "$.nickname: not a field of Customer", id="unknown key"),
        pytest.param(put("address.planet", "E"), "$.address.planet: not a field", id="unknown nested key"),
        pytest.param(put("address", "Köln"), "$.address: expected Customer.Address", id="string for object"),
        pytest.param(put("metadata.order", 1), "$.metadata.order: expected str", id="number in metadata"),
        pytest.param(put("preferred_locales", "de"), "$.preferred_locales: expected a list", id="no list"),
        pytest.param(put("preferred_locales", ["de", 1]), "$.preferred_locales[1]: expected", id="bad item"),
        pytest.param(put("test_clock", 7), "$.test_clock: expected str or TestClock, got int", id="bad id"),
        pytest.param(put("test_clock", ""), "$.test_clock: an empty string is no id", id="empty id"),
        pytest.param(put("deleted", False), "$.deleted: not a field", id="deleted marker on a live object"),
        pytest.param(
            put("invoice_settings.custom_fields", [{"name": "VAT", "value": None}]),
            "$.invoice_settings.custom_fields[0].value: expected str, got null",
            id="null in a nested list",
        ),
        pytest.param(
            put("sources", {"object": "list", "data": [{}], "has_more": False, "url": "/v1/x"}),
            "$.sources.data[0]",
            id="bad member of an included list",
        ),
    ],
)
def test_a_defect_of_a_customer_is_named_with_its_path(edit: Edit, expected: str) -> None:
    found = violations(edited(CUSTOMER, edit), stripe.Customer)
    assert any(violation.startswith(expected) for violation in found), found


@pytest.mark.parametrize("leftover", ["email", "metadata"])
def test_a_deleted_customer_carries_nothing_besides_its_identity(leftover: str) -> None:
    found = violations({**DELETED_CUSTOMER, leftover: None}, stripe.Customer)
    assert found == [f"$.{leftover}: not a field of Customer"]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(put("object", "page"), "$.object: 'page' is not one of 'list'", id="object"),
        pytest.param(put("has_more", None), "$.has_more: expected bool, got null", id="has_more"),
        pytest.param(put("url", "https://x/v1/customers"), "$.url: 'https://x", id="absolute url"),
        pytest.param(put("data", {}), "$.data: expected a list, got an object", id="data is no list"),
        pytest.param(put("data.0.id", 5), "$.data[0].id: expected str, got int", id="bad member"),
        pytest.param(put("total", 1), "$.total: not a field of ListObject", id="unknown key"),
        pytest.param(drop("url"), "$.url: missing", id="missing url"),
    ],
)
def test_a_defect_of_a_list_is_named_with_its_path(edit: Edit, expected: str) -> None:
    found = violations(edited(LIST, edit), stripe.ListObject[stripe.Customer])
    assert any(violation.startswith(expected) for violation in found), found


def test_a_search_result_names_a_next_page_exactly_where_there_is_more() -> None:
    defect = "$.next_page: must be given exactly where has_more is true"
    expected = stripe.SearchResultObject[stripe.Customer]
    assert violations(edited(SEARCH_RESULT, put("has_more", True)), expected) == [defect]
    assert violations(edited(SEARCH_RESULT, put("next_page", "p2")), expected) == [defect]
    assert "$.next_page: missing" in violations(edited(SEARCH_RESULT, drop("next_page")), expected)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param(put("type", "customer.petted"), "$.type: 'customer.petted' is not one", id="type"),
        pytest.param(drop("data.object.email"), "$.data.object.email: missing", id="subject"),
        pytest.param(put("data.object.object", "pet"), "$.data.object.object: the SDK knows no", id="class"),
        pytest.param(drop("data.previous_attributes"), "$.data.previous_attributes: an update has to", id="no change"),
        pytest.param(put("data.previous_attributes", {"pet": 1}), "$.data.previous_attributes.pet: not", id="change"),
        pytest.param(put("request.id", 1), "$.request.id: expected str, got int", id="request"),
    ],
)
def test_a_defect_of_an_event_is_named_with_its_path(edit: Edit, expected: str) -> None:
    found = violations(edited(EVENT, edit), stripe.Event)
    assert any(violation.startswith(expected) for violation in found), found


CHECKS: Json = {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"}
CARD: Json = {
    "brand": "visa",
    "checks": CHECKS,
    "country": "US",
    "description": None,
    "display_brand": "visa",
    "exp_month": 12,
    "exp_year": 2034,
    "fingerprint": "abc",
    "funding": "credit",
    "generated_from": None,
    "iin": None,
    "issuer": None,
    "last4": "4242",
    "networks": {"available": ["visa"], "preferred": None},
    "regulated_status": None,
    "three_d_secure_usage": {"supported": True},
    "wallet": None,
}
METHOD: Json = {
    "id": "pm_1",
    "object": "payment_method",
    "allow_redisplay": "unspecified",
    "billing_details": {"address": ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None},
    "card": CARD,
    "created": 1_700_000_000,
    "customer": None,
    "customer_account": None,
    "livemode": False,
    "metadata": {},
    "radar_options": None,
    "type": "card",
}
ACTION: Json = {
    "type": "redirect_to_url",
    "redirect_to_url": {"url": "https://bank.example", "return_url": None},
}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [(METHOD, stripe.PaymentMethod), (ACTION, stripe.PaymentIntent.NextAction)],
    ids=["types that are listed", "types that are any text"],
)
def test_what_type_does_not_name_may_be_absent_or_null(payload: Json, expected: type) -> None:
    assert_conforms(payload, expected)
    sibling = "klarna" if expected is stripe.PaymentMethod else "use_stripe_sdk"
    assert_conforms({**payload, sibling: None}, expected)


@pytest.mark.parametrize(
    ("payload", "expected", "edit", "complaint"),
    [
        pytest.param(METHOD, stripe.PaymentMethod, drop("card"), "$.card: missing", id="the member named"),
        pytest.param(METHOD, stripe.PaymentMethod, put("card", None), "$.card: null, but type names it", id="null"),
        pytest.param(METHOD, stripe.PaymentMethod, drop("card.last4"), "$.card.last4: missing", id="inside of it"),
        pytest.param(METHOD, stripe.PaymentMethod, drop("billing_details"), "$.billing_details: missing", id="others"),
        pytest.param(METHOD, stripe.PaymentMethod, drop("customer"), "$.customer: missing", id="optional others"),
        pytest.param(METHOD, stripe.PaymentMethod, drop("type"), "$.type: missing", id="no type"),
        pytest.param(METHOD, stripe.PaymentMethod, put("type", "klarna"), "$.klarna: missing", id="another type"),
        pytest.param(
            METHOD, stripe.PaymentMethod, put("alipay", {}), "$.alipay: given, but type names card", id="two at once"
        ),
        pytest.param(METHOD, stripe.PaymentMethod, put("cards", None), "$.cards: not a field", id="unknown"),
        pytest.param(
            ACTION, stripe.PaymentIntent.NextAction, drop("redirect_to_url"), "$.redirect_to_url: missing", id="text"
        ),
        pytest.param(
            {"card": CARD, "type": "card"},
            stripe.Charge.PaymentMethodDetails,
            drop("card"),
            "$.card: missing",
            id="details of a charge",
        ),
    ],
)
def test_what_type_names_must_be_there_and_everything_else_too(
    payload: Json, expected: type, edit: Edit, complaint: str
) -> None:
    assert complaint in "\n".join(violations(edited(payload, edit), expected))


def test_type_names_nothing_where_its_values_are_no_members() -> None:
    assert "$.reason: missing" in violations({"type": "authorized"}, stripe.Charge.Outcome)
    found = violations({"type": "card", "card": None}, stripe.Token)
    assert "$.bank_account: missing" in found, "a token's members are resources, and always there"


def test_options_are_there_for_each_kind_of_payment_method_that_is_listed() -> None:
    def about_options(options: Json, types: list[str]) -> list[str]:
        payload = {"payment_method_options": options, "payment_method_types": types}
        return [each for each in violations(payload, stripe.SetupIntent) if "payment_method_options" in each]

    card = {
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
        "setup_credential_usage": None,
    }
    assert about_options({"card": card}, ["card"]) == []
    assert about_options({"card": card, "klarna": None}, ["card"]) == []
    assert about_options({}, ["card", "ideal"]) == [
        "$.payment_method_options.card: missing, but payment_method_types lists it"
    ]
    assert about_options({"card": {}}, ["card"])
    assert about_options({"cards": None}, []) == [
        "$.payment_method_options.cards: not a field of SetupIntent.PaymentMethodOptions"
    ]


def test_a_decimal_travels_as_a_string() -> None:
    def about_the_amount(value: object) -> list[str]:
        found = violations({"unit_amount_decimal": value}, stripe.Price)
        return [violation for violation in found if "unit_amount_decimal" in violation]

    assert about_the_amount("12.5") == []
    assert about_the_amount(12.5) == ["$.unit_amount_decimal: expected Decimal, got float"]
    assert about_the_amount("twelve") == ["$.unit_amount_decimal: expected a decimal string, got 'twelve'"]


def test_every_violation_stands_in_the_message_of_the_assertion() -> None:
    with pytest.raises(AssertionError, match=r"(?s)Customer breaks.*\$\.id: missing.*\$\.object: missing"):
        assert_conforms({}, stripe.Customer)


def test_classes_are_found_by_the_object_name() -> None:
    assert class_for("customer") is stripe.Customer
    assert class_for("checkout.session") is stripe.checkout.Session
    with pytest.raises(LookupError, match="unicorn"):
        class_for("unicorn")


def with_nested_classes(owner: type) -> Iterator[type]:
    yield owner
    for member in vars(owner).values():
        if inspect.isclass(member) and issubclass(member, stripe.StripeObject):
            yield from with_nested_classes(member)


@pytest.mark.parametrize("object_name", sorted(OBJECT_CLASSES))
def test_every_annotation_of_the_sdk_is_understood(object_name: str) -> None:
    for owner in with_nested_classes(class_for(object_name)):
        names = [violation[2:].partition(":")[0] for violation in violations({}, owner)]
        for name in names:
            # A value that fits nothing drives the checker to the bottom of each annotation; one for which
            # it has no rule, or whose name it cannot resolve, raises.
            violations({name: object()}, owner)
