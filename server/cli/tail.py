"""``shoal tail``: subscribe to channels, and print what happens there until interrupted."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from server import __version__
from server.cli.failures import configuration_errors_reported, fail
from server.cli.options import AppId, ConfigFile, Key, Secret, Url
from server.cli.subscriber import Note, Send, Show, Subscriber, reconnect_delay
from server.cli.target import Choice, Target, find_target
from server.logs import escape_control

# What the protocol means by a connection that ended without a close frame, or never began.
_ABNORMAL = 1006

# What we make of a connection on which no channel was granted: like one that isn't authorized at all.
_REFUSED = 4009


def tail(
    channels: Annotated[list[str], typer.Argument(metavar="CHANNEL", help="Private and presence ones as well.")],
    url: Url = None,
    app_id: AppId = None,
    key: Key = None,
    secret: Secret = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    config: ConfigFile = None,
) -> None:
    """Print what happens on channels.

    Each event is a line: time, channel, event, data. In presence channels the member shoal-tail appears.
    Comes back when the connection ends, until interrupted; exits with 1 if the server refuses for good.
    """
    with configuration_errors_reported():
        target = find_target(Choice(url, app_id, key, secret), config=config, environ=os.environ)
    line = json_line if as_json else human_line
    try:
        asyncio.run(follow(target, channels, show=lambda event: typer.echo(line(event, datetime.now(UTC)))))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    fail("the server refused for good")


async def follow(
    target: Target,
    channels: list[str],
    *,
    show: Callable[[Show], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Show the channels' events, over as many connections as it takes; return when the server refuses for good."""
    delay: float | None = 0.0
    while delay is not None:
        await sleep(delay)
        subscriber = Subscriber(channels, key=target.key, secret=target.secret)
        code = await _follow_once(target, subscriber, show)
        delay = reconnect_delay(code, was_established=subscriber.is_established)


async def _follow_once(target: Target, subscriber: Subscriber, show: Callable[[Show], None]) -> int:
    """Return the code with which the connection ended."""
    address = f"{target.websocket_url}/app/{quote(target.key)}?protocol=7&client=shoal-tail&version={__version__}"
    try:
        socket = await connect(address, compression=None)
    except InvalidStatus as exc:
        # No Shoal refuses a handshake like that: it is a proxy, or what a proxy made of the handshake.
        answer = (exc.response.body or b"").decode("utf-8", "replace").strip()
        _note(f"{target.websocket_url} answers {exc.response.status_code}: {answer}; trying again")
        return _ABNORMAL
    except (OSError, WebSocketException) as exc:
        _note(f"can't connect to {target.websocket_url}: {exc}; trying again")
        return _ABNORMAL
    async with socket:
        with suppress(ConnectionClosed):
            async for text in socket:
                for effect in subscriber.received(str(text)):
                    await _carry_out(effect, socket.send, show)
                if subscriber.is_refused:
                    return _REFUSED
    _note(f"closed: {socket.close_code} {socket.close_reason}".rstrip())
    return socket.close_code or _ABNORMAL


async def _carry_out(
    effect: Send | Show | Note, send: Callable[[str], Awaitable[None]], show: Callable[[Show], None]
) -> None:
    match effect:
        case Send(text):
            # The server may be closing already; what it sent before is still to be read.
            with suppress(ConnectionClosed):
                await send(text)
        case Show():
            show(effect)
        case Note(text):
            _note(text)


def _note(text: str) -> None:
    typer.echo(f"shoal: {escape_control(text)}", err=True)


def human_line(event: Show, moment: datetime) -> str:
    """Return the event for people; nothing in it can harm a terminal."""
    time = moment.strftime("%H:%M:%S.%f")[:-3]
    return escape_control(f"{time} {event.channel} {event.event} {event.data}")


def json_line(event: Show, moment: datetime) -> str:
    """Return the event for programs."""
    fields = {"time": moment.isoformat(), "channel": event.channel, "event": event.event, "data": event.data}
    return json.dumps(fields if event.user_id is None else fields | {"user_id": event.user_id})
