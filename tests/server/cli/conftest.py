"""Commands read the environment, so tests of commands begin with one that has nothing to say."""

from __future__ import annotations

import os

import pytest

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy")


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SHOAL_") or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
