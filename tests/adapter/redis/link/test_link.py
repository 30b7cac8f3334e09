"""A connection to a Redis that doesn't come about: the words for it."""

from __future__ import annotations

import socket
import ssl

import pytest

from adapter.redis.errors import LinkLost
from adapter.redis.link.link import open_link
from adapter.redis.link.place import Place


@pytest.mark.parametrize(
    ("tls", "reason"),
    [(None, "no answer in time$"), (ssl.create_default_context(), r"no answer in time \(does it expect TLS\?\)$")],
)
async def test_silence_is_said_and_what_it_may_mean(tls: ssl.SSLContext | None, reason: str) -> None:
    # The kernel accepts for a process that never does.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Place(port=silent.getsockname()[1], password="x", tls=tls)
        with pytest.raises(LinkLost, match=reason):
            await open_link(place, connect_timeout=0.1, answer_timeout=2.0)
