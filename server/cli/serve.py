"""``shoal serve``: run a node until it is told to leave."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from server.cli.failures import configuration_errors_reported
from server.cli.options import ConfigFile
from server.config import Settings, load_settings
from server.logs import configure_logging

Run: TypeAlias = Callable[..., int]
"""``run(settings, reload=...)`` serves until it is done, and returns the exit status."""

_INT, _FLOAT = "<int>", "<float>"


def _option(help: str, *names: str, **more: Any) -> Any:  # noqa: A002 - as typer calls it
    """Return an option whose text is judged, as that of a file or the environment, by the settings alone."""
    return typer.Option(*names, help=help, show_default=False, **more)


def serve(
    ctx: typer.Context,
    config: ConfigFile = None,
    host: Annotated[str | None, _option("Address to listen on. [127.0.0.1]")] = None,
    port: Annotated[
        str | None, _option("For clients and the HTTP API; 0 for any free one. [6001]", metavar=_INT)
    ] = None,
    unix_socket: Annotated[Path | None, _option("Socket file to listen on instead.")] = None,
    metrics_host: Annotated[str | None, _option("Address for metrics and health. [that of --host]")] = None,
    metrics_port: Annotated[
        str | None, _option("For metrics and health; 0 for any free one. [9601]", metavar=_INT)
    ] = None,
    tls_certificate: Annotated[Path | None, _option("PEM file of the certificate and its chain.")] = None,
    tls_key: Annotated[Path | None, _option("PEM file of its key.")] = None,
    trusted_hops: Annotated[str | None, _option("Proxies whose X-Forwarded-For is believed. [0]", metavar=_INT)] = None,
    redis: Annotated[
        list[str] | None, _option("URL of the Redis that nodes share; may be repeated.", metavar="URL")
    ] = None,
    insecure_demo: Annotated[
        bool | None, _option("Let others reach the demo application, whose secret is public.", "--insecure-demo")
    ] = None,
    max_connections: Annotated[str | None, _option("Connections of this node. [18000]", metavar=_INT)] = None,
    settle: Annotated[
        str | None, _option("Seconds between unready and closing connections. [0]", metavar=_FLOAT)
    ] = None,
    drain_rate: Annotated[
        str | None, _option("Connections closed a second when leaving. [200]", metavar=_FLOAT)
    ] = None,
    drain_max: Annotated[str | None, _option("Seconds for closing them all. [60]", metavar=_FLOAT)] = None,
    log_level: Annotated[str | None, _option("debug, info, warning or error. [info]")] = None,
    log_format: Annotated[str | None, _option("auto, json or human. [auto]")] = None,
) -> None:
    """Run a node.

    SIGTERM makes it leave, one client after the other; SIGHUP makes it read its applications again.
    """
    # Every parameter but the file is the flag of the setting of the same name.
    flags = {name: value for name, value in ctx.params.items() if name != "config" and value not in (None, [], ())}
    load: Callable[[], Settings] = partial(load_settings, config=config, flags=flags, environ=os.environ)
    with configuration_errors_reported():
        settings = load()
    configure_logging(settings.log_level, settings.log_format)
    run: Run = ctx.obj or _node()
    raise typer.Exit(run(settings, reload=load))


def _node() -> Run:
    """Import the node only here, since the other commands don't need it and start faster without."""
    # Until the node takes them itself. Process 1 of a container would never hear of a signal that it doesn't handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from server.app import run

    return run
