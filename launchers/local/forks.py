"""Starts processes as forks of a process that has imported TensorFlow, such as `limbeck.trainer.fork_server`.

A process is forked only if the fork behaves like a program that was started. A GPU's driver and some libraries do not
survive a fork. Environment variables that an interpreter or a library reads at its start must be equal in the server
and in the fork. So a server serves one environment; only variables that no import reads may differ. In case of doubt,
`start` returns None, and the caller starts a program.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from limbeck.launchers.local import gpus
from limbeck.launchers.local.environment import PER_PROCESS
from limbeck.trainer import fork_server
from limbeck.trainer.fork_server import Request

_log = logging.getLogger(__name__)
_KILLED = -signal.SIGKILL
# A short wait is enough, because a launcher ends its processes before it ends the server.
_PATIENCE_SECONDS = 30


class Fork:
    """A forked process, with those methods of `subprocess.Popen` that a launcher needs."""

    def __init__(self, output: TextIO | None, status: TextIO) -> None:
        """Takes the reading ends of two pipes: its output (if there is one) and its status.

        Raises OSError if the process was never started, or was killed because it cannot be watched.
        """
        self.stdout, self._status = output, status
        told = status.readline()
        if not told:
            raise ProcessLookupError("the fork server has ended")
        self.pid = int(told)
        try:
            self._handle: int | None = os.pidfd_open(self.pid)
        except ProcessLookupError:
            # The process has already ended.
            self._handle = None
        except OSError:
            # This process has too many open files. The fork is killed, because the caller starts another process for
            # the same work.
            os.kill(self.pid, signal.SIGKILL)
            raise

    def wait(self) -> int:
        """Waits until it has ended. Returns its exit code, or the negative number of the signal that killed it."""
        with self._status as status:
            # If the server was killed, the kernel has killed its forks.
            return int(status.readline() or _KILLED)

    def terminate(self) -> None:
        """Asks it to end (SIGTERM)."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kills it (SIGKILL)."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            os.close(handle)


