from __future__ import annotations

import errno
import socket
import stat
from typing import TYPE_CHECKING

import pytest
import trustme

from server.listener.endpoint import (
    ListenError,
    TlsError,
    close_all,
    explain,
    open_tcp,
    open_unix,
    remove_unix,
    tls_context,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_name_with_several_addresses_has_one_port() -> None:
    sockets = open_tcp("localhost", 0, backlog=1)
    ports = {sock.getsockname()[1] for sock in sockets}
    close_all(sockets)
    assert len(ports) == 1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_all_ipv6_addresses_include_the_ipv4_ones() -> None:
    [sock] = open_tcp("::", 0, backlog=1)
    with sock:
        socket.create_connection(("127.0.0.1", sock.getsockname()[1])).close()


def test_a_port_in_use_is_named() -> None:
    [sock] = open_tcp("127.0.0.1", 0, backlog=1)
    with sock:
        port = sock.getsockname()[1]
        with pytest.raises(ListenError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: it is in use; stop"):
            open_tcp("127.0.0.1", port, backlog=1)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1:0: this machine doesn't have the address"):
        open_tcp("192.0.2.1", 0, backlog=1)


def test_a_name_that_does_not_exist_is_named() -> None:
    with pytest.raises(ListenError, match=r"no-such-host\.invalid:1: this host name has no address"):
        open_tcp("no-such-host.invalid", 1, backlog=1)


@pytest.mark.parametrize(
    ("number", "address", "remedy"),
    [
        (errno.EACCES, "[::1]:80", "permission denied; choose a port above 1023"),
        (errno.EACCES, "unix:/s", "permission denied; choose a directory that this user may write to"),
        (errno.ENOENT, "unix:/d/s", "its directory doesn't exist; create it"),
        (errno.ENOSPC, "unix:/s", "No space left on device"),
    ],
)
def test_every_error_has_its_remedy(number: int, address: str, remedy: str) -> None:
    assert explain(OSError(number, "x"), address) == f"cannot listen on {address}: {remedy}"


def test_a_unix_socket_is_open_to_all_who_reach_it(tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    with open_unix(path, backlog=1):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    open_unix(path, backlog=1).close()
    open_unix(path, backlog=1).close()


def test_the_socket_of_a_living_process_is_not(tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    with open_unix(path, backlog=1):
        with pytest.raises(ListenError, match=rf"unix:{path}: it is in use"):
            open_unix(path, backlog=1)
        assert path.is_socket()


def test_another_file_is_not_replaced_by_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "precious.txt"
    path.write_text("precious")
    with pytest.raises(ListenError, match="there is a file of this name that is no socket; move it"):
        open_unix(path, backlog=1)
    assert path.read_text() == "precious"


def test_a_unix_socket_in_no_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="its directory doesn't exist"):
        open_unix(tmp_path / "missing" / "shoal.sock", backlog=1)


def test_a_path_that_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="too long"):
        open_unix(tmp_path / ("x" * 200), backlog=1)


def test_only_our_own_socket_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "shoal.sock"
    with open_unix(path, backlog=1):
        inode = path.stat().st_ino
        remove_unix(path, inode + 1)
        assert path.exists()
        remove_unix(path, inode)
        assert not path.exists()
        remove_unix(path, inode)


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(TlsError, match=r"tls_certificate = .*cert\.pem can't be used .*both must be PEM files"):
        tls_context(tmp_path / "cert.pem", tmp_path / "key.pem")


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(TlsError, match=r"tls_key = .*cert\.pem"):
        tls_context(tmp_path / "cert.pem", tmp_path / "cert.pem")


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("localhost").cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "other.pem")
    with pytest.raises(TlsError, match=r"tls_key = .*other\.pem .*belong together"):
        tls_context(tmp_path / "cert.pem", tmp_path / "other.pem")
