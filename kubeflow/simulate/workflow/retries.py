"""A task's retry policy as Argo gets it.

From 2.15 on it reaches the template as parameters whose default is "0": a policy without `backoffMaxDuration` says
that all attempts together may take no time, so there is no retry. Before, an empty text said that there is no bound.
"""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.values import plain
from limbeck.kubeflow.simulate.workflow.placeholders import given

COUNT, PAUSE, FACTOR, LIMIT = (
    "retry-max-count",
    "retry-backoff-duration",
    "retry-backoff-factor",
    "retry-backoff-max-duration",
)
PARAMETERS = (COUNT, PAUSE, FACTOR, LIMIT)
ATTEMPT = {"name": "KFP_RETRY_INDEX", "value": "{{retries}}"}


def arguments(policy: dict[str, Any] | None) -> list[dict[str, str]]:
    """The parameters that a task with a policy hands to its template."""
    if policy is None:
        return []
    given_values = {COUNT: str(policy.get("maxRetryCount", 0))}
    if "backoffDuration" in policy:
        given_values[PAUSE] = _seconds(policy["backoffDuration"])
    given_values[FACTOR] = plain(policy.get("backoffFactor", 0))
    if "backoffMaxDuration" in policy:
        given_values[LIMIT] = _seconds(policy["backoffMaxDuration"])
    return [{"name": name, "value": value} for name, value in given_values.items()]


def strategy() -> dict[str, Any]:
    """The strategy of the template, which reads the parameters."""
    backoff = {"duration": given(PAUSE), "factor": given(FACTOR), "maxDuration": given(LIMIT)}
    return {"limit": given(COUNT), "backoff": backoff}


def fixed_strategy(policy: dict[str, Any]) -> dict[str, Any]:
    """The strategy as KFP 2.5 writes it into the task's own template: the factor cut off, no bound by default."""
    backoff = {
        "duration": _seconds(policy.get("backoffDuration", "0s")),
        "factor": str(int(policy.get("backoffFactor", 0))),
        "maxDuration": _seconds(policy["backoffMaxDuration"]) if "backoffMaxDuration" in policy else "",
    }
    return {"limit": str(policy.get("maxRetryCount", 0)), "backoff": backoff}


def _seconds(duration: str) -> str:
    """Whole seconds: Argo gets no fraction of one."""
    return str(int(float(duration.removesuffix("s"))))
