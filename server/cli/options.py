"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file with settings. [env: SHOAL_CONFIG]")
]
Url = Annotated[str | None, typer.Option(help="Where the server is. [default: as configured, http://127.0.0.1:6001]")]
MetricsUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="The node's metrics port. [default: as configured, http://127.0.0.1:9601]",
    ),
]
AppId = Annotated[str | None, typer.Option(help="The application's id. [default: the first one configured]")]
Key = Annotated[str | None, typer.Option(help="The application's key.")]
Secret = Annotated[
    str | None, typer.Option(help="The application's secret. Better in the configuration: others see it here.")
]
