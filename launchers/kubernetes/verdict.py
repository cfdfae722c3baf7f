"""Why an attempt did not end well: one error, from what the processes wrote, and from what Kubernetes says. Pure but
for the failure files.

The failure files of processes are checked first: a mistake of the user is reported, whatever happened to the pods. Then
the conditions of all pods are checked for pre-emption, and only then the exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.failure import (
    AttemptFailedError,
    AttemptPreemptedError,
    Ended,
    Ending,
    blame,
    error_of,
)
from limbeck.launchers.kubernetes import pods
from limbeck.launchers.kubernetes.generation import Generation
from limbeck.launchers.kubernetes.resources import name_of


def verdict(
    generation: Generation,
    silent: Mapping[int, float],
    processes: Sequence[Ended],
    failures: Mapping[int, str],
    memory: str,
) -> UserError | TrainingFailedError:
    """Returns the error to raise.

    Args:
      generation: the pods.
      silent: seconds of silence of each rank that lives but hangs.
      processes: titles and last lines of all ranks, in their order.
      failures: the URI of each rank's failure file.
      memory: memory limit of a pod, for the message about a pod that exceeded it.
    """
    # If another pod failed by itself, the ends of removed pods explain nothing.
    ending = Ending(generation.failed or generation.swept_away, silent)
    told = error_of(ending, processes, failures) if ending.failed or ending.silent else None
    if isinstance(told, UserError):
        return told
    known = (
        _taken_away(generation, processes) or (None if silent else _by_pod(generation, processes, memory)) or told
    )
    if known is not None:
        return known
    failed = pods.job_failure(generation.job) if generation.job is not None else None
    return AttemptFailedError(f"the job failed without a failed pod ({failed})", _lines(generation, processes))


def _taken_away(generation: Generation, processes: Sequence[Ended]) -> TrainingFailedError | None:
    """Returns the error if pods, or the whole job, were removed by others; otherwise None."""
    if (disrupted := generation.disruption()) is not None:
        rank, why = disrupted
        return AttemptPreemptedError(f"{processes[rank].title} was pre-empted ({why})")
    if generation.is_suspended:
        return AttemptPreemptedError("the queue took the pods back")
    if generation.job_removed and generation.job is not None:
        return AttemptFailedError(
            f"somebody removed the {generation.job['kind']} {name_of(generation.job)}",
            _lines(generation, processes),
        )
    return None


def _by_pod(generation: Generation, processes: Sequence[Ended], memory: str) -> TrainingFailedError | None:
    """Returns the error if Kubernetes knows more about the pod than its exit code; otherwise None."""
    if generation.failed:
        culprit = processes[blame(generation.failed).rank]
        if not pods.out_of_memory(generation.pods[culprit.rank]):
            return None
        return AttemptFailedError(
            f"{culprit.title} was killed, because it took more memory than launcher.kubernetes.memory={memory}",
            culprit.last_lines(),
        )
    if generation.swept_away:
        culprit = processes[generation.swept_away[0].rank]
        pod = name_of(generation.pods[culprit.rank])
        return AttemptFailedError(f"somebody removed the pod {pod} of {culprit.title}", culprit.last_lines())
    return None


def _lines(generation: Generation, processes: Sequence[Ended]) -> tuple[str, ...]:
    return processes[min(generation.pods)].last_lines() if generation.pods else ()
