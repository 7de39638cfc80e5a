"""From bytes to parameters: forms and JSON mean the same, and every complaint names what it is about."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Meta

from bursar.app import all_endpoints
from bursar.customers.schemas import CustomerListParams, CustomerParams
from bursar.events.schemas import EventListParams
from bursar.http.params import Params, SearchParams
from bursar.http.shape import LIST_LENGTH_MAX
from bursar.http.validation import PARAM_SHOWN_LENGTH_MAX, Parser
from bursar.kit.errors import RequestError, UnsupportedContentType
from bursar.runtime import running
from bursar.settings import DEVELOPMENT_SECRET, Settings
from bursar.store.engine import MEMORY_URL


class Line(msgspec.Struct, forbid_unknown_fields=True):
    amount: int
    tags: Annotated[list[str], Meta(max_length=2)] = []


class Example(Params):
    name: str
    kind: Literal["small", "large"] = "small"
    paid: bool = False
    lines: Annotated[list[Line], Meta(max_length=100)] | None = None
    note: Annotated[int, Meta(ge=0, le=9)] | None = None


PARSER = Parser(Example)
PARSERS: list[Parser[Any]] = [
    PARSER,
    *(Parser(params) for params in (CustomerParams, CustomerListParams, EventListParams, SearchParams, Params)),
]
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def test_a_form_and_json_give_the_same_parameters() -> None:
    form = b"name=x&kind=large&paid=true&lines[0][amount]=5&lines[0][tags][]=a&lines[1][amount]=-6&note=7&expand[]=e"
    tree = {
        "name": "x",
        "kind": "large",
        "paid": True,
        "lines": [{"amount": 5, "tags": ["a"]}, {"amount": -6}],
        "note": 7,
        "expand": ["e"],
    }
    assert PARSER.from_form(form) == PARSER.from_json(json.dumps(tree).encode())


def test_an_empty_value_clears_what_can_be_empty() -> None:
    assert PARSER.from_form(b"name=x&note=") == PARSER.from_json(b'{"name":"x","note":null}')
    assert PARSER.from_form(b"name=") == PARSER.from_json(b'{"name":""}')


COMPLAINTS = [
    (b"", "name", "parameter_missing"),
    (b"name=x&surname=y", "surname", "parameter_unknown"),
    (b"name=x&kind=medium", "kind", None),
    (b"name=x&paid=perhaps", "paid", None),
    (b"name=x&note=-1", "note", "parameter_invalid_integer"),
    (b"name=x&note=99999999999999999999", "note", "parameter_invalid_integer"),
    (b"name=x&lines[0][amount]=x", "lines[0][amount]", "parameter_invalid_integer"),
    (b"name=x&lines[1][amount]=1&lines[0][tags][]=x", "lines[0][amount]", "parameter_missing"),
    (b"name=x&lines[0][amount]=1&lines[0][colour]=red", "lines[0][colour]", "parameter_unknown"),
    (b"name=x&lines[0][amount]=1&lines[0][tags]=red", "lines[0][tags]", None),
    (b"name=x&lines[a][amount]=1", "lines", None),
    (b"name=x&lines=1", "lines", None),
]


@pytest.mark.parametrize(("form", "param", "code"), COMPLAINTS)
def test_a_complaint_names_the_parameter_in_the_forms_spelling(form: bytes, param: str, code: str | None) -> None:
    with pytest.raises(RequestError) as refusal:
        PARSER.from_form(form)
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert param in refusal.value.message


def test_the_list_that_is_too_long_is_named() -> None:
    items = b"&".join(b"lines[][amount]=1" for _ in range(LIST_LENGTH_MAX + 1))
    with pytest.raises(RequestError) as refusal:
        PARSER.from_form(b"name=x&" + items)
    assert refusal.value.param == "lines"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
member_names = st.sampled_from(
    sorted({name for parser in PARSERS for name in parser._params.__struct_fields__} | {"amount", "city", "gte", "x"})
)
likely_trees = st.dictionaries(member_names, json_values | st.dictionaries(member_names, json_values, max_size=3))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PARSERS), likely_trees)
@example(PARSER, {"name": "\ud800"})
@example(PARSER, {"name": "x", "note": 2**63})
@example(PARSER, {"name": "x", "note": 2**64})
@example(PARSER, {"name": "x", "note": -(2**63) - 1})
@example(PARSER, {"x - at `$.name": 1})
@example(PARSER, {"`": 1})
def test_any_json_is_taken_or_refused_by_a_bounded_name(parser: Parser[Any], tree: dict[str, Any]) -> None:
    try:
        parser.from_json(json.dumps(tree).encode())
    except RequestError as refusal:
        assert refusal.status == 400
        assert len(refusal.param or "") <= PARAM_SHOWN_LENGTH_MAX
        assert len(refusal.message) <= 1_000


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(PARSERS), st.sampled_from([FORM, JSON, "", "text/plain", FORM + "; charset=x"]), st.binary())
def test_any_bytes_are_taken_or_refused(parser: Parser[Any], content_type: str, raw: bytes) -> None:
    try:
        parser.from_body(raw, content_type)
    except RequestError as refusal:
        assert refusal.status in (400, 415)


@pytest.mark.parametrize("depth", [*range(1, 60), *range(60, 1_100, 13), 10**4, 10**5])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"\\u0061":', b"}")])
def test_json_of_any_depth_is_refused_and_never_a_defect(depth: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(RequestError):
        PARSER.from_json(b'{"name":' + opening * depth + b"1" + closing * depth + b"}")


@pytest.mark.parametrize("length", [100, 10_000, 100_000])
def test_what_is_sent_is_not_sent_back_at_length(length: int) -> None:
    value = "v" * length
    for tree in ({"name": "x", "kind": value}, {value: 1}, {"name": "x", "lines": [{"amount": value}]}):
        with pytest.raises(RequestError) as refusal:
            PARSER.from_json(json.dumps(tree).encode())
        assert len(refusal.value.message) <= 1_000
        assert len(refusal.value.param or "") <= PARAM_SHOWN_LENGTH_MAX


def test_digits_that_were_sent_are_not_sent_back() -> None:
    """They may be a card's."""
    with pytest.raises(RequestError) as refusal:
        PARSER.from_form(b"name=x&lines=4242424242424242")
    assert "4242" not in refusal.value.message


