"""The search language: whatever can be asked can be quoted, and nothing but a clear refusal comes of the rest."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bursar.http.search import CLAUSES_MAX, NUMBER_MAX, Clause, FieldKind, Query, parse_query
from bursar.kit.errors import InvalidRequest, RequestError

FIELDS = {
    "created": FieldKind.NUMBER,
    "email": FieldKind.TEXT,
    "currency": FieldKind.TOKEN,
    "metadata": FieldKind.MAP,
}


def parse(text: str) -> Query:
    return parse_query(text, FIELDS)


def only(text: str) -> Clause:
    (clause,) = parse(text).clauses
    return clause


def quoted(text: str, mark: str) -> str:
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


texts = st.text(st.characters(codec="utf-8"), max_size=30)
marks = st.sampled_from("'\"")


@settings(deadline=None)
@given(texts, marks)
def test_any_text_can_be_asked_for_in_quotes(text: str, mark: str) -> None:
    assert only(f"email:{quoted(text, mark)}") == Clause("email", None, ":", text, negated=False)


@settings(deadline=None)
@given(texts, texts, marks, marks)
def test_any_key_and_value_of_metadata_can_be_asked_for(key: str, value: str, one: str, other: str) -> None:
    clause = only(f"-metadata[{quoted(key, one)}]:{quoted(value, other)}")
    assert clause == Clause("metadata", key, ":", value, negated=True)
    assert clause.index_name == f"metadata[{key}]"


@settings(deadline=None)
@given(
    st.lists(st.tuples(texts, marks, st.booleans()), min_size=1, max_size=CLAUSES_MAX),
    st.sampled_from([" AND ", " OR ", " and ", "  Or\n", " "]),
)
def test_clauses_come_out_in_order_and_joined_as_they_were(asked: list[tuple[str, str, bool]], joiner: str) -> None:
    query = parse(joiner.join(f"{'-' * negated}email:{quoted(text, mark)}" for text, mark, negated in asked))
    assert [(clause.value, clause.negated) for clause in query.clauses] == [(text, no) for text, _, no in asked]
    assert query.any_of == (len(asked) > 1 and joiner.strip().upper() == "OR")


@settings(deadline=None)
@given(st.sampled_from([":", ">", "<", ">=", "<="]), st.integers(-NUMBER_MAX, NUMBER_MAX), st.booleans())
def test_any_number_can_be_compared(operator: str, number: int, in_quotes: bool) -> None:
    clause = only(f"created{operator}{quoted(str(number), chr(34)) if in_quotes else number}")
    assert (clause.operator, clause.value) == (operator, number)


@settings(deadline=None, max_examples=500)
@given(st.text() | st.text("emailcrtd[]'\":~<>=-\\ ANDORnul10", max_size=60))
@example("email:'" + "\\" * 1_999)
@example("-" * 2_000)
@example("email" * 400)
@example("created:" + "9" * 1_900)
@example("created:'٣'")
@example("email:null" * 200)
def test_any_text_is_read_or_refused_by_the_parameters_name(text: str) -> None:
    try:
        assert parse(text).clauses
    except RequestError as refusal:
        assert isinstance(refusal, InvalidRequest)
        assert refusal.param == "query"
        assert refusal.code == "invalid_search_query"
        assert len(refusal.message) < 500


REFUSED = [
    "",
    " ",
    "email",
    "email:",
    "email:x",
    "email:'x",
    "email>'x'",
    "email~'ab'",
    "currency~'abc'",
    "planet:'x'",
    "email['k']:'x'",
    "metadata:'x'",
    "metadata[k]:'x'",
    "metadata['k']~'abc'",
    "created:null",
    "created~'123'",
    "created:'soon'",
    "created:1.5",
    f"created:{NUMBER_MAX + 1}",
    "email>null",
    "email:'x'email:'y'",
    "email:'x' AND",
    "AND email:'x'",
    "email:'x' AND OR email:'y'",
    "email:'x' AND email:'y' OR email:'z'",
    "(email:'x')",
    " AND ".join(["email:'x'"] * (CLAUSES_MAX + 1)),
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_asked_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse(text)


def test_null_asks_for_what_is_not_there() -> None:
    assert only("email:null").value is None
    assert only("-metadata['k']:null") == Clause("metadata", "k", ":", None, negated=True)
    assert only("email:'null'").value == "null"
