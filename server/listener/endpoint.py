"""Open what a listener listens on: TCP sockets or a Unix socket, and the certificate for TLS.

Everything that an operator can get wrong here ends as a :exc:`ListenError` or a :exc:`TlsError`, which say what to
change.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNIX_MODE = 0o666
"""Whoever reaches the socket's directory may connect, as with a TCP port; a reverse proxy is another user."""


class ListenError(Exception):
    """The listener can't start; the message names the address and what to do."""


class TlsError(Exception):
    """The certificate can't be used; the message names the files and what to do."""


def open_tcp(host: str, port: int, backlog: int) -> list[socket.socket]:
    """Listen on `host`'s addresses, all with one port; 0 lets the system choose it. `::` takes IPv4 clients too.

    The event loop will call listen again, which does no harm; but uvloop's doesn't say when it fails.
    """
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        for family, address in addresses:
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_bind(family, (address[0], chosen, *address[2:]), only_v6=len(addresses) > 1))
        for sock in sockets:
            sock.listen(backlog)
    except OSError as error:
        close_all(sockets)
        raise ListenError(explain(error, address_text(host, port))) from error
    return sockets


def open_unix(path: Path, backlog: int) -> socket.socket:
    """Listen on a Unix socket, replacing the file of a process that is gone, never that of one that listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_room(path)
        sock.bind(str(path))
        path.chmod(_UNIX_MODE)
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise ListenError(explain(error, f"unix:{path}")) from error
    return sock


def remove_unix(path: Path, inode: int) -> None:
    """Remove the socket's file, unless another process has put its own there."""
    try:
        if path.stat().st_ino == inode:
            path.unlink()
    except FileNotFoundError:
        pass


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Load a certificate chain and its key, both PEM, for TLS 1.2 and up. Raises :exc:`TlsError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        message = f"tls_certificate = {certificate} can't be used with tls_key = {key} ({error}): "
        raise TlsError(message + "both must be PEM files, belong together and need no password") from error
    return context


def address_text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def close_all(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def explain(error: OSError, address: str) -> str:
    """Say what is wrong with an address, and what to do."""
    return f"cannot listen on {address}: {_remedy(error, address)}"


def _remedy(error: OSError, address: str) -> str:
    is_unix = address.startswith("unix:")
    if isinstance(error, socket.gaierror):
        return "this host name has no address; give an address of this machine, or 0.0.0.0 for all of them"
    match error.errno:
        case errno.EADDRINUSE:
            how = "" if is_unix else " (port or metrics_port: --port, --metrics-port)"
            return "it is in use; stop the process that listens there, or choose another" + how
        case errno.EADDRNOTAVAIL:
            return "this machine doesn't have the address; use one that it has, or 0.0.0.0 for all of them"
        case errno.EACCES | errno.EPERM:
            place = "a directory that this user may write to" if is_unix else "a port above 1023"
            return f"permission denied; choose {place}"
        case errno.EEXIST:
            return "there is a file of this name that is no socket; move it, or choose another name"
        case errno.ENOENT | errno.ENOTDIR:
            return "its directory doesn't exist; create it"
        case _:
            return os.strerror(error.errno) if error.errno else str(error)


def _bind(family: int, address: tuple[str | int, ...], *, only_v6: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # So that a restarted node needn't wait until the connections of the one before have left TIME_WAIT.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _make_room(path: Path) -> None:
    """Remove a socket that nobody listens on; one in use is left for bind to refuse."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
