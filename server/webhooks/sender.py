"""One attempt at one request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from server import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_READ = 65_536
"""Bytes of an answer that are read, so that its connection can be used again; nobody looks at them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    result: str
    """``delivered``, ``refused``, ``timeout`` or ``unreachable``."""
    why: str = ""
    """In words, if it wasn't delivered."""


class Sender:
    """Posts requests; its connections are kept alive.

    :param timeout: seconds for all of a request.
    """

    def __init__(self, *, timeout: float, most_connections: int) -> None:
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            # The deadline below is for the whole of it.
            timeout=None,
            limits=httpx.Limits(max_connections=most_connections, max_keepalive_connections=most_connections),
            # Where requests go is said by the application and by nothing else: no redirects, no proxies, no .netrc.
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": f"Shoal/{__version__}"},
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a request; anything but a 2xx in time is a failure."""
        try:
            async with asyncio.timeout(self._timeout):
                status = await self._status(url, body, headers)
        except TimeoutError:
            return Outcome("timeout", f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            # ValueError: a host name that can't be one, which nobody has noticed up to the look-up.
            return Outcome("unreachable", f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__)
        return Outcome("delivered") if 200 <= status < 300 else Outcome("refused", f"answered {status}")

    async def _status(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        async with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > MOST_READ:
                    break
            return response.status_code

    async def close(self) -> None:
        await self._client.aclose()
