"""Log lines for machines and for people."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from server.logs import HumanFormatter, JsonFormatter, configure_logging, escape_control
from tests.server.restored_logging import restored_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = "a\nb\r\x1b[2J\x00\x7f\x9b\u2028\u202e\ud800"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with restored_logging():
        yield io.StringIO()


def a_record(message: str = "opened", *args: object, **more: Any) -> logging.LogRecord:
    fields = {
        "name": "server.connection.connection",
        "levelno": logging.INFO,
        "levelname": "INFO",
        "created": 1.25,
        "msecs": 250.0,
    }
    return logging.makeLogRecord({**fields, "msg": message, "args": args, **more})


def failure() -> tuple[type[BaseException], BaseException, None]:
    error = ValueError("first\nsecond \x1b[31m")
    return type(error), error, None


def test_json_record_has_time_level_logger_message_and_extra_fields() -> None:
    line = JsonFormatter().format(a_record("opened %s", "x", socket_id="1.2", count=3))
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.250Z",
        "level": "info",
        "logger": "server.connection.connection",
        "message": "opened x",
        "socket_id": "1.2",
        "count": 3,
    }


def test_json_record_is_one_printable_ascii_line_whatever_it_says() -> None:
    line = JsonFormatter().format(a_record(HOSTILE, reason=HOSTILE, exc_info=failure()))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["message"] == HOSTILE


def test_extra_field_can_not_pass_for_one_of_ours() -> None:
    fields = json.loads(JsonFormatter().format(a_record(time="never", level="fake", logger="fake")))
    assert (fields["time"], fields["level"], fields["logger"]) == (
        "1970-01-01T00:00:01.250Z",
        "info",
        "server.connection.connection",
    )


def test_json_record_shows_what_has_no_json_as_text() -> None:
    assert json.loads(JsonFormatter().format(a_record(value=1j)))["value"] == "1j"


def test_json_record_holds_the_traceback() -> None:
    fields = json.loads(JsonFormatter().format(a_record(exc_info=failure())))
    assert fields["exception"].startswith("ValueError: first\nsecond")


def test_human_record_is_readable() -> None:
    line = HumanFormatter().format(a_record("opened %s", "x", socket_id="1.2"))
    assert line == "1970-01-01 00:00:01.250Z INFO    server.connection.connection: opened x socket_id=1.2"


def test_human_record_is_one_printable_line_whatever_it_says() -> None:
    line = HumanFormatter().format(a_record(HOSTILE, reason=HOSTILE))
    assert line.isprintable()


def test_value_with_a_space_can_not_pass_for_two_fields() -> None:
    line = HumanFormatter().format(a_record(reason="gone socket_id=9.9"))
    assert line.endswith(" reason='gone socket_id=9.9'")


def test_human_traceback_is_indented_so_that_it_can_not_pass_for_a_record() -> None:
    first, *rest = HumanFormatter().format(a_record(exc_info=failure())).split("\n")
    assert first.endswith("opened")
    assert rest == ["    ValueError: first", "    second \\x1b[31m"]


def test_color_that_uvicorn_adds_is_dropped() -> None:
    assert "color_message" not in JsonFormatter().format(a_record(color_message="x"))


def test_escaped_text_keeps_what_is_harmless() -> None:
    assert escape_control("Grüße, \U0001f41f\t\x1b") == "Grüße, \U0001f41f\\t\\x1b"


def test_records_below_the_level_are_dropped(stream: io.StringIO) -> None:
    configure_logging("warning", "json", stream)
    logging.getLogger("server").info("quiet")
    logging.getLogger("server").warning("loud")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["loud"]


@pytest.mark.parametrize(("terminal", "begins"), [(True, "20"), (False, "{")])
def test_auto_is_human_on_a_terminal_and_json_elsewhere(stream: io.StringIO, terminal: bool, begins: str) -> None:
    output = Terminal() if terminal else stream
    configure_logging("info", "auto", output)
    logging.getLogger("server").info("hello")
    assert output.getvalue().startswith(begins)


def test_configuring_again_replaces_the_first(stream: io.StringIO) -> None:
    configure_logging("info", "json", io.StringIO())
    configure_logging("info", "json", stream)
    logging.getLogger("server").info("once")
    assert stream.getvalue().count("once") == 1


def test_uvicorn_logs_through_it_but_not_each_request(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(io.StringIO()))
    logging.getLogger("uvicorn").propagate = False
    configure_logging("info", "json", stream)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").error("GET /")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["started"]
