"""``shoal publish``: send one event through the HTTP API, signed as back ends sign."""

import hashlib
import json
import os
import time
from typing import Annotated

import httpx
import typer

from server.cli.failures import configuration_errors_reported, fail
from server.cli.options import AppId, ConfigFile, Key, Secret, Url
from server.cli.target import Choice, Target, find_target
from server.protocol.auth import sign


def publish(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="For example my-channel.")],
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's name.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Delivered as it is; clients expect JSON.")],
    url: Url = None,
    app_id: AppId = None,
    key: Key = None,
    secret: Secret = None,
    socket_id: Annotated[str | None, typer.Option(help="The connection that is left out.")] = None,
    config: ConfigFile = None,
) -> None:
    """Publish an event.

    Prints the server's answer; exits with 1 if it refuses.
    """
    with configuration_errors_reported():
        target = find_target(Choice(url, app_id, key, secret), config=config, environ=os.environ)
    body = encode_event(channel, event, data, socket_id)
    request = signed_post(target, f"/apps/{target.app_id}/events", body, timestamp=int(time.time()))
    typer.echo(_answer(request))


def encode_event(channel: str, event: str, data: str, socket_id: str | None) -> bytes:
    """Return the body of a publish."""
    fields = {"name": event, "channels": [channel], "data": data}
    return json.dumps(fields if socket_id is None else fields | {"socket_id": socket_id}).encode()


def signed_post(target: Target, path: str, body: bytes, *, timestamp: int) -> httpx.Request:
    """Return a request that proves to know the application's secret; good for ten minutes around `timestamp`."""
    # In alphabetical order, as they are signed.
    params = {
        "auth_key": target.key,
        "auth_timestamp": str(timestamp),
        "auth_version": "1.0",
        "body_md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }
    text = f"POST\n{path}\n" + "&".join(f"{name}={value}" for name, value in params.items())
    params["auth_signature"] = sign(target.secret, text)
    headers = {"Content-Type": "application/json"}
    return httpx.Request("POST", target.http_url + path, params=params, content=body, headers=headers)


def _answer(request: httpx.Request) -> str:
    try:
        with httpx.Client(timeout=10) as client:
            response = client.send(request)
    except httpx.HTTPError as exc:
        fail(f"can't reach {request.url.host}:{request.url.port}: {exc}")
    if not response.is_success:
        fail(f"refused with {response.status_code}: {response.text.strip()}")
    return response.text
