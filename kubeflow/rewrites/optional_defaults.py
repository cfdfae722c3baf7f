"""Marks every input of a component that has a default as optional.

Without this mark, KFP silently passes an empty string for a missing string, and fails for a missing number:
`unknown protobuf.Value type: <nil>`. With the mark, KFP passes the default. Parameters of the root need no mark.
"""

from __future__ import annotations

import copy

from limbeck.kubeflow.specification import Spec

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP's driver looks at a component's defaultValue only where isOptional is set"


def mark_optional(spec: Spec) -> Spec:
    """A spec in which each parameter of a component with `defaultValue` has `isOptional`."""
    spec = copy.deepcopy(spec)
    for component in spec.get("components", {}).values():
        for parameter in component.get("inputDefinitions", {}).get("parameters", {}).values():
            if "defaultValue" in parameter:
                parameter["isOptional"] = True
    return spec
