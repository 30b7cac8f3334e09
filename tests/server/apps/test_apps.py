"""Applications and their registry."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from server.apps import DEMO_APP, App, Apps, check_unique


def an_app(id: str = "1", key: str = "k", **more: object) -> App:  # noqa: A002 - the field's name
    return App.model_validate({"id": id, "key": key, "secret": "s", **more})


def test_secret_is_there_for_hmac_but_in_no_text() -> None:
    app = App(id="1", key="k", secret=SecretStr("hüsh"))
    assert app.secret_bytes == "hüsh".encode()
    assert "hüsh" not in f"{app!r} {app} {app.model_dump()} {app.model_dump_json()}"


def test_second_secret_is_accepted_beside_the_first_and_is_in_no_text_either() -> None:
    app = an_app(second_secret="hüsh")
    assert an_app().secrets == (b"s",)
    assert app.secrets == (b"s", "hüsh".encode())
    assert "hüsh" not in f"{app!r} {app} {app.model_dump()} {app.model_dump_json()}"


def test_two_apps_with_the_same_settings_are_equal_whether_their_secret_was_used_or_not() -> None:
    used, unused = an_app(), an_app()
    assert used.secret_bytes == b"s"
    assert used == unused


@pytest.mark.parametrize("field", ["id", "key"])
@pytest.mark.parametrize("value", ["", "a b", "a/b", "ä", "a\n", "a?", 1])
def test_id_and_key_are_fit_for_a_path(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        App.model_validate({"id": "1", "key": "k", "secret": "s", field: value})


def test_empty_secret_is_refused() -> None:
    with pytest.raises(ValidationError):
        App(id="1", key="k", secret=SecretStr(""))


def test_unknown_setting_is_refused_without_repeating_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        an_app(secrt="hush")
    assert "hush" not in str(caught.value)


def test_app_does_not_change() -> None:
    with pytest.raises(ValidationError):
        setattr(an_app(), "enabled", False)  # noqa: B010 - mypy would refuse the assignment


def test_limits_are_those_of_pusher_by_default() -> None:
    app = an_app()
    assert (app.max_event_bytes, app.max_event_channels, app.max_batch_events) == (10_240, 100, 10)
    assert (app.max_channel_name_length, app.max_event_name_length, app.max_user_id_length) == (164, 200, 128)
    assert (app.max_presence_members, app.max_presence_member_bytes, app.max_watchlist) == (100, 1_024, 100)
    assert (app.max_client_events_per_second, app.cache_ttl) == (10, 1_800.0)


def test_app_without_origins_lets_every_page_in() -> None:
    assert an_app().allows_origin("https://anything.test")


def test_app_with_origins_lets_only_those_pages_in() -> None:
    app = an_app(allowed_origins=["https://*.example.com", "http://localhost:*"])
    assert app.allows_origin("https://www.example.com")
    assert app.allows_origin("http://localhost:5173")
    assert not app.allows_origin("https://evil.test")
    assert not app.allows_origin("")


def test_client_that_is_no_browser_names_no_origin_and_gets_in() -> None:
    assert an_app(allowed_origins=["https://example.com"]).allows_origin(None)


def test_apps_are_found_by_id_and_by_key() -> None:
    one, two = an_app("1", "a"), an_app("2", "b")
    apps = Apps([one, two])
    assert (apps.by_id("1"), apps.by_key("b")) == (one, two)
    assert (apps.by_id("a"), apps.by_key("1")) == (None, None)
    assert list(apps) == [one, two]
    assert len(apps) == 2


def test_replaced_apps_are_gone() -> None:
    apps = Apps([an_app("1", "a")])
    apps.replace([an_app("2", "b")])
    assert (apps.by_id("1"), apps.by_key("a")) == (None, None)
    assert [app.id for app in apps] == ["2"]


@pytest.mark.parametrize(("what", "second"), [("id '1'", an_app("1", "b")), ("key 'a'", an_app("2", "a"))])
def test_same_id_or_key_twice_is_refused_and_changes_nothing(what: str, second: App) -> None:
    apps = Apps([an_app("9", "z")])
    with pytest.raises(ValueError, match=f"2 applications have the {what}"):
        apps.replace([an_app("1", "a"), second])
    assert [app.id for app in apps] == ["9"]


def test_unique_apps_pass() -> None:
    check_unique([DEMO_APP, an_app()])
