"""``shoal drain``: have a running node let go of its clients and stay, for work on its machine."""

import json
import os
import time
from typing import Annotated

import typer

from server.cli.asking import ask_node
from server.cli.failures import configuration_errors_reported, fail
from server.cli.options import ConfigFile, MetricsUrl
from server.cli.target import metrics_url
from server.config import Settings, load_settings

LOOK = 1.0
"""Seconds between two looks at how it stands."""
EMPTY = {"draining", "flushing", "stopped"}
"""States in which a node without clients gets no new ones."""


def drain(
    url: MetricsUrl = None,
    token: Annotated[
        str | None, typer.Option(help="Its drain_token. Better in the configuration: others see it here.")
    ] = None,
    within: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds that there are, as before a spot instance is taken away.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return only when it has no clients any more.")] = False,
    config: ConfigFile = None,
) -> None:
    """Drain a node without ending it.

    It is no longer ready, closes its clients at its pace, and waits for SIGTERM: there is no way back to being ready.
    Prints how it stands; calling it again only prints that.
    """
    with configuration_errors_reported():
        settings = load_settings(config=config, flags={}, environ=os.environ)
        where = metrics_url(settings, url)
    token = token or configured_token(settings)
    answer = _ask(where, token, within)
    typer.echo(answer)
    while wait and not _is_empty(answer):
        time.sleep(LOOK)
        answer = _ask(where, token, None)
        typer.echo(answer)


def _is_empty(answer: str) -> bool:
    said = json.loads(answer)
    return said["state"] in EMPTY and said["connections"] == 0


def configured_token(settings: Settings) -> str:
    """Return the token that lets an operator do more than look."""
    if settings.drain_token is None:
        fail("no drain_token: set SHOAL_DRAIN_TOKEN, here as for the node, or give --token")
    return settings.drain_token.get_secret_value()


def _ask(url: str, token: str, within: float | None) -> str:
    query = {} if within is None else {"within": f"{within:g}"}
    return ask_node("POST", url, "/drain", query=query, headers={"Authorization": f"Bearer {token}"})
