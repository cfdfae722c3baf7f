"""Waits until all pods of an attempt have succeeded, or until the cause of a failure is known."""

from __future__ import annotations

import dataclasses
import logging
import queue
import time
from collections.abc import Callable, Mapping, Sequence

from limbeck.errors import UserError
from limbeck.launchers.failure import read_failure
from limbeck.launchers.heartbeat import Pulses
from limbeck.launchers.kubernetes.api import Api
from limbeck.launchers.kubernetes.generation import Generation
from limbeck.launchers.kubernetes.mirror import Change, Changes
from limbeck.launchers.kubernetes.pod_process import FollowedLog, PodProcess
from limbeck.launchers.kubernetes.resources import POD, name_of

_log = logging.getLogger(__name__)
_LONGEST_INTERVAL = 1.0


@dataclasses.dataclass(frozen=True)
class Patience:
    """Seconds to wait.

    Attributes:
      start: until all pods run; time in a queue does not count.
      heartbeat: of silence, after which a process has hung.
      settle: for a better explanation after the first failure. Kubelets report within a few seconds, in any order.
      pull: for an image that could not be pulled.
      leave: for the rest of the pods, when one was pre-empted.
    """

    start: float
    heartbeat: float
    settle: float = 5.0
    pull: float = 120.0
    leave: float = 90.0


@dataclasses.dataclass(frozen=True)
class Watched:
    """What is watched.

    Attributes:
      generation: takes the changes.
      processes: one for each rank, in their order.
      failures: the URI of each rank's failure file.
      beats: the URI of each rank's signs of life.
    """

    generation: Generation
    processes: Sequence[PodProcess]
    failures: Mapping[int, str]
    beats: Mapping[int, str]


class Watching:
    """Watches one attempt."""

    def __init__(
        self, api: Api, watched: Watched, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Takes the API, what to watch, how long to wait, and a clock in seconds."""
        self._api, self._patience, self._clock = api, patience, clock
        self._generation, self._processes = watched.generation, watched.processes
        self._failures, self._beats = watched.failures, watched.beats
        # A pod may start long after another, so the heartbeats of each pod count from its own start.
        self._pulses: dict[int, Pulses] = {}
        self._log: FollowedLog | None = None
        self._deadline = float("inf")
        self._looked = clock()
        self._waited = 0.0
        self._pull_since: float | None = None

    def run(self, changes: Changes) -> dict[int, float]:
        """Watches until there is nothing more to wait for. Returns the seconds of silence of each rank that hangs.

        Raises:
          UserError: if the pods cannot start, or if a right is missing.
          UnreachableError: if the API server was not available for too long.
        """
        try:
            while self._generation.living and self._clock() < self._deadline:
                self._take(changes)
                silent = self._silent()
                if silent:
                    return silent
                self._check_start()
            return self._suspicious()
        finally:
            if self._log is not None:
                self._log.finish(lives=0 in self._generation.running)

    def _take(self, changes: Changes) -> None:
        """Takes all available changes. Waits a moment for the first one."""
        timeout = max(0.0, min(_LONGEST_INTERVAL, self._deadline - self._clock()))
        try:
            change = changes.get(timeout=timeout)
            while True:
                if isinstance(change, Exception):
                    raise change
                self._see(change)
                change = changes.get_nowait()
        except queue.Empty:
            return

    def _see(self, change: Change) -> None:
        generation = self._generation
        before = generation.living
        generation.see(change)
        for rank, pod in generation.pods.items():
            self._processes[rank].pod = name_of(pod)
        for rank in generation.running - self._pulses.keys():
            _log.info("%s runs in the pod %s", self._processes[rank].title, self._processes[rank].pod)
            self._pulses[rank] = Pulses({rank: self._beats[rank]}, self._patience.heartbeat)
            if rank == 0:
                self._log = FollowedLog(self._api, name_of(generation.pods[0]), self._processes[0].title)
        for ended in generation.failed:
            if ended.rank in before:
                self._not_later_than(0.0 if self._explains(ended.rank) else self._patience.settle)
        if (change.resource is POD and change.removed) or generation.job_has_failed:
            self._not_later_than(self._patience.settle)
        has_run = bool(self._pulses)
        if generation.disruption() or generation.job_removed or (generation.is_suspended and has_run):
            # Waits for the processes to save. Processes of a lost node never end.
            self._not_later_than(self._patience.leave)
        if generation.job_removed and not generation.running:
            self._not_later_than(self._patience.settle)

    def _not_later_than(self, seconds: float) -> None:
        self._deadline = min(self._deadline, self._clock() + seconds)

    def _explains(self, rank: int) -> bool:
        """Returns whether a process has written an explanation of its end.

        A signal is no explanation: it may come from a pre-emption, whose condition comes later.
        """
        failure = read_failure(self._failures[rank])
        return failure is not None and failure.explains

    def _silent(self) -> dict[int, float]:
        running = self._generation.running
        silent: dict[int, float] = {}
        for rank in running & self._pulses.keys():
            try:
                self._pulses[rank].look()
            except OSError as error:
                # If the storage is not available, nothing is known about the process.
                _log.debug("signs of life of %s: %s", self._processes[rank].title, error)
            silent |= self._pulses[rank].hung([rank])
        return silent

    def _suspicious(self) -> dict[int, float]:
        if not self._generation.failed:
            return {}
        suspicious: dict[int, float] = {}
        for rank in self._generation.running & self._pulses.keys():
            suspicious |= self._pulses[rank].suspicious([rank])
        return suspicious

    def _check_start(self) -> None:
        """Raises UserError if a pod cannot start, or not in time."""
        now = self._clock()
        passed, self._looked = now - self._looked, now
        missing = self._generation.missing()
        if not missing or self._generation.is_suspended:
            return
        if (hopeless := self._generation.hopeless()) is not None:
            rank, why = hopeless
            raise UserError(f"the pod of {self._processes[rank].title} cannot start ({why}): {_REMEDY}")
        self._check_pull(now)
        self._waited += passed
        if self._waited > self._patience.start:
            rank, why = next(iter(missing.items()))
            raise UserError(
                f"{len(missing)} of {len(self._processes)} training pods did not start within "
                f"launcher.kubernetes.start_seconds={self._patience.start:g}; {self._processes[rank].title} waits for: "
                f"{why}. Ask for less cpu, memory or accelerators in launcher.kubernetes, or for less "
                "strategy.workers, give launcher.kubernetes.queue, or wait longer"
            )

    def _check_pull(self, now: float) -> None:
        why = self._generation.pull_failure()
        if why is None:
            self._pull_since = None
            return
        self._pull_since = now if self._pull_since is None else self._pull_since
        if now - self._pull_since > self._patience.pull:
            raise UserError(f"the image of the training pods cannot be pulled ({why}): {_REMEDY}")


_REMEDY = "give launcher.kubernetes.image, or launcher.kubernetes.service_account with a pull secret"
