"""A back end that signs its requests as client libraries do, with code of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from server.apps import App

NOW = 1_353_088_179
"""The time in these tests; the reference vectors were made at it."""


def sign(secret: str, method: str, path: str, parameters: Mapping[str, str]) -> str:
    """Return the signature of a request whose parameters are in lower case."""
    signed = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return hmac.new(secret.encode(), f"{method}\n{path}\n{signed}".encode(), hashlib.sha256).hexdigest()


def signed_query(app: App, method: str, path: str, parameters: Mapping[str, str], body: bytes = b"") -> str:
    """Return the whole query of a signed request, escaped; `path` is not."""
    unsigned = {"auth_key": app.key, "auth_timestamp": str(NOW), "auth_version": "1.0", **parameters}
    if body:
        unsigned["body_md5"] = hashlib.md5(body).hexdigest()
    signature = sign(app.secret.get_secret_value(), method, path, unsigned)
    return "&".join(f"{name}={quote(value)}" for name, value in {**unsigned, "auth_signature": signature}.items())


@dataclass
class BackEnd:
    """Talks to an API as one application. A path that doesn't begin at ``/apps`` or ``/users`` is below its own."""

    client: httpx.AsyncClient
    app: App

    async def post(
        self,
        path: str,
        body: Any,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a signed request, a body that isn't bytes as its JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.request("POST", path, parameters or {}, raw, headers or {})

    async def get(self, path: str, **parameters: str) -> httpx.Response:
        return await self.request("GET", path, parameters, b"", {})

    async def request(
        self, method: str, path: str, parameters: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        full = path if path.startswith(("/apps/", "/users/")) else f"/apps/{self.app.id}{path}"
        query = signed_query(self.app, method, full, parameters, body)
        return await self.client.request(method, f"{quote(full)}?{query}", content=body, headers=dict(headers))
