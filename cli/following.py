"""Prints each step as it ends; if it failed, with the end of its log."""

from __future__ import annotations

import time
from typing import Any

from limbeck.kubeflow.simulate.record import Attempt, Ended, Step
from limbeck.kubeflow.simulate.workflow.argo import Pods

_LINES = 30
_WHAT = {"ROOT_DAG": "driver", "DAG": "driver", "CONTAINER": "driver", "EXECUTOR": "step", "IMPORTER": "importer"}


class Following:
    """Runs pods, and prints a line for each."""

    def __init__(self, pods: Pods) -> None:
        self._pods = pods

    def run(
        self, node: str, template: dict[str, Any], values: dict[str, str], attempt: Attempt
    ) -> tuple[Step, Ended]:
        """See `workflow.argo.Pods`."""
        started = time.monotonic()
        step, ended = self._pods.run(node, template, values, attempt)
        cached = " (from the cache)" if step.told.get("cached-decision") == "true" else ""
        took = time.monotonic() - started
        print(f"{ended.phase:9} {_WHAT[step.kind]:8} {step.node}{cached}  {took:.1f} s", flush=True)
        if step.error:
            print(f"  {step.error}")
            for line in step.log.splitlines()[-_LINES:]:
                print(f"  | {line}")
        return step, ended
