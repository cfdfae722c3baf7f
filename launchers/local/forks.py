"""Starts processes as forks of a process that has imported TensorFlow: `limbeck.trainer.fork_server`.

It does so only where a fork does the same as a program that is started. A GPU's driver and some libraries do not
survive a fork. Variables that an interpreter or a library reads when it starts must be the same in the server and in
the fork. So a server serves one environment, but for the variables that differ from process to process. Where there is
a doubt, `start` returns None, and the caller starts a program.
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
# A launcher has ended its processes before it asks for the end of the server.
_PATIENCE_SECONDS = 30


class Fork:
    """A training process, with what a launcher asks of a `subprocess.Popen`."""

    def __init__(self, output: TextIO, status: TextIO) -> None:
        """Takes the reading ends of its two pipes. Raises OSError if it was never started."""
        self.stdout, self._status = output, status
        told = status.readline()
        if not told:
            raise ProcessLookupError("the fork server has ended")
        self.pid = int(told)
        try:
            self._handle: int | None = os.pidfd_open(self.pid)
        except ProcessLookupError:
            # It has ended already.
            self._handle = None

    def wait(self) -> int:
        """Waits until it has ended. Returns its exit code, or the negative number of the signal that killed it."""
        with self._status as status:
            # Where the server was killed, the kernel has killed its forks.
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

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Starts one with these variables. It takes seconds until it forks."""
        self.variables, self._ready = dict(variables), False
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", fork_server.__name__, str(theirs.fileno()), str(os.getpid())],
                cwd="/",
                env=self.variables,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def start(self, request: Request) -> Fork:
        """Starts a process. Waits until the server has imported everything.

        Raises:
          OSError: if the server has ended, or cannot serve. It has said why on standard error.
        """
        if not self._ready:
            if self._socket.recv(len(fork_server.READY), socket.MSG_WAITALL) != fork_server.READY:
                raise ChildProcessError("the fork server did not begin to serve")
            self._ready = True
        output, its_output = os.pipe()
        status, its_status = os.pipe()
        reading = (
            io.TextIOWrapper(io.FileIO(output), "utf-8", errors="replace"),
            io.TextIOWrapper(io.FileIO(status), "ascii"),
        )
        try:
            socket.send_fds(self._socket, [b"\n"], [its_output, its_status])
            self._socket.sendall(f"{json.dumps(dataclasses.asdict(request))}\n".encode())
        finally:
            os.close(its_output)
            os.close(its_status)
        return Fork(*reading)

    def retire(self) -> None:
        """Lets it end when all that it forked has ended."""
        self._socket.close()

    def has_ended(self) -> bool:
        """Returns whether it has ended. Then nothing is left of it."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Waits until it has ended; kills it and all that it forked if that takes long."""
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Current:
    """The server of this process, and those that are not asked any more."""

    lock = threading.Lock()
    server: ForkServer | None = None
    retired: list[ForkServer] = []  # noqa: RUF012  # guarded by the lock
    owner = 0
    # An environment for which a server could not serve.
    refused: Mapping[str, str] | None = None


def start(program: str, arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> Fork | None:
    """Starts a program as a fork. Returns None where it has to be started as a program instead.

    A server is started for training processes. Another program is forked where one stands already: to start one for it
    would take longer than to start the program.

    Args:
      program: its module.
      arguments: its arguments.
      variables: its whole environment.
      folder: its working directory.
    """
    if program not in fork_server.PROGRAMS:
        return None
    request = Request(program, list(arguments), dict(variables), str(folder))
    with _Current.lock:
        if not _is_safe(variables) or not (program == fork_server.WORKER or _stands(variables)):
            return None
        # A server may have been killed since it served last.
        for _ in range(2):
            try:
                return _server(variables).start(request)
            except ChildProcessError as error:
                _log.warning("training processes are started one by one: %s", error)
                _retire()
                _Current.refused = _shared(variables)
                break
            except OSError as error:
                _log.warning("the fork server is started again: %s", error)
                _retire()
    return None


def prepare(variables: Mapping[str, str]) -> None:
    """Starts the server, which imports while the caller does something else.

    Args:
      variables: the environment of a training process.
    """
    with _Current.lock, contextlib.suppress(OSError):
        if _is_safe(variables):
            _server(variables)


def stop() -> None:
    """Ends the servers of this process, and all that they forked."""
    with _Current.lock:
        _retire()
        for server in _Current.retired:
            server.end()
        _Current.retired.clear()


def _is_safe(variables: Mapping[str, str]) -> bool:
    here = sys.platform == "linux" and hasattr(os, "pidfd_open") and gpus.gpu_count() == 0
    return here and _Current.refused != _shared(variables)


def _server(variables: Mapping[str, str]) -> ForkServer:
    """Returns the server for an environment, and retires one for another."""
    if not _stands(variables):
        _retire()
        _Current.server = ForkServer(_shared(variables))
        # Whoever measures this process counts the server only if it was waited for.
        atexit.unregister(stop)
        atexit.register(stop)
    assert _Current.server is not None  # noqa: S101
    return _Current.server


def _stands(variables: Mapping[str, str]) -> bool:
    """Returns whether there is a server for an environment."""
    current = _Current.server
    return current is not None and _Current.owner == os.getpid() and current.variables == _shared(variables)


def _retire() -> None:
    """Asks the server for nothing more. Forgets those of a process that this one is a fork of."""
    if _Current.owner != os.getpid():
        _Current.server, _Current.owner = None, os.getpid()
        _Current.retired.clear()
    if _Current.server is not None:
        _Current.server.retire()
        _Current.retired.append(_Current.server)
        _Current.server = None
    _Current.retired[:] = [server for server in _Current.retired if not server.has_ended()]


def _shared(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in PER_PROCESS}
