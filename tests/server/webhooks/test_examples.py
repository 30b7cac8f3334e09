"""The receivers of docs/webhooks.md, as they stand there, told by a real node."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
import time
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


@pytest.fixture(params=list(PROGRAMS))
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Example]:
    language, program, name = PROGRAMS[request.param]
    if shutil.which(program) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is not installed")
    (tmp_path / name).write_text(example(language), encoding="utf-8")
    port = free_port()
    more = {"PUSHER_KEY": str(APP["key"]), "PUSHER_SECRET": str(APP["secret"]), "PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(tmp_path / name)], env=os.environ | more, stdout=log, stderr=subprocess.DEVNULL
        )
    try:
        running = Example(process, tmp_path / "log", port)
        deadline = time.monotonic() + 30
        while not running.answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield running
    finally:
        process.kill()
        process.wait()


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


def test_the_php_example_is_php(tmp_path: Path) -> None:
    text = example("php")
    assert text.startswith("<?php\n")
    if shutil.which("php") is None:
        # Nothing here can tell; this much can be seen anyway.
        assert text.count("{") == text.count("}")
        assert text.count("(") == text.count(")")
        return
    (tmp_path / "receiver.php").write_text(text, encoding="utf-8")
    subprocess.run(["php", "-l", str(tmp_path / "receiver.php")], check=True, capture_output=True)
