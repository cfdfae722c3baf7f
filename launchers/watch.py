"""Waits until all processes of one attempt have ended, or until the cause of the first failure is known."""

from __future__ import annotations

import dataclasses
import logging
import queue
import time
from collections.abc import Mapping

from limbeck.launchers.failure import Ending, Exit, by_signal, describe, read_failure
from limbeck.launchers.heartbeat import Pulses

_log = logging.getLogger(__name__)


@dataclasses.dataclass
class _Watch:
    exits: queue.SimpleQueue[Exit]
    failures: Mapping[int, str]
    pulses: Pulses
    settle: float
    living: set[int]
    serving: frozenset[int]
    expendable: frozenset[int]
    failed: list[Exit] = dataclasses.field(default_factory=list)
    deadline: float = float("inf")

    def run(self) -> Ending:
        while self.living - self.serving and time.monotonic() < self.deadline:
            latest = self._next_exit()
            self.pulses.look()
            if latest is not None:
                self.living.remove(latest.rank)
                if latest.rank in self.expendable and self.living & self.expendable:
                    _log.warning("rank %d %s; training goes on without it", latest.rank, describe(latest.code))
                    continue
                # Processes that serve never end by themselves.
                if (latest.code != 0 or latest.rank in self.serving) and self._explains(latest):
                    break
            hung = self.pulses.hung(self.living)
            if hung:
                return Ending(tuple(self.failed), hung)
        return Ending(tuple(self.failed), self.pulses.suspicious(self.living) if self.failed else {})

    def _next_exit(self) -> Exit | None:
        until_deadline = max(0.0, self.deadline - time.monotonic())
        try:
            return self.exits.get(timeout=min(self.pulses.interval, until_deadline))
        except queue.Empty:
            return None

    def _explains(self, latest: Exit) -> bool:
        """Records a failure. Returns whether it is certainly not a consequence of another failure."""
        self.failed.append(latest)
        self.deadline = min(self.deadline, time.monotonic() + self.settle)
        failure = read_failure(self.failures[latest.rank])
        return by_signal(latest.code) or (failure is not None and failure.explains)


def watch(
    exits: queue.SimpleQueue[Exit],
    failures: Mapping[int, str],
    pulses: Pulses,
    settle: float,
    *,
    serving: frozenset[int] = frozenset(),
    expendable: frozenset[int] = frozenset(),
) -> Ending:
    """Waits until all processes have ended well, or until it is known why one did not. Returns how the attempt ended.

    Args:
      exits: receives the end of each process.
      failures: the URI of each rank's failure file.
      pulses: the heartbeats of the same ranks.
      settle: seconds to wait for a better explanation after the first failure.
      serving: ranks that never end by themselves, so the watch does not wait for them.
      expendable: ranks whose end is no failure, as long as another of them lives.
    """
    return _Watch(exits, failures, pulses, settle, set(failures), serving, expendable).run()
