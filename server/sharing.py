"""The tasks of a server that is one of several workers on the same ports (`limbeck.server.workers`).

When its model is loaded, a worker listens on a port that other workers share, and reports this to its parent. It ends
when its parent is gone. Both use its standard input, which is a socket: the socket closes with the parent, however the
parent ends. A signal of the kernel at the parent's death would end the worker in the middle of a request.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any

from limbeck import temporary
from limbeck.server import ports

READY = b"r"
_PATIENCE_SECONDS = 40.0


def end_with_parent() -> None:
    """From now on, this process ends as after SIGTERM when its parent is gone. If it does not, it is ended at once."""
    threading.Thread(target=_follow, args=[sys.stdin.fileno(), os.getppid()], name="parent", daemon=True).start()


def rest_server() -> Any:
    """Returns KServe's class of a REST server, on a shared port. The server tells the parent when it answers."""
    from kserve.protocol.rest.server import RESTServer

    class SharedRESTServer(RESTServer):
        async def start(self) -> None:
            self.create_application()
            # uvicorn calls this after its start, and then repeatedly.
            self.config.callback_notify = _tell_ready
            await self._server.serve(sockets=[ports.shared(self.config.port)])

    return SharedRESTServer


async def _tell_ready() -> None:
    # If the parent is gone, there is nobody to tell.
    with contextlib.suppress(OSError):
        os.write(sys.stdin.fileno(), READY)


def _follow(line: int, parent: int) -> None:
    # If the other side closes without reading the last message, reading raises an error.
    with contextlib.suppress(ConnectionError):
        while os.read(line, 1):
            pass
    # The line may end before the lock on the folder of metrics, which the parent can no longer remove.
    deadline = time.monotonic() + 1
    while os.getppid() == parent and time.monotonic() < deadline:
        time.sleep(0.01)
    temporary.sweep()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE_SECONDS)
    os._exit(1)
