"""The OpenAPI document is valid and says what the declarations say."""

from typing import Any

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from bursar.http import openapi
from bursar.http.endpoint import Endpoint
from tests.http.declared import ENDPOINTS

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document(ENDPOINTS)


@pytest.fixture(scope="module")
def schemas(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def operation(document: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][endpoint.path][endpoint.method.lower()]
    return found


def references(tree: Any) -> set[str]:
    if isinstance(tree, list):
        return set().union(*map(references, tree))
    if not isinstance(tree, dict):
        return set()
    own = {tree["$ref"]} if isinstance(tree.get("$ref"), str) else set()
    return own.union(*map(references, tree.values()))


def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    problems = [f"{problem.instance_path}: {problem.message}" for problem in OPENAPI_31_VALIDATOR.iter_errors(document)]
    assert problems == []


def test_every_reference_leads_somewhere_and_no_schema_is_left_over(document: dict[str, Any]) -> None:
    components = document["components"]
    known = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    used = references(document)
    assert used <= known
    assert {name for name in known if "/schemas/" in name} <= used


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    names = [found["operationId"] for methods in document["paths"].values() for found in methods.values()]
    assert len(names) == len(set(names)) == len(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation_id)
class TestEveryEndpoint:
    def test_is_there_with_its_summary_and_permission(self, document: dict[str, Any], endpoint: Endpoint) -> None:
        found = operation(document, endpoint)
        assert found["operationId"] == endpoint.operation_id
        assert (found["summary"], found["x-permission"]) == (endpoint.summary, endpoint.permission)

    def test_declares_each_placeholder_of_its_path(self, document: dict[str, Any], endpoint: Endpoint) -> None:
        placed = {given["name"] for given in operation(document, endpoint)["parameters"] if given.get("in") == "path"}
        assert placed == {segment[1:-1] for segment in endpoint.path.split("/") if segment.startswith("{")}

    def test_takes_each_declared_parameter(
        self, document: dict[str, Any], schemas: dict[str, Any], endpoint: Endpoint
    ) -> None:
        found = operation(document, endpoint)
        if endpoint.writes:
            for kind in (FORM, JSON):
                name = found["requestBody"]["content"][kind]["schema"]["$ref"].rpartition("/")[2]
                assert set(schemas[name]["properties"]) == set(endpoint.params.__struct_fields__)
                assert schemas[name]["additionalProperties"] is False
        else:
            query = {given["name"] for given in found["parameters"] if given.get("in") == "query"}
            assert query == set(endpoint.params.__struct_fields__)

    def test_may_end_as_it_really_may(self, document: dict[str, Any], endpoint: Endpoint) -> None:
        statuses = set(operation(document, endpoint)["responses"])
        assert {"200", "400", "401", "403", "429", "431", "500", "503"} <= statuses
        assert ({"413", "415"} <= statuses) is endpoint.writes
        assert ("409" in statuses) is (endpoint.method != "GET")
        names_another_object = endpoint.operation_id not in ("create_customer", "search_customers")
        assert ("404" in statuses) is names_another_object

    def test_takes_an_idempotency_key_only_if_it_writes(self, document: dict[str, Any], endpoint: Endpoint) -> None:
        key = {"$ref": "#/components/parameters/IdempotencyKey"}
        assert (key in operation(document, endpoint)["parameters"]) is endpoint.writes


def test_limits_come_from_the_declarations(schemas: dict[str, Any]) -> None:
    members = schemas["CustomerParams"]["properties"]
    assert members["email"]["maxLength"] == 512
    assert (members["invoice_prefix"]["minLength"], members["invoice_prefix"]["maxLength"]) == (3, 12)
    assert members["balance"] == {"type": "integer", "minimum": -999_999_999_999, "maximum": 999_999_999_999}


def test_an_enumeration_can_be_cleared_by_null_in_json_and_by_the_empty_value_in_both(schemas: dict[str, Any]) -> None:
    options = {"enum": ["exempt", "none", "reverse"]}
    in_json = schemas["CustomerParams"]["properties"]["tax_exempt"]["anyOf"]
    in_form = schemas["CustomerParamsForm"]["properties"]["tax_exempt"]["anyOf"]
    assert in_json == [options, {"type": "null"}, {"const": ""}]
    assert in_form == [options, {"const": ""}]


def test_no_form_knows_null(document: dict[str, Any], schemas: dict[str, Any]) -> None:
    forms = [schema for name, schema in schemas.items() if name.endswith("Form")]
    queries = [given["schema"] for given in document["paths"]["/v1/customers"]["get"]["parameters"]]
    assert forms
    assert "null" not in repr([forms, queries])


def test_metadata_has_its_limits_everywhere(schemas: dict[str, Any]) -> None:
    text = {"type": "string", "maxLength": 500}
    shapes = {
        "Customer": (schemas["Customer"]["properties"]["metadata"], text),
        "CustomerParamsForm": (schemas["CustomerParamsForm"]["properties"]["metadata"]["anyOf"][0], text),
        "CustomerParams": (
            schemas["CustomerParams"]["properties"]["metadata"]["anyOf"][0],
            {"anyOf": [text, {"type": "null"}]},
        ),
    }
    for shape, values in shapes.values():
        assert shape["additionalProperties"] == values
        assert shape["maxProperties"] == 50
        assert shape["propertyNames"]["maxLength"] == 40


def test_what_is_required_of_a_request_is_only_what_has_no_default(schemas: dict[str, Any]) -> None:
    assert schemas["CustomerParams"]["required"] == []
    assert schemas["ShippingParams"]["required"] == ["address", "name"]


def test_every_member_of_an_answer_is_required(schemas: dict[str, Any]) -> None:
    for name in ("Customer", "Address", "DeletedCustomer", "Event", "PageOfCustomer", "SearchPageOfCustomer"):
        assert schemas[name]["required"] == list(schemas[name]["properties"]), name


def test_a_type_of_both_requests_and_answers_has_a_schema_for_each(schemas: dict[str, Any]) -> None:
    assert schemas["Address"]["required"]
    assert schemas["AddressParams"]["required"] == []


def test_objects_and_lists_in_queries_are_spelt_with_brackets(document: dict[str, Any]) -> None:
    given = {one["name"]: one for one in document["paths"]["/v1/events"]["get"]["parameters"]}
    for name in ("created", "types", "expand"):
        assert (given[name]["style"], given[name]["explode"]) == ("deepObject", True)
    assert "style" not in given["limit"]
    assert given["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}


def test_an_events_data_is_the_object_and_what_it_was_before(schemas: dict[str, Any]) -> None:
    data = schemas["Event"]["properties"]["data"]
    assert set(data["properties"]) == {"object", "previous_attributes"}
    assert data["required"] == ["object"]


def test_an_answer_of_several_kinds_names_them_all(document: dict[str, Any]) -> None:
    answer = document["paths"]["/v1/customers/{customer}"]["get"]["responses"]["200"]["content"][JSON]["schema"]
    assert [option["$ref"].rpartition("/")[2] for option in answer["anyOf"]] == ["Customer", "DeletedCustomer"]


def test_answers_that_will_be_others_later_tell_when_to_come_back(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    told = [name for name, found in responses.items() if "Retry-After" in found["headers"]]
    assert told == ["TooManyRequests", "Unavailable"]
    assert set(document["components"]["securitySchemes"]) == {"Bearer", "Basic"}
