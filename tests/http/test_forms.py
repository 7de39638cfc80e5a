"""Form bodies: what was nested comes out nested, and no bytes at all get anything but a clear refusal."""

from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bursar.http.forms import parse_form
from bursar.http.limits import DEPTH_MAX, FIELDS_MAX
from bursar.kit.errors import RequestError

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
names = texts.filter(lambda name: name and not set(name) & set("[]"))
trees = st.dictionaries(
    names,
    st.recursive(texts, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6),
    max_size=4,
)


def fields(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """As the SDKs write them: `a[b]`."""
    found: list[tuple[str, str]] = []
    for name, value in tree.items():
        full = f"{prefix}[{name}]" if prefix else name
        found += fields(value, full) if isinstance(value, dict) else [(full, value)]
    return found


def brackets_are_balanced(tree: Any) -> bool:
    return depth(tree) <= DEPTH_MAX


def depth(tree: Any) -> int:
    return 1 + max(map(depth, tree.values()), default=0) if isinstance(tree, dict) else 0


@settings(deadline=None)
@given(trees.filter(brackets_are_balanced), st.sampled_from([quote, quote_plus]), st.booleans())
def test_what_the_sdks_write_is_read_back(tree: dict[str, Any], encode: Any, brackets_stay: bool) -> None:
    """Spaces as + or %20, brackets as they are or encoded: every SDK has its own way."""
    safe = "[]" if brackets_stay else ""
    body = "&".join(f"{encode(name, safe=safe)}={encode(value, safe='')}" for name, value in fields(tree))
    assert parse_form(body.encode()) == tree


@settings(deadline=None, max_examples=300)
@given(st.binary() | st.text("a[]=&%0f+1\x00ä").map(str.encode))
@example(b"%")
@example(b"=")
@example(b"&&&=&")
@example(b"[]=")
@example(b"a[]=1&a[0]=2")
@example(b"a[b=1")
@example(b"a]b[=1")
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(parse_form(raw), dict)
    except RequestError as refusal:
        assert refusal.status == 400
        assert refusal.message


LISTS = {
    b"a[]=x&a[]=y": {"a": {"0": "x", "1": "y"}},
    b"a[1]=y&a[0]=x": {"a": {"1": "y", "0": "x"}},
    b"a[][b]=x&a[][b]=y": {"a": {"0": {"b": "x"}, "1": {"b": "y"}}},
    b"a[b]=": {"a": {"b": ""}},
    b"a": {"a": ""},
    b"a=b=c": {"a": "b=c"},
    b"a=%zz": {"a": "%zz"},
    b"&a=1&&b=2&": {"a": "1", "b": "2"},
}


@pytest.mark.parametrize(("raw", "tree"), LISTS.items())
def test_a_form_means_what_everybody_means_by_it(raw: bytes, tree: dict[str, Any]) -> None:
    assert parse_form(raw) == tree


@pytest.mark.parametrize(
    ("raw", "param"),
    [(b"a=1&a=2", "a"), (b"a=1&a[b]=2", "a[b]"), (b"a[b]=1&a=2", "a"), (b"a[b]=1&a[b]=2", "a[b]"), (b"a[=1", "a[")],
)
def test_a_contradiction_is_refused_by_name(raw: bytes, param: str) -> None:
    with pytest.raises(RequestError) as refusal:
        parse_form(raw)
    assert refusal.value.param == param


def test_the_limits_are_exactly_what_is_said() -> None:
    assert len(parse_form(b"&".join(b"f%d=" % number for number in range(FIELDS_MAX)))) == FIELDS_MAX
    with pytest.raises(RequestError):
        parse_form(b"&".join(b"f%d=" % number for number in range(FIELDS_MAX + 1)))
    assert parse_form(b"a" + b"[b]" * (DEPTH_MAX - 1) + b"=1")
    with pytest.raises(RequestError):
        parse_form(b"a" + b"[b]" * DEPTH_MAX + b"=1")
