"""One attempt at one request.

Loading the HTTP client takes a fifth of a second and some MiB: see :meth:`server.webhooks.deliverer.Deliverer.run`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
from yarl import URL

from server import __version__
from server.webhooks.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_READ = 65_536
"""Bytes of an answer that are read, so that its connection can be used again; nobody looks at them."""
KEEP_ALIVE = 4.0
"""Seconds for which an idle connection is kept. Node and Apache close theirs after 5, and a request that meets that end
has to be sent again."""
_LEGAL = "%/:?#[]@!$&'()*+,;=~"
"""What an address may have in it, beside letters, digits, ``-``, ``.`` and ``_``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    result: str
    """``delivered``, ``refused``, ``timeout`` or ``unreachable``."""
    why: str = ""
    """In words, if it wasn't delivered."""


class Sender:
    """Posts requests; its connections are kept alive, those to some hosts at least.

    :param timeout: seconds for all of a request.
    :param most_connections: connections in use; idle ones are kept to half as many hosts, since each is an open file.
    :param resolver: looks up host names.
    """

    def __init__(self, *, timeout: float, most_connections: int, resolver: Resolver | None = None) -> None:
        self._timeout = timeout
        self._most_kept = most_connections // 2
        # Hosts to which idle connections are kept, the longest idle first, and until when: the library has no bound.
        self._kept: OrderedDict[str, float] = OrderedDict()
        # Where requests go is said by the application and by nothing else: neither redirects (below), nor the
        # environment's proxies, nor a .netrc.
        self._session = aiohttp.ClientSession(
            trust_env=False,
            connector=aiohttp.TCPConnector(
                limit=most_connections, keepalive_timeout=KEEP_ALIVE, resolver=resolver or Resolver()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The deadline below is for the whole of it.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            headers={"User-Agent": f"Shoal/{__version__}"},
            skip_auto_headers=["Accept-Encoding"],
            auto_decompress=False,
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a request; anything but a 2xx in time is a failure."""
        status = 0
        try:
            address = _written(url)
            if not self._is_kept(address.authority, time.monotonic()):
                headers = {**headers, "Connection": "close"}
            async with asyncio.timeout(self._timeout):
                request = self._session.post(address, data=body, headers=headers, allow_redirects=False)
                async with request as response:
                    status = response.status
                    await _read_out(response)
        except TimeoutError:
            problem = Outcome("timeout", f"no answer within {self._timeout:g} s")
        # Whatever is thrown: no back end, and no mistake of the library, may end a node.
        except Exception as exc:
            problem = Outcome("unreachable", _in_words(exc))
        # What follows a status, or doesn't, changes nothing about it.
        if not status:
            return problem
        return Outcome("delivered") if 200 <= status < 300 else Outcome("refused", f"answered {status}")

    def _is_kept(self, host: str, now: float) -> bool:
        """Tell whether the connection to a host is to be kept for its next request."""
        while self._kept and next(iter(self._kept.values())) <= now:
            self._kept.popitem(last=False)
        if host not in self._kept and len(self._kept) >= self._most_kept:
            return False
        self._kept[host] = now + KEEP_ALIVE
        self._kept.move_to_end(host)
        return True

    async def close(self) -> None:
        await self._session.close()


def _written(url: str) -> URL:
    """Return an address to be sent as it is written: there may be a signature in it."""
    return URL(quote(url, safe=_LEGAL), encoded=True)


async def _read_out(response: aiohttp.ClientResponse) -> None:
    read = 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if read > MOST_READ:
            response.close()
            return


def _in_words(exc: Exception) -> str:
    """Say what went wrong, without the address: there may be a token in it."""
    match exc:
        case aiohttp.InvalidURL():
            return "the address can't be used"
        case aiohttp.ClientResponseError():
            return f"answered what is no HTTP: {' '.join(exc.message.split())}"
        case aiohttp.ClientConnectorError():
            return f"can't connect to {exc.host}: {_reason(exc.os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "hung up without an answer"
        case _:
            return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def _reason(error: OSError) -> str:
    # Of a name, a certificate, or the system's: then what is said instead is only which address.
    if isinstance(error, socket.gaierror | ssl.SSLError) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)
