"""Answers several waiting requests with one call of the model.

A call for 32 examples costs little more than a call for one example, and the thread of a call costs as much as a small
model. So one call runs at a time, and the requests that arrive during a call form the next batch. On an idle server, no
request waits for others, and a busy server makes large batches. The batches are collected on the event loop, and not in
threads, because a thread that waits for a batch cannot answer other requests.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
from collections.abc import Callable

import numpy as np

from limbeck.server.signature import Arrays
from limbeck.server.tensors import Array, batch_of


@dataclasses.dataclass(frozen=True)
class Batches:
    """How requests are put together.

    Attributes:
      size: the most examples in a call. A larger request gets its own call.
      milliseconds: how long a request waits for others if no call is running.
    """

    size: int
    milliseconds: float

    def __post_init__(self) -> None:
        """Raises ValueError for sizes below 1, times below 0 and times that are not a number."""
        if self.size < 1 or not self.milliseconds >= 0:
            raise ValueError(f"a batch must have at least 1 example and wait at least 0 ms; received {self}")


@dataclasses.dataclass(frozen=True)
class _Request:
    arrays: Arrays
    rows: int
    answer: asyncio.Future[dict[str, Array]]

    @property
    def form(self) -> list[tuple[int, ...]]:
        """The shapes of an example. Requests with other shapes cannot be in the same batch."""
        return [array.shape[1:] for array in self.arrays.values()]


class Gatherer:
    """Answers several requests with one call. All requests must come from one event loop."""

    def __init__(self, call: Callable[[Arrays], dict[str, Array]], batches: Batches) -> None:
        """Takes a function of arrays by name, whose first axis is the batch, and how to put requests together."""
        self._call, self._batches = call, batches
        self._waiting: collections.deque[_Request] = collections.deque()
        self._rows = 0
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, arrays: Arrays) -> dict[str, Array]:
        """Returns the answers for a request. Raises what the function raises for this request alone."""
        request = _Request(arrays, batch_of(arrays), asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._rows += request.rows
        if self._rows >= self._batches.size:
            self._enough.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await request.answer

    async def _run(self) -> None:
        """Makes calls until no request waits."""
        try:
            while self._waiting:
                if self._batches.milliseconds and self._rows < self._batches.size:
                    await self._gather()
                await self._answer(self._taken())
        finally:
            self._task = None

    async def _gather(self) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._enough.wait(), self._batches.milliseconds / 1000)

    def _taken(self) -> list[_Request]:
        """Takes the requests of the next call, in their order."""
        taken = [self._waiting.popleft()]
        rows, form = taken[0].rows, taken[0].form
        while (
            self._waiting and rows + self._waiting[0].rows <= self._batches.size and self._waiting[0].form == form
        ):
            taken.append(self._waiting.popleft())
            rows += taken[-1].rows
        self._rows -= rows
        if self._rows < self._batches.size:
            self._enough.clear()
        return taken

    async def _answer(self, requests: list[_Request]) -> None:
        try:
            answers = await asyncio.to_thread(self._together, requests)
        except Exception as error:
            if len(requests) == 1:
                _settle(requests[0].answer, error)
                return
            # One request is wrong. The others must not fail because of it.
            for request in requests:
                await self._answer([request])
            return
        for request, answer in zip(requests, answers, strict=True):
            _settle(request.answer, answer)

    def _together(self, requests: list[_Request]) -> list[dict[str, Array]]:
        if len(requests) == 1:
            return [self._call(requests[0].arrays)]
        joined = {name: np.concatenate([one.arrays[name] for one in requests]) for name in requests[0].arrays}
        answers, ends = self._call(joined), np.cumsum([one.rows for one in requests])
        return [
            {name: array[end - one.rows : end] for name, array in answers.items()}
            for one, end in zip(requests, ends, strict=True)
        ]


def _settle(future: asyncio.Future[dict[str, Array]], told: dict[str, Array] | Exception) -> None:
    # The client may have gone.
    if future.done():
        return
    if isinstance(told, Exception):
        future.set_exception(told)
    else:
        future.set_result(told)
