"""Refuses placeholders for a single parameter or artifact in commands and arguments.

If `x` has no value, `{{$.inputs.parameters['x']}}` makes the driver of KFP 2.17 fail, even if the component has a
default for it. `{{$}}` stands for the whole executor input in every version, so containers get `{{$}}` and read what
they need.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import EXECUTOR_INPUT, Spec, containers

NEEDED_BY = "2.17; 2.5 and 2.15 leave it to the launcher"
DEFECT = "KFP's driver resolves placeholders before it knows the defaults (9a9b4efa)"


def assert_whole(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where a container has a placeholder other than `{{$}}`."""
    for name, _, container in containers(spec):
        for argument in (*container.get("command", []), *container.get("args", [])):
            # TFX spells an input of a container component as a structure.
            if not isinstance(argument, str) or (argument != EXECUTOR_INPUT and "{{$" in argument):
                raise ConfigError(
                    f"node '{name}' has the argument {argument!r}, but Kubeflow Pipelines fails at a placeholder "
                    f"whose value is missing: give it {EXECUTOR_INPUT}, and read the value from that"
                )
    return spec