def integers_of(kind: msgspec.inspect.Type, path: str) -> Iterator[tuple[str, msgspec.inspect.IntType]]:
    """Every integer inside, by where it stands."""
    if isinstance(kind, msgspec.inspect.IntType):
        yield path, kind
    elif isinstance(kind, msgspec.inspect.StructType):
        for field in kind.fields:
            yield from integers_of(field.type, f"{path}.{field.name}")
    elif isinstance(kind, msgspec.inspect.UnionType):
        for option in kind.types:
            yield from integers_of(option, path)
    elif isinstance(kind, msgspec.inspect.ListType):
        yield from integers_of(kind.item_type, f"{path}[]")
    elif isinstance(kind, msgspec.inspect.DictType):
        yield from integers_of(kind.value_type, f"{path}{{}}")


def test_every_integer_of_the_api_has_both_bounds() -> None:
    """A form may send numbers of any length, and a database refuses those of more than 64 bits as a defect."""
    with running(Settings(development=True, database_url=MEMORY_URL, secret_key=DEVELOPMENT_SECRET)) as runtime:
        params = {endpoint.params for endpoint in all_endpoints(runtime)}
    found = [entry for each in params for entry in integers_of(msgspec.inspect.type_info(each), each.__name__)]
    assert found
    for path, kind in found:
        assert kind.ge is not None, path
        assert kind.le is not None, path
        assert -(2**63) <= kind.ge <= kind.le < 2**63, path


def test_an_empty_body_needs_no_content_type_and_a_full_one_does() -> None:
    assert Parser(Params).from_body(b"", "") == Params()
    with pytest.raises(UnsupportedContentType):
        Parser(Params).from_body(b"expand[]=x", "")
