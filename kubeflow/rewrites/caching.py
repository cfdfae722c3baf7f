"""Says of every task whether a cache may serve it.

TFX's compiler knows one switch for the whole pipeline. A node that looks at what is no input of it, such as the
accepted statistics of AnomalyStop, would be served from the cache although the answer has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Collection

from kubeflow.specification import Spec, tasks

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "TFX has enable_cache for a pipeline, and none for a node"


def set_caching(spec: Spec, never: Collection[str]) -> Spec:
    """A spec in which all tasks have a cache but those in `never`, and those that were without one already."""
    spec = copy.deepcopy(spec)
    for name, task in tasks(spec):
        enabled = task.get("cachingOptions", {}).get("enableCache", True)
        task["cachingOptions"] = {"enableCache": enabled and name not in never}
    return spec
