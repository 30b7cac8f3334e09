from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import codes
from server.protocol.codes import Close
from server.protocol.handshake import Greeting, read_greeting


def code_of(path: str, query: str) -> int:
    verdict = read_greeting(path, query)
    assert isinstance(verdict, Close)
    return verdict.code


def test_a_greeting_names_the_app_and_says_who_speaks() -> None:
    query = "protocol=7&client=js&version=8.6.0&flash=false"
    assert read_greeting("/app/my-Key_1", query) == Greeting("my-Key_1", 7, "js", "8.6.0")


@pytest.mark.parametrize("path", ["/app/k", "/app/k/", "/prefix/app/k", "/a/b/c/app/k", "//app/k", "/app/app/k"])
def test_a_prefix_and_a_trailing_slash_are_allowed(path: str) -> None:
    assert read_greeting(path, "protocol=7") == Greeting("k", 7, "", "")


@pytest.mark.parametrize("path", ["", "/", "/app", "/app/", "/app//", "/app/k/x", "/APP/k", "/app/k k", "app/k"])
def test_other_paths_are_not_found(path: str) -> None:
    assert read_greeting(path, "protocol=7") == codes.PATH_NOT_FOUND


@pytest.mark.parametrize("protocol", [4, 5, 6, 7])
def test_protocols_4_to_7_are_spoken(protocol: int) -> None:
    greeting = read_greeting("/app/k", f"protocol={protocol}")
    assert isinstance(greeting, Greeting)
    assert greeting.protocol == protocol


@pytest.mark.parametrize("protocol", ["0", "3", "8", "-7", "+7", "7.0", "07x", "x", " 7", "%D9%A7", "7777", "9" * 5000])
def test_others_are_not_supported(protocol: str) -> None:
    assert code_of("/app/k", f"protocol={protocol}") == 4007


@pytest.mark.parametrize("query", ["", "client=js", "protocol=", "protocol", "Protocol=7"])
def test_a_missing_protocol_has_a_code_of_its_own(query: str) -> None:
    assert code_of("/app/k", query) == 4008


@pytest.mark.parametrize("version", ["%20", "-1", "1%0A", "a" * 65, "1_0", "%FF"])
def test_a_version_must_look_like_one(version: str) -> None:
    assert code_of("/app/k", f"protocol=7&version={version}") == 4006


def test_the_first_of_a_repeated_field_counts() -> None:
    assert read_greeting("/app/k", "protocol=7&protocol=1&version=") == Greeting("k", 7, "", "")


def test_a_client_is_remembered_up_to_64_characters() -> None:
    greeting = read_greeting("/app/k", "protocol=7&client=" + "x" * 100)
    assert isinstance(greeting, Greeting)
    assert greeting.client == "x" * 64


@given(st.text(max_size=60), st.text(st.sampled_from("protcl=7&%version ;+\x00é"), max_size=60))
def test_any_request_has_a_greeting_or_a_refusal_that_fits_a_close_frame(path: str, query: str) -> None:
    verdict = read_greeting(path, query)
    assert isinstance(verdict, Greeting) or len(verdict.reason.encode()) <= 123
