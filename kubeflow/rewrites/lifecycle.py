"""Removes `lifecycle` from containers.

TFX puts ExampleGen's driver there, as a `preCacheCheck`, which Vertex AI's driver runs. KFP silently ignores it: spans
would not be resolved, and changed data would come from the cache. `limbeck.kubeflow.rewrites.data_fingerprint` does
this work instead, on both targets.
"""

from __future__ import annotations

import copy

from limbeck.kubeflow.specification import Spec, containers

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP reads the deployment spec with DiscardUnknown, and has no preCacheCheck"


def drop_lifecycle(spec: Spec) -> Spec:
    """A spec without `lifecycle` in any container."""
    spec = copy.deepcopy(spec)
    for _, _, container in containers(spec):
        container.pop("lifecycle", None)
    return spec
