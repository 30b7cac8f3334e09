"""``shoal drain``: have a running node let go of its clients and stay, for work on its machine."""

import os
from typing import Annotated

import httpx
import typer

from server.cli.failures import configuration_errors_reported, fail
from server.cli.options import ConfigFile, MetricsUrl
from server.cli.target import metrics_url
from server.config import Settings, load_settings


def drain(
    url: MetricsUrl = None,
    token: Annotated[
        str | None, typer.Option(help="Its drain_token. Better in the configuration: others see it here.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Drain a node without ending it.

    It is no longer ready, closes its clients at its pace, and waits for SIGTERM. Prints how it stands; calling it
    again only prints that.
    """
    with configuration_errors_reported():
        settings = load_settings(config=config, flags={}, environ=os.environ)
    token = token or _configured_token(settings)
    typer.echo(_ask(url or metrics_url(settings), token))


def _configured_token(settings: Settings) -> str:
    if settings.drain_token is None:
        fail("no drain_token: set SHOAL_DRAIN_TOKEN, here as for the node, or give --token")
    return settings.drain_token.get_secret_value()


def _ask(url: str, token: str) -> str:
    try:
        response = httpx.post(f"{url}/drain", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        fail(f"can't reach {url}: {exc}")
    if not response.is_success:
        fail(f"refused with {response.status_code}: {response.text.strip()}")
    return response.text
