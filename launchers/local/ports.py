"""Free ports that stay free until a training process listens on them.

To ask the kernel for a free port, close the socket and pass the number on is a race: between
closing and the worker's bind lie seconds of importing TensorFlow, in which any other process may be
given that port. So the socket stays open: bound, never listening, with SO_REUSEADDR. The kernel
then gives the port to nobody who asks for *some* port and refuses it to whoever binds it without
SO_REUSEADDR; but gRPC, which sets that option, may bind it by its number and listen. A socket that
does not listen is sent no connection, so nothing has to be let go in time: the ports are held until
the job has ended. (SO_REUSEPORT in its place breaks gRPC.)
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held(count: int) -> Iterator[tuple[int, ...]]:
    """Holds `count` different TCP ports, on all addresses of this machine, while the context lasts.

    Raises:
      OSError: where the kernel has no free port left.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_bound()) for _ in range(count)]
        yield tuple(int(each.getsockname()[1]) for each in sockets)


def _bound() -> socket.socket:
    held_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # All addresses, because that is what TensorFlow's server binds.
        held_socket.bind(("", 0))
    except BaseException:
        held_socket.close()
        raise
    return held_socket
