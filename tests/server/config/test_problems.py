"""What is said about mistakes: the key, the place, the value, what is allowed, and never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from server.config import ConfigurationError, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def problems(config: Path | None = None, flags: dict[str, object] | None = None, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config=config, flags=flags or {}, environ=environ)
    assert caught.value.__cause__ is None, "a cause would carry values into tracebacks"
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def problems_of_app(**fields: object) -> list[str]:
    app = {"id": "1", "key": "k", "secret": "s", **fields}
    return problems(SHOAL_APPS=json.dumps([{name: value for name, value in app.items() if value is not None}]))


def test_variable_is_named_with_value_and_what_is_allowed() -> None:
    assert problems(SHOAL_PORT="70000") == [
        'port = "70000" (environment variable SHOAL_PORT): must be an integer, 0 to 65535'
    ]


def test_flag_is_named() -> None:
    assert problems(flags={"metrics_port": -1}) == [
        "metrics_port = -1 (flag --metrics-port): must be an integer, 0 to 65535"
    ]


def test_key_of_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shoal.toml"
    path.write_text("activity_timeout = true\n")
    assert problems(path) == [
        f"activity_timeout = true (file {path}): must be a number (seconds), above 0, at most 86400"
    ]


def test_words_to_choose_from_are_listed() -> None:
    assert problems(SHOAL_LOG_FORMAT="xml") == [
        'log_format = "xml" (environment variable SHOAL_LOG_FORMAT): must be auto, json or human'
    ]


def test_all_mistakes_are_told_at_once_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "shoal.toml"
    path.write_text('host = ""\n')
    lines = problems(path, {"settle": -1.0}, SHOAL_PORT="x")
    assert sorted(line.split(" = ")[0] for line in lines) == ["host", "port", "settle"]


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ("SHOAL_PROT", "prot (environment variable SHOAL_PROT): no such setting; did you mean SHOAL_PORT?"),
        ("SHOAL_XYZZY", "xyzzy (environment variable SHOAL_XYZZY): no such setting"),
    ],
)
def test_unknown_variable_is_a_mistake_with_the_nearest_one_suggested(environ: str, line: str) -> None:
    assert problems(None, None, **{environ: "1"}) == [line]


def test_unknown_key_is_a_mistake_with_the_nearest_one_suggested(tmp_path: Path) -> None:
    path = tmp_path / "shoal.toml"
    path.write_text("max_conections = 5\n")
    assert problems(path) == [f"max_conections (file {path}): no such setting; did you mean max_connections?"]


def test_unknown_key_of_an_app_is_a_mistake_and_its_value_could_be_a_secret() -> None:
    assert problems_of_app(secret=None, secrt="hush") == [
        "apps[0].secret (environment variable SHOAL_APPS): is missing",
        "apps[0].secrt (environment variable SHOAL_APPS): no such setting; did you mean secret?",
    ]


def test_wrong_limit_of_an_app_is_named_like_any_setting() -> None:
    assert problems_of_app(max_event_bytes=0) == [
        "apps[0].max_event_bytes = 0 (environment variable SHOAL_APPS): must be an integer (bytes), at least 1"
    ]


def test_wrong_type_of_webhook_event_is_told_with_those_that_there_are() -> None:
    (problem,) = problems_of_app(webhooks=[{"url": "http://h", "event_types": ["nope"]}])
    assert problem.startswith(
        "apps[0].webhooks[0].event_types[0] (environment variable SHOAL_APPS): must be a list of "
    )
    assert "member_added" in problem


def test_wrong_origin_says_how_one_is_written() -> None:
    assert problems_of_app(allowed_origins=["https://example.com/"]) == [
        'apps[0].allowed_origins[0] = "https://example.com/" (environment variable SHOAL_APPS): is no origin: '
        "write scheme://host or scheme://host:port, and nothing behind that"
    ]


@pytest.mark.parametrize("secret", [["hush"], {"value": "hush"}, 4711])
def test_secret_is_never_repeated(secret: object) -> None:
    assert problems_of_app(secret=secret) == [
        "apps[0].secret (environment variable SHOAL_APPS): must be text, not empty"
    ]


@pytest.mark.parametrize(
    ("apps", "line"),
    [
        ('["hush"]', "apps[0] (environment variable SHOAL_APPS): must be a table"),
        ('"hush"', "apps (environment variable SHOAL_APPS): must be one or more tables"),
        ("[]", "apps (environment variable SHOAL_APPS): must have at least one application"),
    ],
)
def test_apps_of_the_wrong_shape_are_not_repeated(apps: str, line: str) -> None:
    assert problems(SHOAL_APPS=apps) == [line]


def test_password_of_a_redis_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "shoal.toml"
    path.write_text('redis = "redis://:hush@localhost"\n')
    assert problems(path) == [f"redis (file {path}): must be a list of texts"]


def test_token_that_is_too_short_is_not_repeated_and_the_length_is_said() -> None:
    assert problems(SHOAL_DRAIN_TOKEN="hush") == [
        "drain_token (environment variable SHOAL_DRAIN_TOKEN): must be text of at least 16 characters"
    ]


@pytest.mark.parametrize("token", ["hush, hush, hush, hush", "ein Schlüsselwort"])
def test_token_that_no_header_can_carry_is_not_repeated(token: str) -> None:
    assert problems(SHOAL_DRAIN_TOKEN=token) == [
        "drain_token (environment variable SHOAL_DRAIN_TOKEN): must be of letters, digits and signs of ASCII, without "
        "spaces: it is sent in a header"
    ]


def test_long_value_is_cut() -> None:
    assert len(problems(SHOAL_PORT="9" * 5_000)[0]) < 200


def test_settings_that_do_not_fit_together_are_told() -> None:
    assert problems(SHOAL_HOST="0.0.0.0") == [
        "host = '0.0.0.0' would offer the demo application, whose secret is public, to others: "
        "configure apps, or set insecure_demo (--insecure-demo)"
    ]
