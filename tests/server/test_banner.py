"""What a node prints when it is ready: commands and code that work when they are pasted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.banner import banner
from server.config import Settings


def the_banner(port: int = 6001, **given: Any) -> str:
    return banner(Settings(**given), address="there", port=port, metrics_address="here", shoal="shoal")


def test_the_box_is_one() -> None:
    box = [line for line in the_banner().splitlines() if line.strip()[:1] in {"┌", "│", "└"}]
    assert len({len(line) for line in box}) == 1


@pytest.mark.parametrize(
    ("given", "port", "shown"),
    [
        ({}, 6001, "shoal tail my-channel\n"),
        ({}, 7000, "shoal tail my-channel --url http://127.0.0.1:7000\n"),
        ({"host": "0.0.0.0", "insecure_demo": True}, 7000, "shoal tail my-channel --url http://127.0.0.1:7000\n"),
        ({"host": "::1"}, 6001, "shoal tail my-channel --url http://[::1]:6001\n"),
        ({"host": "::1"}, 6001, 'wsHost: "[::1]"'),
        ({"host": "192.0.2.1", "insecure_demo": True}, 6001, 'wsHost: "192.0.2.1", wsPort: 6001'),
    ],
)
def test_the_demo_says_how_to_connect(given: dict[str, Any], port: int, shown: str) -> None:
    assert shown in the_banner(port, **given)


def test_who_listens_on_a_socket_file_is_given_no_address() -> None:
    text = the_banner(0, unix_socket=Path("/run/s.sock"))
    assert text.startswith("Shoal is ready on there")
    assert "app-secret" in text
    assert "127.0.0.1" not in text
