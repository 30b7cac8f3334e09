"""A Redis that a node can't work with: told in words, and the exit status is 2. Real processes on both sides."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapter.redis.masters import Masters
from tests.adapter.redis.permitted import rules
from tests.adapter.redis.servers import Server, binary_of, free_port, running
from tests.harness.node import ROOT, start_node
from tests.server.unready import UnreadyNode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=["valkey", "redis"])
def binary(request: pytest.FixtureRequest) -> str:
    return binary_of(request.param)


@pytest.fixture(scope="module")
def strict(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants a password, and knows some users besides."""
    with running(binary, tmp_path_factory.mktemp("strict")) as server:
        for user, words in {
            "good": rules(),
            "no-xadd": [word for word in rules() if word != "+xadd"],
            "no-subscribe": [word for word in rules() if word != "+subscribe"],
            "other-keys": ["~other:*" if word == "~shoal:*" else word for word in rules()],
            "other-channels": ["&other:*" if word == "&shoal:*" else word for word in rules()],
        }.items():
            assert "OK" in server.command("ACL", "SETUSER", user, "on", ">pw", *words)
        server.command("CONFIG", "SET", "requirepass", "secret")
        yield server


@pytest.fixture
def server(binary: str, tmp_path: Path) -> Iterator[Server]:
    with running(binary, tmp_path) as server:
        yield server


def refused(*urls: str, **settings: str) -> str:
    """Start a node that is to give up by itself; return what it said."""
    flags = [word for url in urls for word in ("--redis", url)]
    more = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = [sys.executable, "-m", "server", "serve", "--port", "0", "--metrics-port", "0", *flags, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("", "wants a password: write redis://:PASSWORD@HOST"),
        (":wrong@", "doesn't take this user and password"),
        ("nobody:pw@", "doesn't take this user and password"),
        ("good:wrong@", "doesn't take this user and password"),
        ("no-xadd:pw@", "doesn't permit this user all that nodes do"),
        ("no-subscribe:pw@", "doesn't permit this user all that nodes do"),
        ("other-keys:pw@", "doesn't permit this user all that nodes do"),
        ("other-channels:pw@", "doesn't permit this user all that nodes do"),
    ],
)
def test_who_may_not_use_redis_is_told_what_is_wrong(strict: Server, user: str, told: str) -> None:
    said = refused(f"redis://{user}127.0.0.1:{strict.port}")
    assert told in said
    assert f"127.0.0.1:{strict.port}" in said
    assert "wrong" not in said.replace("what is wrong", ""), "no password is repeated"


def test_who_may_is_let_in(strict: Server) -> None:
    with start_node({"SHOAL_REDIS": f"redis://good:pw@127.0.0.1:{strict.port}"}):
        pass


def test_password_for_a_server_that_has_none_is_a_mistake(server: Server) -> None:
    assert "has no password: write the URL without one" in refused(f"redis://:pw@127.0.0.1:{server.port}")


def test_eviction_is_a_mistake(server: Server) -> None:
    server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy allkeys-lru, by which it forgets" in refused(server.url)


def test_replica_is_a_mistake(server: Server, strict: Server) -> None:
    server.command("REPLICAOF", "127.0.0.1", str(strict.port))
    assert f"read-only replica of 127.0.0.1:{strict.port}" in refused(server.url)


def test_modes_that_are_mixed_up_are_told_with_the_url_to_write(server: Server, binary: str) -> None:
    assert "write redis://" in refused(server.url.replace("redis://", "redis+cluster://"))
    assert "is no Sentinel" in refused(server.url.replace("redis://", "redis+sentinel://") + "/main")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        of_cluster = stack.enter_context(running(binary, folder, "--cluster-enabled", "yes"))
        assert "runs in cluster mode: write redis+cluster://" in refused(of_cluster.url)


def test_wrong_password_for_a_cluster_is_a_mistake() -> None:
    with Masters() as masters:
        for server in masters.servers:
            server.command("CONFIG", "SET", "requirepass", "secret")
        assert "wants a password" in refused(masters.url)
        assert "doesn't take this user and password" in refused(masters.url.replace("//", "//:other@"))


def test_sentinel_is_told_from_what_it_watches(server: Server, binary: str, tmp_path: Path) -> None:
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor main 127.0.0.1 {server.port} 1\n")
    with TemporaryDirectory() as folder:
        sentinel = Server(f"{binary}", Path(folder))
        process = subprocess.Popen(
            [binary, str(config), "--port", str(sentinel.port), "--sentinel"], stdout=subprocess.DEVNULL
        )
        try:
            while "PONG" not in _ping(sentinel):
                assert process.poll() is None
            assert "is a Sentinel: write redis+sentinel://" in refused(sentinel.url)
            other = sentinel.url.replace("redis://", "redis+sentinel://") + "/other"
            assert "knows no primary called 'other'" in refused(other)
        finally:
            process.kill()
            process.wait()


def _ping(server: Server) -> str:
    try:
        return server.command("PING")
    except OSError:
        return ""


def test_node_with_other_ideas_is_told_with_whom_it_disagrees(server: Server, binary: str, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with running(binary, folder) as second:
        first = {"SHOAL_REDIS": f"{server.url},{second.url}", "SHOAL_NODE_NAME": "the-first"}
        with start_node(first):
            for urls in ((server.url,), (second.url,), (second.url, server.url)):
                said = refused(*urls)
                assert "the-first was the first" in said
                assert "give all nodes the same redis URLs in the same order" in said
            with start_node(first | {"SHOAL_NODE_NAME": "the-second"}):
                pass


def test_node_of_another_schema_is_told_with_whom_it_disagrees(server: Server) -> None:
    theirs = "schema=99 shards=64 prefix=shoal partition=1/1"
    server.command("SET", "shoal:{s0}:agreed", f"{theirs} by=from-the-future")
    said = refused(server.url)
    assert f"is in use by nodes with '{theirs}' (from-the-future was the first)" in said
    with start_node({"SHOAL_REDIS": server.url, "SHOAL_REDIS_PREFIX": "another"}):
        pass


def test_unreachable_server_is_waited_for_and_that_is_said(binary: str, tmp_path: Path) -> None:
    server = Server(binary, tmp_path)
    with UnreadyNode({"SHOAL_REDIS": server.url}) as node:
        node.wait_until_said("can't use Redis, and tries again: can't connect to 127.0.0.1:")
        answer = httpx.get(f"{node.metrics_url}/readyz")
        assert (answer.status_code, answer.text[:46]) == (503, "not ready: starting: can't connect to 127.0.0.")
        assert httpx.get(f"{node.metrics_url}/livez").status_code == 200
        assert 'problem="unreachable"' in httpx.get(f"{node.metrics_url}/metrics").text
        assert httpx.get(f"{node.metrics_url}/nodes").status_code == 503
        server.start()
        try:
            node.wait_until_said("ready on")
            assert httpx.get(f"{node.metrics_url}/readyz").status_code == 200
            assert node.said().count("can't use Redis") == 1
            assert node.stop() == 0
        finally:
            server.kill()


def test_unreachable_cluster_and_sentinel_are_waited_for_too() -> None:
    for url in (f"redis+cluster://127.0.0.1:{free_port()}", f"redis+sentinel://127.0.0.1:{free_port()}/main"):
        with UnreadyNode({"SHOAL_REDIS": url}) as node:
            node.wait_until_said("can't use Redis, and tries again: no ")
            answer = httpx.get(f"{node.metrics_url}/readyz")
            assert (answer.status_code, "can't connect to 127.0.0.1:" in answer.text) == (503, True)
