from __future__ import annotations

import json as standard
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import strict_json
from server.protocol.errors import Malformed

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@given(_VALUES)
def test_what_is_encoded_is_read_alike_by_us_and_by_everybody(value: Any) -> None:
    raw = strict_json.encode(value)
    assert strict_json.decode(raw) == standard.loads(raw) == value


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_garbage_is_a_value_or_malformed(raw: bytes | str) -> None:
    try:
        value = strict_json.decode(raw)
    except Malformed:
        return
    strict_json.encode(value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"nul",
        b"{}{}",
        b'{"a":1,}',
        b"{'a':1}",
        b"NaN",
        b"Infinity",
        b"-",
        b"1e400",
        b"9" * 5000,
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'{"\xff":1}',
        rb'"\ud800"',
        rb'"\udc00\ud800"',
        rb'{"\ud800":1}',
        b'"\xed\xa0\x80"',
        b'"a\nb"',
        b"\x00",
    ],
)
def test_what_is_not_json_in_utf_8_without_lone_surrogates_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed, match="invalid JSON"):
        strict_json.decode(raw)


def test_lone_surrogates_in_a_python_string_are_malformed() -> None:
    with pytest.raises(Malformed):
        strict_json.decode('{"a":"\ud800"}')


@pytest.mark.parametrize("limit", [4, 32, 512])
def test_nesting_is_allowed_up_to_the_limit(limit: int) -> None:
    strict_json.decode(nested(limit), max_depth=limit)
    with pytest.raises(Malformed, match=f"deeper than {limit} levels"):
        strict_json.decode(nested(limit + 1), max_depth=limit)


def test_objects_nest_as_arrays_do() -> None:
    strict_json.decode(b'{"a":[{"b":{}}]}', max_depth=4)
    with pytest.raises(Malformed, match="deeper than 3 levels"):
        strict_json.decode(b'{"a":[{"b":{}}]}', max_depth=3)


def test_brackets_in_text_and_side_by_side_are_not_nesting() -> None:
    assert strict_json.decode(b'["[[[[{{{{"]', max_depth=1) == ["[[[[{{{{"]
    assert strict_json.decode(b"[[],[],[],[],[]]", max_depth=2) == [[]] * 5


@pytest.mark.parametrize("opener", [b"[", b'{"a":'])
def test_nesting_beyond_any_stack_is_malformed(opener: bytes) -> None:
    with pytest.raises(Malformed, match="deeper than 32 levels"):
        strict_json.decode(opener * 100_000)
