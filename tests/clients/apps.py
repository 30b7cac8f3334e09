"""The applications that a node serves in these tests, by the name the tests call them."""

from __future__ import annotations

from typing import Any


def _app(number: int, **settings: Any) -> dict[str, Any]:
    # PyPI's pusher takes only digits for an id, as Pusher's own are.
    return {"id": str(number), "key": f"key-{number}", "secret": f"secret-{number}", **settings}


APPS: dict[str, dict[str, Any]] = {
    "main": _app(1001, client_events=True, subscription_count=True, watchlists=True),
    # Everything that Pusher has switched off until a customer asks for it.
    "plain": _app(1002),
    "disabled": _app(1003, enabled=False),
    "full": _app(1004, max_connections=0),
    "tls": _app(1005, tls_only=True),
    "authorized": _app(1006, authorization_timeout=2.0),
    "narrow": _app(1007, max_presence_members=2, max_subscriptions=3),
    # One for each library that uses up all it has.
    "slow": _app(1008, max_backend_events_per_second=1, max_reads_per_second=1),
    "slow for Python": _app(1009, max_backend_events_per_second=1, max_reads_per_second=1),
}

SETTINGS = {"SHOAL_OFFLINE_DELAY": "0.1"}
"""A user is offline soon after leaving, so that no test has to wait for it."""

IMPATIENT = {"SHOAL_ACTIVITY_TIMEOUT": "1", "SHOAL_PONG_TIMEOUT": "10"}
"""Clients must say something each second, or answer when they are asked to; and are asked again once they have."""
