"""Sends a load over HTTP, and takes down when each request was answered.

It shares the machine with the server, so it does little: the bytes of a request are made before, connections stay open,
and of an answer only its code and its length are read. A request that finds no free connection waits in the client, and
its wait counts.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import gc
import re
import selectors
from collections.abc import Callable

import numpy as np

from benchmarks.serving.load import Outcome, Seconds

_HEADER = re.compile(
    rb"HTTP/1\.[01] ([0-9]{3})[^\r]*\r\n.*?content-length: *([0-9]+)\r\n", re.IGNORECASE | re.DOTALL
)
_OK = 200


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked again and again.

    Attributes:
      port: where the server listens on this machine.
      path: of the URL.
      body: of the request.
      headers: beside the length of the body.
    """

    port: int
    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)

    @property
    def wire(self) -> bytes:
        """The bytes that are sent."""
        headers = [("Host", f"127.0.0.1:{self.port}"), *self.headers, ("Content-Length", str(len(self.body)))]
        lines = [f"POST {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode() + self.body


def send(request: Request, rate: float, times: Seconds, connections: int, patience: float) -> Outcome:
    """Sends a request at each of the times. Returns what happened.

    Args:
      request: what is sent.
      rate: what the times were made for, for the outcome.
      times: seconds from the beginning, in order.
      connections: at most so many requests are on their way.
      patience: how many seconds after the last arrival answers are waited for.

    Raises:
      OSError: if the server cannot be reached.
    """
    # epoll waits for whole milliseconds, select for microseconds: a request would begin 0.5 ms late on average.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    gc.collect()
    gc.disable()
    try:
        return loop.run_until_complete(_Load(request, rate, times, loop).run(connections, patience))
    finally:
        gc.enable()
        loop.close()


class _Load:
    def __init__(self, request: Request, rate: float, times: Seconds, loop: asyncio.AbstractEventLoop) -> None:
        self._request, self._rate, self._times, self._loop = request, rate, times, loop
        self._plan = times.tolist()
        self._late, self._answered = np.zeros(len(times)), np.full(len(times), np.nan)
        self._failures = 0
        self._open = len(times)
        self._free: list[_Connection] = []
        self._waiting: collections.deque[int] = collections.deque()
        self._next = 0
        self._begin = 0.0
        self._done = asyncio.Event()

    async def run(self, connections: int, patience: float) -> Outcome:
        made = []
        for _ in range(connections):
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._request.wire, self._finished), "127.0.0.1", self._request.port
            )
            made.append(connection)
        self._free = list(made)
        self._begin = self._loop.time() + 0.05
        self._loop.call_at(self._begin + self._plan[0], self._arrive)
        try:
            await asyncio.wait_for(self._done.wait(), self._plan[-1] + patience)
        except asyncio.TimeoutError:
            pass
        finally:
            for connection in made:
                connection.close()
        return Outcome(self._rate, self._times, self._late, self._answered, self._failures)

    def _arrive(self) -> None:
        """Takes every request whose time has come."""
        now = self._loop.time() - self._begin
        while self._next < len(self._plan) and self._plan[self._next] <= now:
            number, self._next = self._next, self._next + 1
            self._late[number] = now - self._plan[number]
            if self._free:
                self._free.pop().ask(number)
            else:
                self._waiting.append(number)
        if self._next < len(self._plan):
            self._loop.call_at(self._begin + self._plan[self._next], self._arrive)

    def _finished(self, connection: _Connection, number: int, code: int) -> None:
        self._answered[number] = self._loop.time() - self._begin
        self._failures += code != _OK
        self._open -= 1
        if not self._open:
            self._done.set()
        if self._waiting:
            connection.ask(self._waiting.popleft())
        else:
            self._free.append(connection)


class _Connection(asyncio.Protocol):
    """One connection that stays open, with one request at a time."""

    def __init__(self, wire: bytes, finished: Callable[[_Connection, int, int], None]) -> None:
        self._wire, self._finished = wire, finished
        self._received = b""
        self._number: int | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP gives one
        self._transport = transport

    def ask(self, number: int) -> None:
        assert self._transport is not None  # noqa: S101  # create_connection has returned
        self._number = number
        self._transport.write(self._wire)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._number is None:
            return
        header = _HEADER.match(self._received, 0, end + 2)
        if header is None:
            raise ValueError(f"an answer must tell its length; received {self._received[:200]!r}")
        if len(self._received) < end + 4 + int(header[2]):
            return
        number, self._number, self._received = self._number, None, b""
        self._finished(self, number, int(header[1]))

    def close(self) -> None:
        assert self._transport is not None  # noqa: S101  # create_connection has returned
        self._transport.abort()
