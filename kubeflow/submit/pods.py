"""Names of the pods that a task had, to read what they said.

KFP's API tells neither the error of a task nor its pod: `error` and `pod_name` of a task's details stay empty in 2.5,
2.15 and 2.17. Its log endpoint takes the name of a pod. Argo makes that of the workflow's name, the template's, and a
hash of the node's name; the templates are those that KFP's compile step makes of the spec.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload.accepted import Accepted
from limbeck.kubeflow.simulate.versions import NAMES, rules
from limbeck.kubeflow.simulate.workflow.document import NewRun, compile_run

_NODE = re.compile(r"(.+)-\d+")
_OFFSET, _PRIME, _BITS = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
# Of a name of 253 characters, the hash takes 11.
_LONGEST_PREFIX = 242
DRIVER = "-driver"


def workflow_name(nodes: Sequence[str]) -> str | None:
    """Returns the workflow's name, which the id of each of its nodes begins with; None without a node."""
    found = {match.group(1) for match in map(_NODE.fullmatch, nodes) if match is not None}
    return min(found) if found else None


def pod_names(workflow: str, template: str, node: str) -> tuple[str, str]:
    """Returns the names that Argo may give to the pod of a node: today's, and that of `POD_NAMES=v1`.

    Both end in a hash of the node's name, FNV-1a of 32 bits.
    """
    number = _OFFSET
    for byte in node.encode():
        number = ((number ^ byte) * _PRIME) & _BITS
    return f"{f'{workflow}-{template}'[:_LONGEST_PREFIX]}-{number}", f"{workflow}-{number}"


def candidates(
    accepted: Accepted, parameters: Mapping[str, Any], workflow: str, task: str, attempts: int
) -> Iterator[str]:
    """Yields the pods that a task of the root may have had, the newest attempt first, then its driver.

    Args:
      accepted: the pipeline.
      parameters: of the run.
      workflow: its name.
      task: its key in the spec.
      attempts: how many attempts are known; 0 if the pod was not one that is retried.
    """
    seen: set[str] = set()
    for template, node in _nodes(accepted, parameters, workflow, task, attempts):
        for name in pod_names(workflow, template, node):
            if name not in seen:
                seen.add(name)
                yield name


def _nodes(
    accepted: Accepted, parameters: Mapping[str, Any], workflow: str, task: str, attempts: int
) -> Iterator[tuple[str, str]]:
    executor = f"{workflow}.root.{task}.executor"
    for release in reversed(NAMES):
        try:
            new = NewRun("run", "run", datetime.datetime.now(datetime.timezone.utc))
            templates = compile_run(accepted, dict(parameters), new, rules(release)).templates
        except RefusedError:
            continue
        outer = {one["name"]: one["template"] for one in templates["root"].get("dag", {}).get("tasks", [])}
        inner = templates.get(outer.get(task, ""), {}).get("dag", {}).get("tasks", [])
        for pod in (one["template"] for one in inner):
            for attempt in reversed(range(attempts)):
                yield pod, f"{executor}({attempt})"
            yield pod, executor
        if f"{task}{DRIVER}" in outer:
            yield outer[f"{task}{DRIVER}"], f"{workflow}.root.{task}{DRIVER}"
