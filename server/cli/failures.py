"""How commands fail: 2 for a mistake in configuration or usage, 1 for anything else; in words, without a traceback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from server.config import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = 1
MISCONFIGURED = 2


@contextmanager
def configuration_errors_reported() -> Iterator[None]:
    """Turn a :exc:`ConfigurationError` into its lines on standard error and status 2."""
    try:
        yield
    except ConfigurationError as exc:
        for problem in exc.problems:
            typer.echo(f"shoal: {problem}", err=True)
        raise typer.Exit(MISCONFIGURED) from exc


def fail(message: str) -> NoReturn:
    """Say why on standard error, and exit with status 1."""
    typer.echo(f"shoal: {message}", err=True)
    raise typer.Exit(FAILED)
