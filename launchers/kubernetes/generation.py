"""The known state of the pods of one attempt: which pods started, and which ended, in which order, and why.

This module is pure: it receives changes, and sends no requests. When one pod fails, the Job controller removes the
other pods, and their processes then die by a signal, too. So if another pod ended by itself, the end of a pod that was
being removed is not the cause.
"""

from __future__ import annotations

import dataclasses

from limbeck.launchers.failure import Exit
from limbeck.launchers.kubernetes import pods
from limbeck.launchers.kubernetes.kind import Kind
from limbeck.launchers.kubernetes.mirror import Change
from limbeck.launchers.kubernetes.resources import POD, Object


@dataclasses.dataclass(frozen=True)
class End:
    """The end of a pod.

    Attributes:
      exit: rank and code. A pod that is gone without a code has the code 1.
      removed: whether its removal had been requested before.
    """

    exit: Exit
    removed: bool


class Generation:
    """The state of the pods of an attempt. It is updated by changes."""

    def __init__(self, kind: Kind, processes: int) -> None:
        """Takes the kind of the main object, and the number of pods."""
        self._kind, self._processes = kind, processes
        self.pods: dict[int, Object] = {}
        self.job: Object | None = None
        self.job_removed = False
        self._ends: dict[int, End] = {}

    def see(self, change: Change) -> None:
        """Takes a change of a pod or of the main object."""
        if change.resource is not POD:
            self.job, self.job_removed = change.item, change.removed or pods.is_being_deleted(change.item)
            return
        rank = self._kind.rank_of(change.item)
        if rank is None or not 0 <= rank < self._processes:
            return
        code = pods.exit_code(change.item)
        if change.removed and code is None:
            code = 1
        self.pods[rank] = change.item
        if code is not None and rank not in self._ends:
            removed = change.removed or pods.is_being_deleted(change.item)
            self._ends[rank] = End(Exit(rank, code), removed)

    @property
    def living(self) -> set[int]:
        """Ranks whose pod has not ended. It may not have been seen yet."""
        return set(range(self._processes)) - self._ends.keys()

    @property
    def running(self) -> set[int]:
        """Ranks whose process runs."""
        return {rank for rank in self.living if rank in self.pods and pods.has_started(self.pods[rank])}

    @property
    def failed(self) -> tuple[Exit, ...]:
        """The pods that failed by themselves, in the order in which their ends were seen."""
        return tuple(end.exit for end in self._ends.values() if end.exit.code != 0 and not end.removed)

    @property
    def swept_away(self) -> tuple[Exit, ...]:
        """The pods that failed, or disappeared, after their removal had been requested."""
        return tuple(end.exit for end in self._ends.values() if end.exit.code != 0 and end.removed)

    @property
    def is_suspended(self) -> bool:
        """Whether a queue holds the job back, or has removed its pods."""
        return self.job is not None and pods.is_suspended(self.job)

    @property
    def job_has_failed(self) -> bool:
        """Whether the controller of the main object has given up the job."""
        return self.job is not None and pods.job_failure(self.job) is not None

    def disruption(self) -> tuple[int, str] | None:
        """Returns a rank whose pod was pre-empted, and why. Any pod counts, and not only the one that failed first:
        peers of an evicted pod die of its loss before it is marked as failed.
        """
        found = ((rank, pods.disruption(pod)) for rank, pod in self.pods.items())
        return next(((rank, why) for rank, why in found if why is not None), None)

    def hopeless(self) -> tuple[int, str] | None:
        """Returns a rank whose container can never start, and why."""
        found = ((rank, pods.hopeless(self.pods[rank])) for rank in self.living if rank in self.pods)
        return next(((rank, why) for rank, why in found if why is not None), None)

    def pull_failure(self) -> str | None:
        """Returns why an image could not be pulled so far."""
        found = (pods.pull_failure(self.pods[rank]) for rank in self.living if rank in self.pods)
        return next((why for why in found if why is not None), None)

    def missing(self) -> dict[int, str]:
        """Returns the ranks that do not run yet, and what each waits for."""
        return {
            rank: pods.waits_for(self.pods[rank]) if rank in self.pods else "its pod was not made"
            for rank in sorted(self.living - self.running)
        }
