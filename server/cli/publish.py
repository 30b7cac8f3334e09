"""``shoal publish``: send one event through the HTTP API, signed as back ends sign."""

import hashlib
import json
import os
import time
from typing import Annotated
from urllib.parse import urlencode

import typer

from server.cli.asking import ask
from server.cli.failures import configuration_errors_reported
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
    url = signed_url(target, f"/apps/{target.app_id}/events", body, timestamp=int(time.time()))
    typer.echo(ask("POST", url, body=body, headers={"Content-Type": "application/json"}))


def encode_event(channel: str, event: str, data: str, socket_id: str | None) -> bytes:
    """Return the body of a publish."""
    fields = {"name": event, "channels": [channel], "data": data}
    return json.dumps(fields if socket_id is None else fields | {"socket_id": socket_id}).encode()


def signed_url(target: Target, path: str, body: bytes, *, timestamp: int) -> str:
    """Return where to post a body so as to prove knowledge of the secret; good for ten minutes around `timestamp`."""
    # In alphabetical order, as they are signed.
    params = {
        "auth_key": target.key,
        "auth_timestamp": str(timestamp),
        "auth_version": "1.0",
        "body_md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }
    text = f"POST\n{path}\n" + "&".join(f"{name}={value}" for name, value in params.items())
    params["auth_signature"] = sign(target.secret, text)
    return f"{target.http_url}{path}?{urlencode(params)}"
