"""The receivers of docs/webhooks.md, as they stand there, told by a real node."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapter.redis.servers import free_port
from tests.harness import Client
from tests.server.webhooks.conftest import APP, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.webhooks.conftest import Start

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
PROGRAMS = {"python": ("python", sys.executable, "receiver.py"), "node": ("js", "node", "receiver.cjs")}
BODY = (
    b'{"time_ms":1,"events":[{"name":"channel_occupied","channel":"one"},{"name":"channel_vacated","channel":"one"}]}'
)


def example(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


class Example:
    """An example that runs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self._process, self._log = process, log
        self.url = f"http://127.0.0.1:{port}/"

    def lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines()

    def answers(self) -> bool:
        assert self._process.poll() is None, self.lines()
        try:
            return self.post(b"{}", "forged") == 401
        except httpx.TransportError:
            return False

    def post(self, body: bytes, signature: str, ids: str = "1,2") -> int:
        headers = {"X-Pusher-Key": str(APP["key"]), "X-Pusher-Signature": signature, "X-Shoal-Event-Ids": ids}
        return httpx.post(self.url, content=body, headers=headers).status_code


@contextmanager
def running(program: list[str], log: Path, port: int, **more: str) -> Iterator[Example]:
    environ = {"PUSHER_KEY": str(APP["key"]), "PUSHER_SECRET": str(APP["secret"]), "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(program, env=os.environ | environ | more, stdout=output, stderr=subprocess.DEVNULL)
    try:
        example = Example(process, log, port)
        deadline = time.monotonic() + 10
        while not example.answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield example
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=list(PROGRAMS))
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    language, program, name = PROGRAMS[request.param]
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is not installed")
    (tmp_path / name).write_text(example(language), encoding="utf-8")
    with running([program, str(tmp_path / name)], tmp_path / "log", free_port()) as receiver:
        yield receiver


async def test_it_takes_what_a_node_tells(receiver: Example, start: Start) -> None:
    node = start({"url": receiver.url, "event_types": ["channel_occupied", "channel_vacated"]})
    async with await Client.connect(node, ignored=["pusher_internal:subscription_count"]) as client:
        await client.subscribe("room")
        await client.unsubscribe("room")
        await until(lambda: receiver.lines() == ["channel_occupied room", "channel_vacated room"])


def test_it_drops_repeats_and_what_is_not_signed(receiver: Example) -> None:
    signature = hmac.new(str(APP["secret"]).encode(), BODY, hashlib.sha256).hexdigest()
    assert [receiver.post(BODY, signature) for _ in range(2)] == [200, 200]
    assert receiver.post(BODY + b" ", signature, "3,4") == 401
    assert receiver.lines() == ["channel_occupied one", "channel_vacated one"]


def test_the_php_example_looks_like_php() -> None:
    text = example("php")
    assert text.startswith("<?php\n")
    assert text.count("{") == text.count("}")
    assert text.count("(") == text.count(")")


def test_the_php_example_stores_each_event_once_and_none_that_is_not_signed(tmp_path: Path) -> None:
    if shutil.which("php") is None or b"pdo_sqlite" not in subprocess.run(["php", "-m"], capture_output=True).stdout:
        pytest.skip("php is not installed, or not with pdo_sqlite")
    (tmp_path / "receiver.php").write_text(example("php"), encoding="utf-8")
    signature, port = hmac.new(str(APP["secret"]).encode(), BODY, hashlib.sha256).hexdigest(), free_port()
    with closing(sqlite3.connect(tmp_path / "events.db")) as database:
        database.execute("CREATE TABLE webhook_events (id VARCHAR(64) PRIMARY KEY, event TEXT)")
        program = ["php", "-S", f"127.0.0.1:{port}", str(tmp_path / "receiver.php")]
        with running(program, tmp_path / "log", port, DATABASE=f"sqlite:{tmp_path / 'events.db'}") as receiver:
            assert [receiver.post(BODY, signature) for _ in range(2)] == [200, 200]
            assert receiver.post(BODY + b" ", signature, "3,4") == 401
        stored = database.execute("SELECT id, event FROM webhook_events ORDER BY id").fetchall()
    assert [(event_id, json.loads(event)["name"]) for event_id, event in stored] == [
        ("1", "channel_occupied"),
        ("2", "channel_vacated"),
    ]
