from __future__ import annotations

import pytest

from server.listener.refusals import RefusedError
from server.listener.request_size import RequestSize


def a_size() -> RequestSize:
    return RequestSize(max_header_bytes=100, max_body_bytes=1000)


def test_a_url_may_fill_the_head() -> None:
    size = a_size()
    size.check_head(b"x" * 100, [])
    with pytest.raises(RefusedError) as caught:
        size.check_head(b"x" * 101, [])
    assert caught.value.refusal.status == 414


def test_headers_count_with_the_url() -> None:
    size, url, header = a_size(), b"x" * 50, (b"a" * 20, b"b" * 26)
    size.check_head(url, [header])
    with pytest.raises(RefusedError) as caught:
        size.check_head(url, [header, (b"", b"")])
    assert caught.value.refusal.status == 431


def test_a_declared_length_is_believed() -> None:
    size = a_size()
    size.check_head(b"/", [(b"content-length", b"1000")])
    with pytest.raises(RefusedError) as caught:
        size.check_head(b"/", [(b"host", b"x"), (b"content-length", b"1001")])
    assert caught.value.refusal.status == 413


def test_pieces_of_a_body_are_added_up() -> None:
    size = a_size()
    size.add_body(999)
    size.add_body(1)
    with pytest.raises(RefusedError) as caught:
        size.add_body(1)
    assert caught.value.refusal.status == 413


def test_a_header_that_never_ends_is_noticed() -> None:
    size = a_size()
    size.add_incomplete_read(100, in_head=True)
    with pytest.raises(RefusedError) as caught:
        size.add_incomplete_read(1, in_head=True)
    assert caught.value.refusal.status == 431


def test_framing_that_never_ends_is_noticed() -> None:
    size = a_size()
    size.add_incomplete_read(2100, in_head=False)
    with pytest.raises(RefusedError) as caught:
        size.add_incomplete_read(1, in_head=False)
    assert caught.value.refusal.status == 413


def test_every_request_begins_at_nothing() -> None:
    size = a_size()
    size.add_body(1000)
    size.add_incomplete_read(100, in_head=True)
    size.begin()
    size.add_body(1000)
    size.add_incomplete_read(100, in_head=True)
