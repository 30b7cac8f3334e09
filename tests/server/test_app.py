"""A node as a process: where it listens, what signals do, how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme
from websockets.asyncio.client import connect, unix_connect

from tests.adapter.redis.servers import free_port
from tests.harness.client import Client, Closed
from tests.harness.node import ROOT, start_node

if TYPE_CHECKING:
    from pathlib import Path


def _serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a node that is expected to end by itself."""
    return _run([sys.executable, "-m", "server", "serve", "--log-format", "json", *arguments])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def _get(url: str, *, verify: ssl.SSLContext | bool = True, unix_socket: str | None = None) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(verify=verify, uds=unix_socket)) as client:
        return client.get(url)


def _wait_until_alive(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            assert _get(f"{url}/livez").status_code == 200
            assert _get(f"{url}/readyz").text == "not ready: starting\n"
            return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("it doesn't live")


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_a_node_closes_each_client_with_4200_and_ends_with_0(number: signal.Signals) -> None:
    node = start_node()
    clients = [await Client.connect(node) for _ in range(20)]
    node.signal(number)
    for client in clients:
        message = await client.expect_error(4200)
        assert await client.expect_close() == Closed(4200, message)
    node.stop()
    summary = node.records()[-1]
    assert (summary["message"], summary["connections"], summary["closed"], summary["cut_off"]) == ("left", 20, 20, 0)


async def test_the_listener_stays_while_a_node_leaves_and_late_handshakes_get_4100() -> None:
    # One a second: while the first are gone and the others wait, somebody arrives.
    node = start_node({"SHOAL_DRAIN_RATE": "1"})
    clients = [await Client.connect(node) for _ in range(30)]
    node.signal(signal.SIGTERM)
    node.wait_until(lambda: node.metric("shoal_node_state", state="draining") == 1, "it drains")
    late = await Client.open(node)
    await late.expect_error(4100)
    assert (await late.expect_close()).code == 4100
    answer = _get(f"{node.url}/readyz")
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")
    assert _get(f"{node.url}/livez").status_code == 200
    node.signal(signal.SIGTERM)
    codes = [(await client.expect_close()).code for client in clients]
    assert codes == [4200] * 30
    node.stop()


async def test_a_settling_node_serves_as_before_but_is_not_ready() -> None:
    node = start_node({"SHOAL_SETTLE": "30"})
    node.signal(signal.SIGTERM)
    node.wait_until(lambda: node.metric("shoal_node_state", state="settling") == 1, "it settles")
    assert _get(f"{node.url}/readyz").status_code == 503
    async with await Client.connect(node) as client:
        await client.subscribe("a-channel")
    node.signal(signal.SIGTERM)
    node.stop()


async def test_a_node_that_is_drained_by_its_operator_stays_until_it_is_told_to_exit() -> None:
    node = start_node({"SHOAL_DRAIN_TOKEN": "a-token-of-16-characters"})
    client = await Client.connect(node)
    command = [sys.executable, "-m", "server", "drain", "--url", node.metrics_url]
    refused = _run([*command, "--token", "not-the-token-at-all"])
    assert (refused.returncode, "401" in refused.stderr) == (1, True)
    assert await client.settled() == []
    refused = _run([*command, "--token", "einer mit Umlauten: äöü"])
    assert (refused.returncode, "401" in refused.stderr) == (1, True)
    # The slash is how some write it.
    drained = _run([*command[:-1], f"{node.metrics_url}/", "--token", "a-token-of-16-characters"])
    assert json.loads(drained.stdout) == {"state": "settling", "connections": 1}
    assert (await client.expect_close()).code == 4200
    node.wait_until(lambda: node.metric("shoal_closing_connections") == 0, "it is empty")
    # Not even applications are looked up any more: that may take longer than a node lives.
    for key in ("app-key", "nobodys"):
        late = await Client.open(node, key=key)
        assert (await late.expect_close()).code == 4100
    assert node.metric("shoal_drain_late_handshakes_total") == 2
    assert node.metric("shoal_drain_closed_total") == 1
    assert node.is_running
    node.stop()


async def test_a_known_deadline_makes_the_drain_faster_and_waiting_for_its_end_can_be_left_to_the_command() -> None:
    node = start_node({"SHOAL_DRAIN_TOKEN": "a-token-of-16-characters", "SHOAL_SETTLE": "60", "SHOAL_DRAIN_RATE": "1"})
    clients = [await Client.connect(node) for _ in range(30)]
    command = [sys.executable, "-m", "server", "drain", "--url", node.metrics_url, "--within", "4", "--wait"]
    closes = asyncio.gather(*(client.expect_close() for client in clients))
    done = await asyncio.to_thread(_run, [*command, "--token", "a-token-of-16-characters"])
    assert {closed.code for closed in await closes} == {4200}
    assert json.loads(done.stdout.splitlines()[-1]) == {"state": "draining", "connections": 0}
    assert node.metric("shoal_drain_forced_total") == 1
    node.stop()


def test_a_deadline_that_is_no_number_of_seconds_is_refused() -> None:
    with start_node({"SHOAL_DRAIN_TOKEN": "a-token-of-16-characters"}) as node:
        headers = {"Authorization": "Bearer a-token-of-16-characters"}
        for within in ("soon", "-1", "inf", "nan", ""):
            answer = httpx.post(f"{node.metrics_url}/drain", params={"within": within}, headers=headers)
            assert (answer.status_code, "no number of seconds" in answer.text) == (400, True), within
        assert httpx.get(f"{node.metrics_url}/readyz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_that_waits_for_redis_can_be_told_to_exit(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = ["--redis", f"redis://127.0.0.1:{silent.getsockname()[1]}", "--metrics-port", str(free_port())]
        process = subprocess.Popen([sys.executable, "-m", "server", "serve", "--port", "0", *settings], cwd=ROOT)
        _wait_until_alive(f"http://127.0.0.1:{settings[-1]}")
        process.send_signal(signal.SIGHUP)
        process.send_signal(number)
        assert process.wait(30) == 0


def test_nobody_drains_a_node_that_has_no_token() -> None:
    with start_node() as node:
        answer = httpx.post(f"{node.metrics_url}/drain", headers={"Authorization": "Bearer x"})
        assert (answer.status_code, "drain_token" in answer.text) == (403, True)
        assert httpx.get(f"{node.metrics_url}/readyz").status_code == 200


async def test_a_client_that_never_reads_does_not_delay_the_drain_and_shows_in_the_exit_status() -> None:
    # Its close frame stays in the node: nothing but its receive buffer takes anything, and that is full.
    node = start_node({"SHOAL_ABORT_TIMEOUT": "1", "SHOAL_CLOSE_TIMEOUT": "0.5", "SHOAL_SOCKET_SEND_BUFFER": "4096"})
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((node.host, node.port))
        deaf.sendall(
            b"GET /app/app-key?protocol=7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        frame = json.dumps({"event": "pusher:ping"}).encode()
        pings = (bytes((0x81, 0x80 | len(frame), 0, 0, 0, 0)) + frame) * 4000
        deaf.sendall(pings)
        node.wait_until(lambda: node.metric("shoal_messages_received_total") == 4000, "all pings are answered")
        async with asyncio.timeout(30):
            reader = await Client.connect(node)
            node.signal(signal.SIGTERM)
            assert (await reader.expect_close()).code == 4200
        node.stop(check=False)
    assert node.exit_status == 1
    assert [record["cut_off"] for record in node.records() if record["message"] == "left"] == [1]


async def test_sighup_reads_the_applications_again_and_touches_no_connection(tmp_path: Path) -> None:
    file = tmp_path / "shoal.toml"
    file.write_text('[[apps]]\nid = "1"\nkey = "first"\nsecret = "s"\n')
    with start_node({"SHOAL_CONFIG": str(file)}) as node:
        client = await Client.open(node, key="first")
        await client.established()
        client.app = type(client.app)("1", "first", "s")
        await client.subscribe("private-x")
        await client.send("client-x", {}, "private-x")
        assert "enable this feature" in await client.expect_error(None)
        file.write_text(
            '[[apps]]\nid = "1"\nkey = "first"\nsecret = "s"\nclient_events = true\n'
            '[[apps]]\nid = "2"\nkey = "second"\nsecret = "s"\n'
        )
        node.signal(signal.SIGHUP)
        node.wait_until(lambda: node.metric("shoal_configuration_reloads_total", result="done") == 1, "reloaded")
        other = await Client.open(node, key="second")
        await other.established()
        await other.close()
        await client.send("client-x", {}, "private-x")
        assert await client.settled() == []
        await client.close()


async def test_sighup_ends_clients_of_removed_and_disabled_applications_and_limits_the_others(tmp_path: Path) -> None:
    file = tmp_path / "shoal.toml"
    stays, disabled, removed = (f'[[apps]]\nid = "{n}"\nkey = "key-{n}"\nsecret = "s"\n' for n in (1, 2, 3))
    file.write_text(stays + disabled + removed)
    with start_node({"SHOAL_CONFIG": str(file)}) as node:
        clients = [await Client.open(node, key=f"key-{n}") for n in (1, 2, 3)]
        for client in clients:
            await client.established()
        file.write_text(stays + "max_frame_bytes = 1024\n" + disabled + "enabled = false\n")
        node.signal(signal.SIGHUP)
        assert (await clients[1].expect_close()).code == 4003
        assert (await clients[2].expect_close()).code == 4001
        await clients[0].send("pusher:ping", {"x": "x" * 1_024})
        assert "1024 bytes" in await clients[0].expect_error(None)
        await clients[0].close()


async def test_setting_that_sighup_does_not_change_is_named(tmp_path: Path) -> None:
    file = tmp_path / "shoal.toml"
    app = '[[apps]]\nid = "1"\nkey = "first"\nsecret = "s"\n'
    file.write_text(app)
    with start_node({"SHOAL_CONFIG": str(file)}) as node:
        file.write_text("drain_rate = 7\n" + app)
        node.signal(signal.SIGHUP)
        node.wait_until(lambda: node.metric("shoal_configuration_reloads_total", result="done") == 1, "reloaded")
        said = [record["message"] for record in node.records() if record["level"] == "warning"]
        assert said == ["changed, and not in force before a restart: drain_rate"]


async def test_a_bad_file_on_sighup_changes_nothing_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "shoal.toml"
    file.write_text('[[apps]]\nid = "1"\nkey = "first"\nsecret = "s"\n')
    node = start_node({"SHOAL_CONFIG": str(file)})
    file.write_text('[[apps]]\nid = "1"\nkey = "first"\nsecrets = "s"\n')
    node.signal(signal.SIGHUP)
    node.wait_until(lambda: node.metric("shoal_configuration_reloads_total", result="failed") == 1, "refused")
    assert any("secrets" in record["message"] for record in node.records() if record["level"] == "error")
    client = await Client.open(node, key="first")
    await client.established()
    await client.close()
    node.stop(check=False)


def test_a_port_in_use_is_said_and_ends_with_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _serve("--port", str(port), "--metrics-port", "0")
    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


def test_files_that_are_no_certificate_are_named_and_end_with_2(tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    file.write_text("no certificate")
    result = _serve("--tls-certificate", str(file), "--tls-key", str(file), "--port", "0", "--metrics-port", "0")
    assert result.returncode == 2
    assert f"tls_certificate = {file} can't be used" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_demo_application_is_not_offered_to_others(host: str) -> None:
    result = _serve("--host", host, "--port", "0", "--metrics-port", "0")
    assert result.returncode == 2
    assert "--insecure-demo" in result.stderr
    assert "Traceback" not in result.stderr


async def test_tls_serves_websockets_and_the_api(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    tls = {"SHOAL_TLS_CERTIFICATE": str(tmp_path / "cert.pem"), "SHOAL_TLS_KEY": str(tmp_path / "key.pem")}
    with start_node(tls, apps=[{"id": "1", "key": "k", "secret": "s", "tls_only": True}]) as node:
        async with connect(f"wss://localhost:{node.port}/app/k?protocol=7", ssl=context, proxy=None) as connection:
            assert "connection_established" in str(await connection.recv())
            await connection.send(json.dumps({"event": "pusher:ping"}))
            assert "pusher:pong" in str(await connection.recv())
        assert _get(f"https://localhost:{node.port}/livez", verify=context).status_code == 200


async def test_a_unix_socket_serves_websockets_and_the_api(tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    command = [sys.executable, "-m", "server", "serve", "--unix-socket", str(path), "--metrics-port", "0"]
    with _start(command) as process:
        assert process.stdout is not None
        assert f"unix:{path}" in process.stdout.readline()
        async with unix_connect(str(path), "ws://localhost/app/app-key?protocol=7") as connection:
            assert "connection_established" in str(await connection.recv())
        assert _get("http://localhost/livez", unix_socket=str(path)).status_code == 200
        process.terminate()
    assert process.returncode == 0
    assert not path.exists()
