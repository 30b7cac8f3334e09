"""Compile the C programs on first use, into the user's cache."""

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from bench.errors import BenchError

_SOURCES = Path(__file__).parent
_FLAGS = ("-O2", "-std=gnu11", "-pthread")
_USUAL_COMPILERS = ("cc", "gcc", "clang")


def find_compiler() -> list[str] | None:
    """Return the command of a C compiler: $CC, or the first usual one that is installed."""
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    return next(([name] for name in _USUAL_COMPILERS if shutil.which(name)), None)


def build(folder: str) -> Path:
    """Return the program made of all C files in a folder of this package, compiling it if they have changed."""
    sources = sorted((_SOURCES / folder).glob("*.[ch]"))
    program = _cache() / f"{folder}-{_fingerprint(sources)}"
    if not program.exists():
        _compile([path for path in sources if path.suffix == ".c"], program)
    return program


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "shoal-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fingerprint(sources: list[Path]) -> str:
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(sources: list[Path], program: Path) -> None:
    compiler = find_compiler()
    if compiler is None:
        raise BenchError("the load generator needs a C compiler: install gcc or clang, or name one in CC")
    unfinished = program.with_suffix(f".{os.getpid()}")  # renamed when whole: two runs may compile at once
    command = [*compiler, *_FLAGS, "-o", str(unfinished), *map(str, sources)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchError(f"{shlex.join(command)} failed:\n{result.stderr}")
    unfinished.rename(program)
