"""Which server and application a command is for."""

from __future__ import annotations

import json

import pytest

from server.cli.target import Choice, Target, find_target
from server.config import ConfigurationError

APPS = json.dumps([{"id": "1", "key": "a", "secret": "s"}, {"id": "2", "key": "b", "secret": "t"}])


def found(choice: Choice, **environ: str) -> Target:
    return find_target(choice, config=None, environ=environ)


def test_without_anything_it_is_the_demo_on_this_machine() -> None:
    target = found(Choice())
    assert (target.http_url, target.websocket_url) == ("http://127.0.0.1:6001", "ws://127.0.0.1:6001")
    assert (target.app_id, target.key, target.secret) == ("app-id", "app-key", b"app-secret")


def test_configured_address_and_first_app_are_taken() -> None:
    target = found(Choice(), SHOAL_APPS=APPS, SHOAL_HOST="10.0.0.1", SHOAL_PORT="7000")
    assert (target.http_url, target.app_id) == ("http://10.0.0.1:7000", "1")


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:6001"), ("::", "http://[::1]:6001"), ("fe80::1", "http://[fe80::1]:6001")],
)
def test_address_is_one_to_connect_to(host: str, url: str) -> None:
    assert found(Choice(), SHOAL_APPS=APPS, SHOAL_HOST=host).http_url == url


@pytest.mark.parametrize(
    ("url", "http_url", "websocket_url"),
    [
        ("http://h:1", "http://h:1", "ws://h:1"),
        ("ws://h:1/", "http://h:1", "ws://h:1"),
        ("wss://h", "https://h", "wss://h"),
        ("https://h/prefix/", "https://h/prefix", "wss://h/prefix"),
        ("http://[::1]:1", "http://[::1]:1", "ws://[::1]:1"),
    ],
)
def test_url_of_either_kind_is_good_for_both(url: str, http_url: str, websocket_url: str) -> None:
    target = found(Choice(url=url))
    assert (target.http_url, target.websocket_url) == (http_url, websocket_url)


@pytest.mark.parametrize("url", ["h:1", "ftp://h", "http://", "http:///x", "http://h:x", "http://[::1", ""])
def test_url_of_another_kind_is_a_mistake(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--url .*: write http://HOST:PORT"):
        found(Choice(url, "1", "k", "s"))


@pytest.mark.parametrize("choice", [Choice(app_id="2"), Choice(key="b"), Choice(app_id="2", key="b")])
def test_app_is_chosen_by_id_or_key(choice: Choice) -> None:
    target = found(choice, SHOAL_APPS=APPS)
    assert (target.app_id, target.key, target.secret) == ("2", "b", b"t")


def test_given_secret_goes_before_the_configured_one() -> None:
    assert found(Choice(secret="other")).secret == b"other"


def test_app_that_is_not_configured_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError) as caught:
        found(Choice(app_id="1", key="b"), SHOAL_APPS=APPS)
    assert str(caught.value) == ("no application with id '1' and key 'b' is configured, only 1 (key a), 2 (key b)")


def test_with_everything_given_no_configuration_is_read() -> None:
    target = found(Choice("http://h:1", "i", "k", "s"), SHOAL_CONFIG="/nowhere.toml")
    assert (target.http_url, target.app_id, target.key, target.secret) == ("http://h:1", "i", "k", b"s")


def test_server_on_a_socket_file_needs_a_url() -> None:
    with pytest.raises(ConfigurationError, match="--url"):
        found(Choice(), SHOAL_UNIX_SOCKET="/run/shoal.sock")
