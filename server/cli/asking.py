"""What commands ask a server: a request each, by the standard library."""

from __future__ import annotations

import ssl
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from server.cli.failures import fail

if TYPE_CHECKING:
    from collections.abc import Mapping


def ask(
    method: str,
    url: str,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 10.0,
    hint: str = "",
) -> str:
    """Return what a server answers; exits with 1 and its words unless that is a 2xx.

    :param hint: said too where nobody knows the path.
    """
    if query:
        url = f"{url}?{urlencode(query)}"
    try:
        # Headers as UTF-8: a token that can't be right is for the node to refuse, not for the library.
        encoded = {name: value.encode().decode("latin-1") for name, value in (headers or {}).items()}
        with _opener().open(Request(url, body, encoded, method=method), timeout=timeout) as response:
            status, text = response.status, response.read().decode("utf-8", "replace")
    except URLError as exc:
        fail(f"can't reach {_place(url)}: {exc.reason}")
    except (OSError, HTTPException, ValueError) as exc:
        # ValueError: what is no address.
        fail(f"can't reach {_place(url)}: {exc or type(exc).__name__}")
    if not 200 <= status < 300:
        fail(f"refused with {status}: {text.strip()}" + (f" ({hint})" if hint and status == 404 else ""))
    return str(text)


def ask_node(method: str, url: str, path: str, **more: Any) -> str:
    """Ask a node on its metrics port, as :func:`ask` does."""
    return ask(method, url + path, hint="is that a node's metrics port?", **more)


def _opener() -> OpenerDirector:
    # Not `urlopen`: no redirects, no files, and an answer is an answer whatever its status.
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _place(url: str) -> str:
    """Return where it was to go, without the rest, which may be signed."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url
