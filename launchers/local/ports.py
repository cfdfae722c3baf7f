"""Free ports that stay free until a training process listens on them.

The obvious way is a race: ask the kernel for a free port, close the socket, and pass the number on. The worker binds
the port only seconds later, after it has imported TensorFlow, and another process may get the port in between.

So the socket stays open: bound with SO_REUSEADDR, and never listening. The kernel then gives the port to no process
that asks for *some* port, and refuses it to a process that binds it without SO_REUSEADDR. But gRPC sets that option,
so it may bind the port by its number and listen. A socket that does not listen gets no connections. So the ports need
not be released in time: they are held until the job has ended. (SO_REUSEPORT instead breaks gRPC.)
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held(count: int) -> Iterator[tuple[int, ...]]:
    """Holds `count` different TCP ports, on all addresses of this machine, during the context.

    Raises:
      OSError: if the kernel has no free port left.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_bound()) for _ in range(count)]
        yield tuple(int(each.getsockname()[1]) for each in sockets)


@contextlib.contextmanager
def held_at(port: int) -> Iterator[int]:
    """Holds the port with this number as `held` does, and yields the number. 0 holds any free port.

    Raises:
      OSError: if another process has the port.
    """
    with _bound(port) as each:
        yield int(each.getsockname()[1])


def _bound(port: int = 0) -> socket.socket:
    held_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # All addresses, because TensorFlow's server binds all addresses.
        held_socket.bind(("", port))
    except BaseException:
        held_socket.close()
        raise
    return held_socket
