"""Ports that several processes of one server listen on.

The kernel distributes connections among the sockets of a user that listen on one port with SO_REUSEPORT. It would also
do so for two unrelated servers, and each would get half of the other's requests. So the parent process first reserves
the port without this option, and keeps it: then no other server can take it.
"""

from __future__ import annotations

import socket


def assert_free(port: int) -> None:
    """Raises OSError if another process has a port."""
    _listening(port).close()


def reserve(port: int) -> socket.socket:
    """Reserves a port for processes that will share it. Returns a socket that accepts no connection. Linux only.

    As long as it is open, only sockets of `shared` can have the port. Raises OSError if another process has it.
    """
    held = _listening(port)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        # The socket stops listening, but keeps its port. On other systems than Linux this is an error.
        held.shutdown(socket.SHUT_RD)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError:
        held.close()
        raise
    return held


def _listening(port: int) -> socket.socket:
    held = socket.socket()
    try:
        # Servers set this option, too. With it, a port whose last server has just ended is free.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("", port))
        # Only one of several sockets that are bound with that option can listen.
        held.listen()
    except OSError:
        held.close()
        raise
    return held


def shared(port: int) -> socket.socket:
    """Returns a socket on a port that other processes of this user have as well. Raises OSError if they share none."""
    made = socket.socket()
    try:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.bind(("", port))
    except OSError:
        made.close()
        raise
    return made
