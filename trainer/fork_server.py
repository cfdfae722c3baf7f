"""Starts processes that need not import TensorFlow: they are forks of one process that has imported it.

A training process imports TensorFlow, Keras and TensorFlow Transform before it does anything. That takes seconds of a
core, and a run starts a dozen such processes. So one process imports these packages once. Each training process is a
fork of it, and so is the process that measures latencies:

    launcher --socket-- fork server --fork-- training process

The launcher's own process cannot be forked: a fork has only the thread that forked, and waits for ever for locks that
other threads held, such as those of TensorFlow's pools. So the fork server only imports, and does not use TensorFlow.
If it has threads nonetheless, it tells the launcher that it cannot serve.

The variables, folder, files and signal handlers of a fork are those of a program that was just started. Two things
differ. `ps` shows the command of the server, so the fork gives itself a name. And its parent is the server. If the
launcher dies, the server kills all forks. If the server dies, the kernel kills them.

A request is one byte with two files, its output and its status, and a line of JSON with a `Request`. The server writes
two lines to the status: the process id, and the exit code as `subprocess.Popen.returncode` has it.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import multiprocessing.connection
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from limbeck import importing
from limbeck.trainer.process import lifeline

READY = b"ready\n"
WORKER = "limbeck.trainer.worker"
# Modules with `main(arguments) -> int`, which need no other packages than those that the server has imported.
PROGRAMS = (WORKER, "limbeck.trainer.serving.latency")
PACKAGES = ("tensorflow", "tf_keras", "tensorflow_transform", "limbeck.trainer.training")
# The thread of pyarrow's allocator. It ends before a fork, and starts again after it.
_HARMLESS_THREADS = {"jemalloc_bg_thd"}
_Handler = Any


@dataclasses.dataclass(frozen=True)
class Request:
    """A program that a fork becomes.

    Attributes:
      program: its module, with `main(arguments) -> int`; for a training, one of `PROGRAMS`.
      arguments: its arguments.
      variables: its whole environment.
      folder: its working directory.
    """

    program: str
    arguments: list[str]
    variables: dict[str, str]
    folder: str


@dataclasses.dataclass(frozen=True)
class _Asked:
    """A request, and the files that came with it."""

    request: Request
    output: int
    status: int


@dataclasses.dataclass(frozen=True)
class _Child:
    process: int
    status: int


def main(number: int, launcher: int, prepare: Callable[[], None]) -> int:
    """Serves requests until the launcher closes the socket or ends. In a fork, returns the exit code of the program.

    Args:
      number: file descriptor of the socket.
      launcher: its process id.
      prepare: imports what the programs need, and starts no thread.
    """
    # A terminal sends its signals to all processes. This process ignores them, because training processes have to save,
    # and need their parent.
    handlers = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM)}
    watched = os.pidfd_open(launcher)
    if os.getppid() != launcher:
        return 1
    with importing.for_good():
        prepare()
    connection = socket.socket(fileno=number)
    threads = other_threads()
    if threads:
        sys.stderr.write(f"the fork server has threads, and cannot fork: {', '.join(threads)}\n")
        return 1
    # If the launcher was interrupted in the meantime, it does not listen.
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(READY)
    request = _serve(connection, watched)
    if request is None:
        return 0
    for one, handler in handlers.items():
        signal.signal(one, handler)
    import importlib

    return int(importlib.import_module(request.program).main(request.arguments))


def _import() -> None:
    import importlib

    for name in PACKAGES:
        importlib.import_module(name)
    from limbeck.digests.code import code_digest
    from limbeck.trainer.job import TRAINING

    # Each training process needs a digest of its code, which mostly takes the time to read some 200 source files. They
    # are read here once. The cache goes by the content of a file, so a fork notices an edit.
    code_digest((TRAINING,))


def other_threads() -> list[str]:
    """Returns the names of this process's threads, without the main thread and those that are safe at a fork."""
    threads = [each for each in Path("/proc/self/task").iterdir() if int(each.name) != os.getpid()]
    names = [(each / "comm").read_text(encoding="utf-8").strip() for each in threads]
    return [name for name in names if name not in _HARMLESS_THREADS]


