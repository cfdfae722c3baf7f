"""Follows the process of a rank from the attempt: shows its lines as they come, and puts its end on a queue."""

from __future__ import annotations

import collections
import queue
import signal
import threading
import time
from typing import Any

from limbeck.launchers.failure import Exit
from limbeck.launchers.far_output import LAST_LINES, pass_on, readable
from limbeck.launchers.ray.placement import Place

_LOOK_SECONDS = 0.25
# Replaces the exit code of a process that is gone with its actor, because its real exit code is unknown.
_LOST = -signal.SIGKILL


class RankProcess:
    """The process of one rank. Implements `limbeck.launchers.failure.Ended`.

    Attributes:
      lost: why its actor is gone or does not answer, in Ray's words; None while it answers.
    """

    def __init__(self, rank: int, title: str, place: Place, actor: Any, exits: queue.SimpleQueue[Exit]) -> None:
        """Follows a process that its actor has started. Puts its end on `exits`."""
        self.rank, self.title, self.place, self._actor = rank, title, place, actor
        self.lost: str | None = None
        self._lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._thread = threading.Thread(target=self._follow, args=(exits,), name=f"rank-{rank}", daemon=True)
        self._thread.start()

    def last_lines(self) -> tuple[str, ...]:
        """Returns the last lines of its output."""
        return tuple(self._lines)

    def terminate(self) -> None:
        """Asks the process to save and to end, and does not wait."""
        self._actor.terminate.remote()

    def wait(self, deadline: float) -> None:
        """Waits until the process has ended, or `time.monotonic()` has reached `deadline`."""
        self._thread.join(max(0.0, deadline - time.monotonic()))

    def _follow(self, exits: queue.SimpleQueue[Exit]) -> None:
        import ray
        from ray.exceptions import ActorUnavailableError, RayError

        seen = 0
        while True:
            try:
                look = ray.get(self._actor.look.remote(seen, _LOOK_SECONDS))
            except ActorUnavailableError as error:
                # The actor may come back. If it does not, Ray reports some seconds later that it is dead, and its node,
                # too.
                self.lost = first_line(error)
                time.sleep(_LOOK_SECONDS)
                continue
            except RayError as error:
                self.lost = first_line(error)
                exits.put(Exit(self.rank, _LOST))
                return
            except Exception as error:  # the connection is being closed: nobody waits for this process any more
                self.lost = first_line(error)
                return
            self.lost = None
            for line in look.lines:
                self._lines.append(readable(line))
                pass_on(self.title, line)
            seen = look.seen
            if look.code is not None:
                exits.put(Exit(self.rank, look.code))
                return


def first_line(error: BaseException) -> str:
    """Returns the first line of Ray's message, which fills a page."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
