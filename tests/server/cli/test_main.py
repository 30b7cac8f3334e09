"""The command as a whole: what it offers, and how it ends."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from server import __version__
from server.cli import app, main


@pytest.mark.parametrize("word", ["version", "--version"])
def test_version_is_printed(word: str) -> None:
    result = CliRunner().invoke(app, [word])
    assert (result.exit_code, result.stdout) == (0, f"shoal {__version__}\n")


def test_help_lists_the_commands() -> None:
    output = CliRunner().invoke(app, ["--help"]).stdout
    assert [word for word in ("serve", "publish", "tail", "check-config", "version") if f"  {word} " in output] == [
        "serve",
        "publish",
        "tail",
        "check-config",
        "version",
    ]


def test_unknown_command_is_a_mistake() -> None:
    assert CliRunner().invoke(app, ["sevre"]).exit_code == 2


def test_main_exits_with_the_status_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["anything", "version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"shoal {__version__}\n"