class ForkServer:
    """The launcher's end of a fork server."""

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        """Starts the program of a module as the server, with these variables. It can fork after some seconds."""
        self.variables, self._ready = dict(variables), False
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())],
                cwd="/",
                env=self.variables,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def start(self, request: Request, output: int | None = None) -> Fork:
        """Starts a process. Waits until the server has imported everything.

        Args:
          request: the program to run.
          output: file descriptor of its output; None for a pipe, `Fork.stdout`.

        Raises:
          OSError: if the server has ended, or cannot serve. It has written the reason to standard error.
        """
        if not self._ready:
            if self._socket.recv(len(fork_server.READY), socket.MSG_WAITALL) != fork_server.READY:
                raise ChildProcessError("the fork server did not begin to serve")
            self._ready = True
        lines = None
        status, its_status = os.pipe()
        theirs = [its_status]
        if output is None:
            reading, output = os.pipe()
            theirs.append(output)
            lines = io.TextIOWrapper(io.FileIO(reading), "utf-8", errors="replace")
        ended = io.TextIOWrapper(io.FileIO(status), "ascii")
        try:
            socket.send_fds(self._socket, [b"\n"], [output, its_status])
            self._socket.sendall(f"{json.dumps(dataclasses.asdict(request))}\n".encode())
        finally:
            for handle in theirs:
                os.close(handle)
        return Fork(lines, ended)

    def retire(self) -> None:
        """Lets the server end when all of its forks have ended."""
        self._socket.close()

    def has_ended(self) -> bool:
        """Returns whether the server has ended. If so, reaps it."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Waits until the server has ended. Kills it and its forks if that takes long."""
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Forks:
    """The fork servers of one module: the current one, and older ones that get no more requests."""

    def __init__(self, module: str) -> None:
        """Starts nothing yet.

        Args:
          module: program of the servers, which calls `limbeck.trainer.fork_server.main`.
        """
        self._module, self._lock, self._owner = module, threading.Lock(), 0
        self._current: ForkServer | None = None
        self._retired: list[ForkServer] = []
        # The environment of a server that could not serve.
        self._refused: Mapping[str, str] | None = None
        _ALL.append(self)

    def start(self, request: Request, output: int | None = None, *, anew: bool = True) -> Fork | None:
        """Starts a program as a fork. Returns None if the caller must start it as a program instead.

        Args:
          request: as in `ForkServer.start`.
          output: as in `ForkServer.start`.
          anew: whether to start a server if there is none.
        """
        with self._lock:
            if not self._is_safe(request.variables) or not (anew or self._standing(request.variables)):
                return None
            # A server may have been killed since its last request.
            for _ in range(2):
                try:
                    return self._server(request.variables).start(request, output)
                except ChildProcessError as error:
                    _log.warning("processes are started one by one: %s", error)
                    self._retire()
                    self._refused = _shared(request.variables)
                    break
                except OSError as error:
                    _log.warning("the fork server is started again: %s", error)
                    self._retire()
                except BaseException:
                    # Interrupted in the middle of a request: the server would take the next request for the rest of
                    # this one.
                    self._retire()
                    raise
        return None

    def prepare(self, variables: Mapping[str, str]) -> None:
        """Starts the server for an environment. It imports while the caller does other work."""
        with self._lock, contextlib.suppress(OSError):
            if self._is_safe(variables):
                self._server(variables)

    def stop(self) -> None:
        """Ends the servers of this process, and all of their forks."""
        with self._lock:
            self._retire()
            for server in self._retired:
                server.end()
            self._retired.clear()

    def _is_safe(self, variables: Mapping[str, str]) -> bool:
        here = sys.platform == "linux" and hasattr(os, "pidfd_open") and gpus.gpu_count() == 0
        return here and self._refused != _shared(variables)

    def _server(self, variables: Mapping[str, str]) -> ForkServer:
        """Returns the server for an environment. Retires a server for another environment."""
        server = self._standing(variables)
        if server is None:
            self._retire()
            server = self._current = ForkServer(self._module, _shared(variables))
            # The server is waited for, because its processor time counts for this process only then.
            atexit.unregister(stop)
            atexit.register(stop)
        return server

    def _standing(self, variables: Mapping[str, str]) -> ForkServer | None:
        """Returns the server for an environment, if there is one."""
        current = self._current
        fits = current is not None and self._owner == os.getpid() and current.variables == _shared(variables)
        return current if fits else None

    def _retire(self) -> None:
        """Sends no more requests to the server. If this process is a fork, forgets the servers of its parent."""
        if self._owner != os.getpid():
            self._current, self._owner = None, os.getpid()
            self._retired.clear()
        if self._current is not None:
            self._current.retire()
            self._retired.append(self._current)
            self._current = None
        self._retired[:] = [server for server in self._retired if not server.has_ended()]


_ALL: list[Forks] = []
_TRAINING = Forks(fork_server.__name__)


def start(program: str, arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> Fork | None:
    """Starts a program of a training as a fork. Returns None where it has to be started as a program instead.

    A server is started for training processes only. Other programs are forked if there is a server, because starting
    one takes longer than starting the program.

    Args:
      program: its module.
      arguments: its arguments.
      variables: its whole environment.
      folder: its working directory.
    """
    if program not in fork_server.PROGRAMS:
        return None
    request = Request(program, list(arguments), dict(variables), str(folder))
    return _TRAINING.start(request, anew=program == fork_server.WORKER)


def prepare(variables: Mapping[str, str]) -> None:
    """Starts the server of trainings. It imports while the caller does other work.

    Args:
      variables: the environment of a training process.
    """
    _TRAINING.prepare(variables)


def stop() -> None:
    """Ends all servers of this process, and all of their forks."""
    for forks in _ALL:
        forks.stop()


def _shared(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in PER_PROCESS}