def _serve(connection: socket.socket, launcher: int) -> Request | None:
    """Forks at each request. Returns the request in the fork, and None in the server when its work is done."""
    children: dict[int, _Child] = {}
    asking: list[socket.socket] = [connection]
    server = os.getpid()
    try:
        while asking or children:
            # `select` would refuse file descriptors from 1,024 on.
            ready = multiprocessing.connection.wait([launcher, *asking, *children])
            for ended in children.keys() & ready:
                _tell_end(ended, children.pop(ended))
            if launcher in ready:
                return None
            if connection in ready:
                asked = _receive(connection)
                if asked is None:
                    asking.clear()
                elif _fork(asked, children):
                    _close(launcher, connection.detach(), *children, *(one.status for one in children.values()))
                    children.clear()
                    _become(asked, server)
                    return asked.request
    finally:
        for one in children.values():
            os.kill(one.process, signal.SIGKILL)
    return None


def _fork(asked: _Asked, children: dict[int, _Child]) -> bool:
    """Returns True in the fork. Returns False in the server, which has the fork among its children then."""
    try:
        child = os.fork()
    except OSError as error:
        # The launcher sees a status without a process id. The other forks go on.
        sys.stderr.write(f"the fork server cannot fork: {error}\n")
        _close(asked.output, asked.status)
        return False
    if not child:
        _close(asked.status)
        return True
    _close(asked.output)
    children[os.pidfd_open(child)] = _Child(child, asked.status)
    if not _told(asked.status, child):
        # If the launcher was interrupted in the meantime, it does not know about this fork.
        os.kill(child, signal.SIGKILL)
    return False


def _close(*handles: int) -> None:
    for handle in handles:
        os.close(handle)


def _receive(connection: socket.socket) -> _Asked | None:
    first, files, _, _ = socket.recv_fds(connection, 1, 2)
    if not first:
        return None
    line = b""
    while not line.endswith(b"\n"):
        chunk = connection.recv(1 << 16)
        if not chunk:
            # The launcher was interrupted in the middle of a request.
            _close(*files)
            return None
        line += chunk
    return _Asked(Request(**json.loads(line)), *files)


def _tell_end(handle: int, child: _Child) -> None:
    _, status = os.waitpid(child.process, 0)
    # The launcher may have closed the status.
    _told(child.status, os.waitstatus_to_exitcode(status))
    _close(child.status, handle)


def _told(status: int, number: int) -> bool:
    """Writes a line to a status. Returns whether the other side can read it."""
    try:
        os.write(status, f"{number}\n".encode())
    except OSError:
        return False
    return True


def _become(asked: _Asked, server: int) -> None:
    """Gives a fork the state of a program that was just started. If `server` has died by now, the fork must die."""
    import tempfile

    import numpy as np

    request = asked.request
    os.dup2(asked.output, 1)
    os.dup2(asked.output, 2)
    os.close(asked.output)
    os.chdir(request.folder)
    sys.path[0] = request.folder
    sys.argv = [sys.argv[0], *request.arguments]
    os.environ.clear()
    os.environ.update({**request.variables, lifeline.ENVIRONMENT: str(server)})
    # State that depends on the environment, and random state that would be the same in all forks.
    tempfile.tempdir = None
    random.seed()
    np.random.seed()


def leave(code: int) -> NoReturn:
    """Ends this process as an interpreter does, but does not clear any module.

    Clearing modules would take a fork two seconds of a core, because it would copy the memory of the server.
    """
    # Waits for threads. It first tells the threads of `concurrent.futures` to end, which would otherwise wait for work
    # for ever.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main(int(sys.argv[1]), int(sys.argv[2]), _import))
