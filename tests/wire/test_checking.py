"""The look at every answer is itself held to account: each defect that it promises to catch is put before it once."""

import json
from typing import Any

import pytest

from tests.wire import checking
from tests.wire.checking import check_answer, error_complaints, object_complaints, undocumented
from tests.wire.test_annotations import CUSTOMER, METHOD, edited, put

Json = dict[str, Any]

HEADERS = {"Request-Id": "req_1"}
ERROR: Json = {"type": "card_error", "code": "card_declined", "message": "No.", "param": None}


def answer(body: Json, status: int = 200, path: str = "/v1/customers", *, reduced: bool = False) -> None:
    check_answer(path, status, HEADERS, json.dumps(body), reduced=reduced)


def page(*members: Json, **changes: object) -> Json:
    return {"object": "list", "data": [*members], "has_more": False, "url": "/v1/customers", **changes}


def test_objects_lists_and_errors_pass() -> None:
    answer(CUSTOMER)
    answer(page(CUSTOMER, METHOD))
    answer({"error": ERROR}, 402)
    answer(page(url="/v1/customers/ü"), path="/v1/customers/%C3%BC")


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (edited(CUSTOMER, put("id", 1)), 200, r"\$\.id: expected str"),
        (page(CUSTOMER, edited(METHOD, put("card", None))), 200, r"\$\.data\[1\]\.card: null"),
        (page(url="/v1/charges"), 200, r"\$\.url: '/v1/charges' is not the path"),
        ({**page(), "object": "search_result"}, 200, r"\$\.next_page: missing"),
        ({"error": "no"}, 402, r"\$\.error: expected an object"),
        ({"error": ERROR}, 400, r"'card_error' does not go with 400"),
        ({"error": {**ERROR, "message": ""}}, 402, r"\$\.error\.message: expected a text"),
        ({"error": {**ERROR, "charge": {"id": "ch_1"}}}, 402, r"\$\.error\.charge: expected a text"),
        ({"error": {**ERROR, "hint": "x"}}, 402, r"\$\.error\.hint: no SDK reads this"),
        ({"error": {**ERROR, "payment_method": {**METHOD, "type": "cash"}}}, 402, r"\$\.error\.payment_method\.type"),
    ],
)
def test_a_defect_of_an_answer_is_named(body: Json, status: int, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        answer(body, status)


def test_an_answer_names_its_request() -> None:
    with pytest.raises(AssertionError, match="names no request"):
        check_answer("/v1/customers/cus_1", 200, {}, json.dumps(CUSTOMER))


def test_of_a_reduced_object_only_what_is_there_is_checked() -> None:
    reduced = {"id": "pm_1", "object": "payment_method"}
    assert object_complaints(reduced, reduced=True) == []
    assert object_complaints(reduced)
    assert object_complaints({**reduced, "card": {}}, reduced=True)
    assert error_complaints({"error": {**ERROR, "payment_method": reduced}}, 402, reduced=True) == []


def test_what_the_documentation_does_not_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    responses: Json = {"get": {"responses": {"200": {}}}}
    document = {"paths": {"/v1/charges/search": responses, "/v1/charges/{charge}": responses}}
    seen = {("GET", "/v1/charges/search", 200), ("GET", "/v1/charges/ch_1", 200), ("GET", "/v1/unicorns", 404)}
    monkeypatch.setattr(checking, "met", seen)
    assert undocumented(document) == []
    seen.add(("GET", "/v1/charges/ch_1", 404))
    (complaint,) = undocumented(document)
    assert complaint.startswith("GET /v1/charges/{charge} answers 404")
