"""Reports the port of a server to the process that started the server.

The server takes any free port, so the port is not known before. A file would have to be polled. The end of a pipe is an
event, which also occurs if the server dies.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence

from limbeck.errors import UserError

_PATIENCE_SECONDS = 10.0
# The first start of Java on a slow machine takes half a minute.
_COLD_SECONDS, _LOOK_SECONDS = 120.0, 0.5


class NotStartedError(UserError):
    """A server ended before it listened."""


def tell(descriptor: int | None, address: str) -> None:
    """Writes the address to a file descriptor, and closes it. Does nothing for None."""
    if descriptor is not None:
        with os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
            pipe.write(f"{address}\n")


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], what: str) -> Iterator[str]:
    """Starts a server, and yields its address when it listens. Args, errors and end are as for `starting`."""
    with starting(command, environment, what) as address:
        yield address()


@contextlib.contextmanager
def starting(command: Sequence[str], environment: Mapping[str, str], what: str) -> Iterator[Callable[[], str]]:
    """Starts a server. Yields a function that waits until it listens, and returns its address. Ends it at the end.

    Args:
      command: starts the server; the option `--ready-descriptor` is added.
      environment: variables of the server.
      what: the server, in words.

    Raises:
      NotStartedError: from the yielded function, if the server has ended before it listened.
    """
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            [*command, f"--ready-descriptor={writer}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[writer],
        )
    finally:
        os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:

        def address() -> str:
            found = pipe.readline().strip()
            if not found:
                raise NotStartedError(f"{what} did not start, and the log says why: exit code {process.wait()}")
            return found

        try:
            yield address
        finally:
            end(process)


def await_answer(process: subprocess.Popen[bytes], address: str, what: str) -> None:
    """Waits until a server that cannot report its address answers by gRPC.

    Args:
      process: the server.
      address: the address at which it will listen.
      what: the server, in words.

    Raises:
      NotStartedError: if it ends before it answers, or does not answer within two minutes.
    """
    import grpc

    with grpc.insecure_channel(address) as channel:
        answer = grpc.channel_ready_future(channel)
        for _ in range(int(_COLD_SECONDS / _LOOK_SECONDS)):
            with contextlib.suppress(grpc.FutureTimeoutError):
                answer.result(_LOOK_SECONDS)
                return
            if process.poll() is not None:
                raise NotStartedError(
                    f"{what} ended with exit code {process.poll()} before it answered; the log says why"
                )
    raise NotStartedError(f"{what} did not answer in {_COLD_SECONDS:.0f} seconds; the log says more")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process: by SIGTERM, and after ten seconds by SIGKILL."""
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
