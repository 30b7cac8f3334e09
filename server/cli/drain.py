"""``shoal drain``: have a running node let go of its clients and stay, for work on its machine."""

import os
import time
from typing import Annotated

import httpx
import typer

from server.cli.failures import configuration_errors_reported, fail
from server.cli.options import ConfigFile, MetricsUrl
from server.cli.target import metrics_url
from server.config import Settings, load_settings

LOOK = 1.0
"""Seconds between two looks at how it stands."""


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
    token = token or configured_token(settings)
    url = url or metrics_url(settings)
    answer = _ask(url, token, within)
    typer.echo(answer.text)
    while wait and answer.json() != answer.json() | {"state": "draining", "connections": 0}:
        time.sleep(LOOK)
        answer = _ask(url, token, None)
        typer.echo(answer.text)


def configured_token(settings: Settings) -> str:
    """Return the token that lets an operator do more than look."""
    if settings.drain_token is None:
        fail("no drain_token: set SHOAL_DRAIN_TOKEN, here as for the node, or give --token")
    return settings.drain_token.get_secret_value()


def _ask(url: str, token: str, within: float | None) -> httpx.Response:
    query = {} if within is None else {"within": f"{within:g}"}
    try:
        response = httpx.post(f"{url}/drain", params=query, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        fail(f"can't reach {url}: {exc}")
    if not response.is_success:
        fail(f"refused with {response.status_code}: {response.text.strip()}")
    return response
