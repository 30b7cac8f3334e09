from __future__ import annotations

import pytest

from server.api.errors import BadRequest
from server.api.fields import optional_text, parse_fields, parse_idempotency_key, required_text
from server.protocol.errors import Malformed


def test_fields_come_from_the_body_and_else_from_the_query() -> None:
    fields = parse_fields(b'{"name":"body"}', {"name": "query", "data": "query"}, max_depth=32)
    assert fields == {"name": "body", "data": "query"}


def test_empty_body_leaves_the_query() -> None:
    assert parse_fields(b"", {"name": "query"}, max_depth=32) == {"name": "query"}


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1"])
def test_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^Expected the body to be a JSON object$"):
        parse_fields(body, {}, max_depth=32)


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":[[]]}'])
def test_body_that_is_not_acceptable_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_fields(body, {}, max_depth=2)


def test_missing_null_and_wrongly_typed_fields_are_told_apart() -> None:
    assert required_text({"name": ""}, "name") == ""
    for fields in ({}, {"name": None}):
        with pytest.raises(BadRequest, match=r"^Missing required parameter: name$"):
            required_text(fields, "name")
    with pytest.raises(BadRequest, match=r"^Expected name parameter to be a string$"):
        required_text({"name": 1}, "name")


def test_optional_field_may_be_missing_or_null_but_not_something_else() -> None:
    assert optional_text({}, "socket_id") == optional_text({"socket_id": None}, "socket_id") == ""
    with pytest.raises(BadRequest):
        optional_text({"socket_id": 1.2}, "socket_id")


def test_idempotency_key_is_the_field_or_else_the_header() -> None:
    assert parse_idempotency_key({"idempotency_key": "field"}, "header") == "field"
    assert parse_idempotency_key({}, "header") == "header"
    assert parse_idempotency_key({}, "") == ""


def test_idempotency_key_is_bounded() -> None:
    assert parse_idempotency_key({"idempotency_key": "k" * 256}, "") == "k" * 256
    for fields, header in (({"idempotency_key": "k" * 257}, ""), ({}, "k" * 257)):
        with pytest.raises(BadRequest, match=r"^idempotency_key of 257 characters, at most 256 are allowed$"):
            parse_idempotency_key(fields, header)
