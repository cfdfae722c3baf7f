"""Waits until all processes of one attempt have ended, or until the first failure is explained."""

from __future__ import annotations

import dataclasses
import queue
import time
from collections.abc import Mapping

from limbeck.launchers.failure import Ending, Exit, by_signal, read_failure
from limbeck.launchers.heartbeat import Pulses


@dataclasses.dataclass
class _Watch:
    exits: queue.SimpleQueue[Exit]
    failures: Mapping[int, str]
    pulses: Pulses
    settle: float
    living: set[int]
    failed: list[Exit] = dataclasses.field(default_factory=list)
    deadline: float = float("inf")

    def run(self) -> Ending:
        while self.living and time.monotonic() < self.deadline:
            latest = self._next_exit()
            self.pulses.look()
            if latest is not None:
                self.living.remove(latest.rank)
                if latest.code != 0 and self._explains(latest):
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
        """Records a failure. Returns whether it cannot be a mere consequence of another failure."""
        self.failed.append(latest)
        self.deadline = min(self.deadline, time.monotonic() + self.settle)
        failure = read_failure(self.failures[latest.rank])
        return by_signal(latest.code) or (failure is not None and failure.explains)


def watch(exits: queue.SimpleQueue[Exit], failures: Mapping[int, str], pulses: Pulses, settle: float) -> Ending:
    """Returns when all processes have ended well, or when it is known why one did not.

    Args:
      exits: receives the end of each process.
      failures: the URI of each rank's failure file.
      pulses: the heartbeats of the same ranks.
      settle: seconds to wait for a better explanation after the first failure.
    """
    return _Watch(exits, failures, pulses, settle, living=set(failures)).run()
