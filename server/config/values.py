"""The kinds of value that a setting may be, beside numbers: each is checked where it is read, and nowhere else."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from server.apps import App
from server.apps.opening import SCHEMES, is_store
from server.quantities import Count


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as exc:
        raise ValueError(f"can't be read: {exc.strerror}") from exc


def _fit_for_a_header(token: SecretStr) -> SecretStr:
    if not all("!" <= character <= "~" for character in token.get_secret_value()):
        raise ValueError("must be of letters, digits and signs of ASCII, without spaces: it is sent in a header")
    return token


def _not_empty(apps: tuple[App, ...]) -> tuple[App, ...]:
    if not apps:
        raise ValueError("must have at least one application")
    return apps


def _known_store(text: str) -> str:
    if text not in {"config", "redis"} and not is_store(text):
        raise ValueError(f"must be config, redis, or a URL that begins with {', '.join(f'{s}://' for s in SCHEMES)}")
    return text


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_any_case = BeforeValidator(_lower)

Name = Annotated[str, Field(min_length=1)]
Port = Annotated[Count, Field(ge=0, le=65_535)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]
Token = Annotated[SecretStr, AfterValidator(_fit_for_a_header)]
SomeApps = Annotated[tuple[App, ...], AfterValidator(_not_empty)]
Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Table = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$")]
StoreUrl = Annotated[str, AfterValidator(_known_store)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], _any_case]
LogFormat = Annotated[Literal["auto", "json", "human"], _any_case]
