"""Refuses node names that Argo would refuse; the message says which names and why.

Tasks become tasks of an Argo Workflow under their own names, and `-driver` is added to one of each. KFP accepts such a
pipeline at upload, and refuses each run of it with messages such as "sorting failed: invalid dependency a".
"""

from __future__ import annotations

import re

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec, component_of, tasks

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "Argo's names of tasks, which KFP neither checks nor maps"
_NAME = re.compile(r"[A-Za-z][-A-Za-z0-9]*")
_LONGEST = 121


def assert_names(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where the name of a task, or of a component that is a DAG, is refused."""
    for name, task in tasks(spec):
        _assert_name(name)
        if "dag" in component_of(spec, task):
            _assert_name(task["componentRef"]["name"])
    return spec


def _assert_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigError(
            f"the id of a node must be letters, digits and hyphens, begin with a letter, and have {_LONGEST} "
            f"characters at most, because Kubeflow Pipelines runs it as a task of Argo's; received '{name}': rename it"
        )
