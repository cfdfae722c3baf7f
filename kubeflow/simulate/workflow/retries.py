"""A task's retry policy in Argo's form.

From 2.15 on, it reaches the template as parameters with the default "0". So a policy without `backoffMaxDuration`
allows no time for all attempts together, and there is no retry. Before, the default was an empty text, which means no
limit.
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
    """Returns the parameters that a task with a policy passes to its template."""
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
    """Returns the strategy of the template, which reads the parameters."""
    backoff = {"duration": given(PAUSE), "factor": given(FACTOR), "maxDuration": given(LIMIT)}
    return {"limit": given(COUNT), "backoff": backoff}


def fixed_strategy(policy: dict[str, Any]) -> dict[str, Any]:
    """Returns the strategy in a task's own template in KFP 2.5: with a truncated factor, and no default limit."""
    backoff = {
        "duration": _seconds(policy.get("backoffDuration", "0s")),
        "factor": str(int(policy.get("backoffFactor", 0))),
        "maxDuration": _seconds(policy["backoffMaxDuration"]) if "backoffMaxDuration" in policy else "",
    }
    return {"limit": str(policy.get("maxRetryCount", 0)), "backoff": backoff}


def _seconds(duration: str) -> str:
    """Returns whole seconds, because KFP passes no fractions to Argo."""
    return str(int(float(duration.removesuffix("s"))))
