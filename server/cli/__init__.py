"""The command ``shoal``."""

from typing import Annotated

import typer

from server import __version__
from server.cli.apps import apps
from server.cli.check import check_config
from server.cli.drain import drain
from server.cli.nodes import nodes
from server.cli.publish import publish
from server.cli.serve import serve
from server.cli.tail import tail
from server.cli.webhooks import app as webhooks

__all__ = ["app", "main"]

app = typer.Typer(
    name="shoal",
    help="A server for the Pusher Channels protocol.",
    no_args_is_help=True,
    add_completion=False,
    # Plain text: it is read in logs of containers too. Plain tracebacks: the pretty ones print local variables.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def version() -> None:
    """Print the version."""
    typer.echo(f"shoal {__version__}")


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Say what the program itself takes, before any command; its help is the one above."""


app.command("serve")(serve)
app.command("publish")(publish)
app.command("tail")(tail)
app.command("nodes")(nodes)
app.command("drain")(drain)
app.add_typer(webhooks, name="webhooks")
app.command("check-config")(check_config)
app.add_typer(apps, name="apps")
app.command("version")(version)


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    app(prog_name="shoal")
