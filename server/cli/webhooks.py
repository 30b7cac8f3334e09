"""``shoal webhooks``: what back ends could not be told, and to try that again."""

import json
import os
from typing import Annotated, Any

import typer

from server.cli.asking import ask_node
from server.cli.drain import configured_token
from server.cli.failures import MISCONFIGURED, configuration_errors_reported, fail
from server.cli.options import ConfigFile, MetricsUrl
from server.cli.table import aligned
from server.cli.target import metrics_url
from server.config import load_settings
from server.webhooks.events import TYPES

app = typer.Typer(help="Webhook events that failed for good.", no_args_is_help=True)

Token = Annotated[
    str | None, typer.Option(help="The nodes' drain_token. Better in the configuration: others see it here.")
]

_TIMEOUT = 30.0
_COLUMNS = ("ID", "APP", "EVENT", "CHANNEL", "AGE", "WHY")


@app.command("failed")
def failed(
    url: MetricsUrl = None,
    token: Token = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as the node answers it.")] = False,
    config: ConfigFile = None,
) -> None:
    """List the events that were given up.

    The oldest first, up to a thousand. Asks one running node on its metrics port; each answers for all.
    """
    text = _ask("GET", "failed", {}, url, token, config)
    if as_json:
        typer.echo(text)
        return
    letters = json.loads(text)["failed"]
    for line in aligned([_COLUMNS, *map(_row, letters)]) if letters else []:
        typer.echo(line)
    typer.echo(f"{len(letters)} failed event{'s' * (len(letters) != 1)}")


@app.command("retry")
def retry(
    event: Annotated[str | None, typer.Argument(metavar="[ID]", help="Which one, as `failed` lists it.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    url: MetricsUrl = None,
    token: Token = None,
    config: ConfigFile = None,
) -> None:
    """Have failed events delivered after all.

    As if they had just happened: each bears the id that it had, and the time of now.
    """
    if (event is None) != all_:
        typer.echo("shoal: say which one, or --all", err=True)
        raise typer.Exit(MISCONFIGURED)
    text = _ask("POST", "retry", {"all": "1"} if event is None else {"id": event}, url, token, config)
    count = json.loads(text)["retried"]
    if not count and event is not None:
        fail(f"there is no failed event {event}, or the outbox is full")
    typer.echo(f"{count} event{'s' * (count != 1)} will be tried again")


def _ask(method: str, path: str, query: dict[str, str], url: str | None, token: str | None, config: Any) -> str:
    with configuration_errors_reported():
        settings = load_settings(config=config, flags={}, environ=os.environ)
        where = metrics_url(settings, url)
    headers = {"Authorization": f"Bearer {token or configured_token(settings)}"}
    return ask_node(method, where, f"/webhooks/{path}", query=query, headers=headers, timeout=_TIMEOUT)


def _row(letter: dict[str, Any]) -> tuple[str, ...]:
    event = TYPES.get(letter["kind"], letter["kind"])
    return letter["id"], letter["app"], event, letter["channel"], _age(letter["age"]), letter["why"]


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
