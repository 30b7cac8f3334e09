"""Settings: their defaults, their bounds, and what must fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from server.apps import DEMO_APP
from server.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

AN_APP = {"id": "1", "key": "k", "secret": "hush"}


def settings(**fields: object) -> Settings:
    return Settings.model_validate(fields)


def test_nothing_needs_to_be_set() -> None:
    default = settings()
    assert (default.host, default.port, default.metrics_port) == ("127.0.0.1", 6001, 9601)


def test_every_setting_is_described() -> None:
    assert [key for key, field in Settings.model_fields.items() if not field.description] == []


def test_every_default_is_one_of_the_allowed_values() -> None:
    assert Settings.model_validate(settings().model_dump(exclude={"apps"})) == settings()


def test_node_without_apps_serves_the_demo() -> None:
    assert settings().apps == (DEMO_APP,)
    assert settings().demo


def test_node_with_apps_does_not_serve_the_demo() -> None:
    configured = settings(apps=[AN_APP])
    assert [app.id for app in configured.apps] == ["1"]
    assert not configured.demo


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_demo_is_for_this_machine(host: str) -> None:
    assert settings(host=host).demo


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"])
def test_demo_is_not_offered_to_others(host: str) -> None:
    with pytest.raises(ValidationError, match="--insecure-demo"):
        settings(host=host)


@pytest.mark.parametrize("more", [{"insecure_demo": True}, {"apps": [AN_APP]}, {"unix_socket": "/run/shoal.sock"}])
def test_public_address_is_fine_where_nothing_is_given_away(more: dict[str, object]) -> None:
    assert settings(host="0.0.0.0", **more).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", -1),
        ("port", 65_536),
        ("port", True),
        ("host", ""),
        ("trusted_hops", 17),
        ("activity_timeout", 0),
        ("activity_timeout", "nan"),
        ("drain_max", "inf"),
        ("settle", -0.1),
        ("max_connections", 1.5),
        ("max_header_bytes", 1_000),
        ("log_level", "loud"),
        ("log_format", ""),
        ("apps", []),
        ("hots", "127.0.0.1"),
    ],
)
def test_value_out_of_bounds_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**{key: value})
    assert [error["loc"][0] for error in caught.value.errors()] == [key]


def test_levels_may_be_upper_case() -> None:
    assert settings(log_level="DEBUG").log_level == "debug"


def test_tls_needs_both_files(tmp_path: Path) -> None:
    file = tmp_path / "tls.pem"
    file.touch()
    assert settings(tls_certificate=file, tls_key=file).tls_key == file
    with pytest.raises(ValidationError, match="tls_certificate is set but tls_key is not"):
        settings(tls_certificate=file)
    with pytest.raises(ValidationError, match="tls_key is set but tls_certificate is not"):
        settings(tls_key=file)


def test_tls_file_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="can't be read: No such file"):
        settings(tls_certificate=tmp_path / "none.pem", tls_key=tmp_path / "none.pem")
    with pytest.raises(ValidationError, match="can't be read: Is a directory"):
        settings(tls_certificate=tmp_path, tls_key=tmp_path)


def test_two_listeners_can_not_share_a_port() -> None:
    with pytest.raises(ValidationError, match="both 7000"):
        settings(port=7000, metrics_port=7000)


@pytest.mark.parametrize(
    "more", [{"port": 0, "metrics_port": 0}, {"metrics_host": "127.0.0.2"}, {"unix_socket": "/run/shoal.sock"}]
)
def test_two_listeners_may_have_the_same_port_where_they_do_not_meet(more: dict[str, object]) -> None:
    assert settings(**{"port": 7000, "metrics_port": 7000, **more})


def test_an_event_fits_into_a_request() -> None:
    large = {**AN_APP, "max_event_bytes": 2048}
    with pytest.raises(
        ValidationError, match=r"apps\[1\]\.max_event_bytes = 2048 doesn't fit into max_body_bytes = 2048"
    ):
        settings(apps=[{**AN_APP, "id": "2", "key": "other", "max_event_bytes": 2047}, large], max_body_bytes=2048)


def test_apps_have_ids_of_their_own() -> None:
    with pytest.raises(ValidationError, match="2 applications have the id '1'"):
        settings(apps=[AN_APP, {**AN_APP, "key": "other"}])


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"app_store": "sqlite:///x", "apps": [AN_APP]}, "apps and app_store are both set"),
        ({"app_store": "redis"}, "needs redis"),
        ({"app_store": "mongodb://h"}, "must be config, redis, or a URL"),
        ({"app_store": "postgresql://"}, "must be config, redis, or a URL"),
        ({"app_store": "sqlite:///x", "app_store_timeout": 6}, "above half of request_timeout"),
        ({"app_store": "sqlite:///x", "app_store_table": "apps; DROP"}, "app_store_table"),
    ],
)
def test_store_of_applications_must_fit_the_rest(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        settings(**fields)


def test_store_of_applications_gives_nothing_away_on_a_public_address() -> None:
    assert not settings(host="0.0.0.0", app_store="mysql://u:hush@h/d").demo


def test_shared_redis_keeps_applications_under_the_clusters_prefix() -> None:
    options = settings(app_store="redis", redis=["redis://a", "redis://b"], redis_prefix="live").store_options
    assert options is not None
    assert (options.url, options.prefix) == ("redis://a", "live")
    assert settings().store_options is None


def test_a_queue_of_webhooks_has_room_beside_what_is_under_way() -> None:
    assert settings(webhook_endpoint_queue=201).webhook_endpoint_queue == 201
    with pytest.raises(ValidationError, match=r"webhook_endpoint_queue = 200 has no room .* = 200\)"):
        settings(webhook_endpoint_queue=200)


def test_a_limit_of_one_connection_is_not_above_that_of_the_node() -> None:
    with pytest.raises(ValidationError, match="none may be above the next"):
        settings(slow_consumer_bytes=2_000_000, slow_consumer_max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("times", "needed"),
    [
        ({}, 78),
        ({"settle": 5, "drain_max": 40.5}, 63.5),
        ({"flush_timeout": 60}, 133),
        ({"sign_off_timeout": 6}, 79),
        ({"abort_timeout": 6}, 79),
        ({"close_timeout": 1, "abort_timeout": 1, "flush_timeout": 1}, 78),
    ],
)
def test_grace_has_room_for_all_that_leaving_takes(times: dict[str, float], needed: float) -> None:
    assert settings(grace=needed, **times).grace == needed
    with pytest.raises(ValidationError, match=f"is shorter than settle [+] drain_max [+] .* = {needed:g}: raise it"):
        settings(grace=needed - 0.1, **times)


def test_a_client_is_not_cut_off_before_its_time_to_answer_is_over() -> None:
    with pytest.raises(ValidationError, match="close_timeout = 6 is above abort_timeout = 5"):
        settings(close_timeout=6)


def test_secrets_are_in_no_text() -> None:
    text = repr(settings(apps=[AN_APP], redis=["redis://:hush@localhost"]))
    assert "hush" not in text
    assert "hush" not in repr(settings(app_store="mysql://u:hush@h/d"))
