"""Corrects retry policies so that they work.

KFP passes `backoffMaxDuration` to Argo, where it limits all attempts together, counted from the start of the first
attempt. If it is missing, it becomes 0, and nothing is retried. With the SDK's default of one hour, a training that ran
for an hour is not retried. A fraction as `backoffFactor` ends the run with an error of Argo. On Vertex AI the field
limits a single pause, and values above one hour are reduced to one hour.
"""

from __future__ import annotations

import copy

from limbeck.errors import ConfigError
from limbeck.kubeflow.node_containers import Containers
from limbeck.kubeflow.specification import Spec, tasks
from limbeck.settings.containers import ContainerConfig
from limbeck.settings.quantities import seconds

NEEDED_BY = "2.15, 2.17; 2.5 retries without"
DEFECT = "KFP passes a missing backoffMaxDuration on as 0, and a fraction to a field of whole numbers"
_DAY = 24 * 3600
# An attempt counts as taking so long, unless its timeout is longer: its pod may wait for a machine before it starts.
LONGEST_ATTEMPT = 30 * _DAY
# All pauses of a task together. Beyond, somebody mistook the factor.
_LONGEST_PAUSES = 30 * _DAY
_VERTEX_PAUSE = 3600
_FIRST_PAUSE, _FACTOR = "30s", 2


def set_retries(spec: Spec, containers: Containers, target: str) -> Spec:
    """A spec whose policies retry.

    Args:
      spec: stays as it is.
      containers: what is asked for, by task. A policy that a task has already stays, but for its bound.
      target: `kubeflow` or `vertex`.

    Raises:
      ConfigError: for a `backoffFactor` that is not a whole number from 1 on, and for pauses of months.
    """
    spec = copy.deepcopy(spec)
    for name, task in tasks(spec):
        asked = containers.get(name, ContainerConfig())
        if asked.retry.count:
            policy = {
                "maxRetryCount": asked.retry.count,
                "backoffDuration": f"{seconds(asked.retry.backoff or _FIRST_PAUSE)}s",
                "backoffFactor": float(asked.retry.backoff_factor or _FACTOR),
            }
            task.setdefault("retryPolicy", policy)
        if "retryPolicy" in task:
            task["retryPolicy"] = _really(name, task["retryPolicy"], asked, target)
    return spec


def _really(name: str, policy: Spec, asked: ContainerConfig, target: str) -> Spec:
    factor = policy.get("backoffFactor", float(_FACTOR))
    if factor < 1 or factor != int(factor):
        raise ConfigError(
            f"the back-off factor of task '{name}' must be a whole number from 1 on, received {factor}"
        )
    count, first = policy.get("maxRetryCount", 0), policy.get("backoffDuration", _FIRST_PAUSE)
    pauses = sum(float(first.removesuffix("s")) * int(factor) ** retry for retry in range(count))
    if pauses > _LONGEST_PAUSES:
        raise ConfigError(
            f"the {count} retries of task '{name}' would wait {pauses / _DAY:.0f} days together, with a first pause of "
            f"{first} and the factor {factor:g}: {_LONGEST_PAUSES // _DAY} days are the most. Lower "
            f"containers.{name}.retry.count or backoff_factor"
        )
    attempt = max(LONGEST_ATTEMPT, seconds(asked.timeout) if asked.timeout else 0)
    bound = _VERTEX_PAUSE if target == "vertex" else (count + 1) * attempt + int(pauses)
    return {
        **policy,
        "backoffDuration": first,
        "backoffFactor": float(factor),
        "backoffMaxDuration": f"{bound}s",
    }
