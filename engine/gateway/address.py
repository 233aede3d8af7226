"""The addresses that a server listens on: a port for programs, a private socket for its owner."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import AccessRefused, PortTaken, UsageError
from engine.paths import state_dir

BACKLOG = 128
SOCKET = "owner.sock"
_PREFIX = "finetui-serve-"
# The longest path that a socket's address holds, less the name: 104 bytes on macOS.
_LONGEST_FOLDER = 80


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Nobody accepts from it yet: connections wait until the server's process does.

    Args:
        host: An address, or a name of this machine.
        port: The port; 0 takes a free one.

    Raises:
        PortTaken: Another program listens there.
        UsageError: This machine has no such address.
        AccessRefused: The port may not be listened on.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"{host!r} is no address to listen on: {error}", hint="take 127.0.0.1 or 0.0.0.0"
        ) from error
    family, kind, protocol, _, where = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        # A port whose last connections are still fading can be taken again at once.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _refused(host, port, error) from error
    return sock


def _refused(host: str, port: int, error: OSError) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"another program listens on port {port}",
            hint="take another port: --port 0 takes a free one",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return AccessRefused(
            f"port {port} may not be listened on: {error.strerror}", hint="take one above 1023"
        )
    return UsageError(
        f"{host} can't be listened on: {error.strerror}", hint="take 127.0.0.1 or 0.0.0.0"
    )


def url_of(sock: socket.socket, host: str) -> str:
    """Return the address of a listening socket as clients write it."""
    port = sock.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Say whether only programs of this machine reach an address, or a peer's is this machine's.

    Of names only "localhost" is: others are whatever the system's files make of them.
    """
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


@contextmanager
def owner_socket() -> Iterator[tuple[socket.socket, Path]]:
    """Give a listening socket in a folder that only this user enters; removed at the end."""
    sock, path = _listening()
    try:
        yield sock, path
    finally:
        sock.close()
        remove_socket(path)


def _listening() -> tuple[socket.socket, Path]:
    """Listen in a folder of this user's alone, whose path is short enough for a socket.

    $XDG_RUNTIME_DIR comes last: it is removed when its user logs out, and a server stays.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for base in (str(state_dir()), tempfile.gettempdir(), "/tmp", runtime):
        # The ending that is made up has eight characters.
        longest = len(os.fsencode(base)) + len(_PREFIX) + 9
        if not os.path.isabs(base) or longest > _LONGEST_FOLDER:
            continue
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = None
        try:
            os.makedirs(base, mode=0o700, exist_ok=True)
            path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base)) / SOCKET
            sock.bind(str(path))  # not every shared folder takes sockets
            path.chmod(0o600)
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            if path is not None:
                shutil.rmtree(path.parent, ignore_errors=True)
        else:
            return sock, path
    raise AccessRefused(
        "there is no folder for the server's private socket",
        hint="set TMPDIR to a folder of yours with a short path",
    )


def is_private(path: Path) -> bool:
    """Say whether a path is a socket of this user, in a folder that only this user enters."""
    try:
        folder, found = os.lstat(path.parent), os.lstat(path)
    except OSError:
        return False
    mine = folder.st_uid == found.st_uid == os.geteuid()
    closed = not stat.S_IMODE(folder.st_mode) & 0o077
    return mine and closed and stat.S_ISDIR(folder.st_mode) and stat.S_ISSOCK(found.st_mode)


def remove_socket(path: Path) -> None:
    """Remove a server's private socket and its folder; anything else is left alone."""
    named = path.name == SOCKET and path.parent.name.startswith(_PREFIX)
    if named and is_private(path):
        with contextlib.suppress(OSError):
            path.unlink()
            path.parent.rmdir()
