"""Makes policies for retries retry.

KFP passes `backoffMaxDuration` on to Argo, where it bounds all attempts together, counted from the start of the first.
Left out it becomes 0, and nothing is retried; with the SDK's hour a training that ran an hour is not. And
a fraction as `backoffFactor` ends the run in an error of Argo's. On Vertex AI the same field bounds a single pause, and
takes an hour at most.
"""

from __future__ import annotations

import copy

from kubeflow.specification import Spec, component_of, container_of, tasks
from limbeck.errors import ConfigError

NEEDED_BY = "2.15, 2.17; 2.5 retries without"
DEFECT = "KFP passes a missing backoffMaxDuration on as 0, and a fraction to a field of whole numbers"
# Longer than all attempts together: a bound is what a timeout is for.
MAX_DURATION = "2592000s"
LONGEST_PAUSE_OF_VERTEX = "3600s"
_FIRST_PAUSE = "30s"


def set_retries(spec: Spec, count: int, bound: str = MAX_DURATION) -> Spec:
    """A spec whose policies retry.

    Args:
      spec: stays as it is.
      count: retries of each task that has a container and no policy of its own.
      bound: `backoffMaxDuration` of every policy.

    Raises:
      ConfigError: for a negative count, and a `backoffFactor` that is not a whole number from 1 on.
    """
    if count < 0:
        raise ConfigError(f"--retries takes a number from 0 on, received {count}")
    spec = copy.deepcopy(spec)
    for name, task in tasks(spec):
        if count and container_of(spec, component_of(spec, task)) is not None:
            task.setdefault("retryPolicy", {"maxRetryCount": count})
        if "retryPolicy" in task:
            task["retryPolicy"] = _really(name, task["retryPolicy"], bound)
    return spec


def _really(name: str, policy: Spec, bound: str) -> Spec:
    factor = policy.get("backoffFactor", 2.0)
    if factor < 1 or factor != int(factor):
        raise ConfigError(
            f"the back-off factor of task '{name}' must be a whole number from 1 on, received {factor}"
        )
    return {
        **policy,
        "backoffDuration": policy.get("backoffDuration", _FIRST_PAUSE),
        "backoffFactor": float(factor),
        "backoffMaxDuration": bound,
    }
