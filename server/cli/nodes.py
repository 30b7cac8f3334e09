"""``shoal nodes``: list the nodes of the cluster, by what any one of them knows."""

import json
import os
from typing import Annotated, Any

import typer

from server.cli.asking import ask_node
from server.cli.failures import configuration_errors_reported
from server.cli.options import ConfigFile, MetricsUrl
from server.cli.table import aligned
from server.cli.target import metrics_url
from server.config import load_settings

_COLUMNS = ("NAME", "STATE", "VERSION", "CONNECTIONS", "LAST BEAT", "BOOT")


def nodes(
    url: MetricsUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as the node answers it.")] = False,
    config: ConfigFile = None,
) -> None:
    """List the nodes of the cluster that are alive.

    Asks one running node on its metrics port; each knows all of them, through Redis.
    """
    with configuration_errors_reported():
        where = metrics_url(load_settings(config=config, flags={}, environ=os.environ), url)
    text = ask_node("GET", where, "/nodes")
    if as_json:
        typer.echo(text)
        return
    found = json.loads(text)["nodes"]
    for line in aligned([_COLUMNS, *(_row(node) for node in found)]):
        typer.echo(line)
    connections = sum(node["connections"] for node in found)
    typer.echo(f"{len(found)} node{'s' * (len(found) != 1)}, {connections} connection{'s' * (connections != 1)}")


def _row(node: dict[str, Any]) -> tuple[str, ...]:
    age = f"{node['age']:.1f} s ago"
    return node["name"], node["state"], node["version"], str(node["connections"]), age, node["boot"]
