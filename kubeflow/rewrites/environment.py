"""Sets the environment variables of every container: settings that cannot change a result.

KFP's cache key holds arguments and parameters, and no environment variables. So settings that change a result are
parameters, and the other settings are environment variables: another number of restarts must not train again. TFX's
compiler cannot set environment variables.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from limbeck.kubeflow.specification import Spec, containers

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "none: TFX's components have no environment"


def set_environment(spec: Spec, variables: Mapping[str, str]) -> Spec:
    """A spec whose containers have these variables, sorted by name, and no others."""
    spec = copy.deepcopy(spec)
    for _, _, container in containers(spec):
        # A list of its own, or YAML would write references.
        container["env"] = [{"name": name, "value": variables[name]} for name in sorted(variables)]
    return spec
