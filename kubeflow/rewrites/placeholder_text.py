"""Refuses values in which KFP, Argo or Kubernetes would replace placeholders.

The launcher puts all parameters into the arguments as JSON, and then looks for `{{$...}}` in the result: a value that
looks like a placeholder is replaced. Argo replaces `{{...}}` in the workflow before, and Kubernetes `$(NAME)` in the
arguments of the driver's pod and in environments.
"""

from __future__ import annotations

import re

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import EXECUTOR_INPUT, Spec, constants, containers, map_texts, tasks

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP's launcher replaces placeholders inside of inserted JSON"
_PLACEHOLDER = re.compile(r"\{\{|\$\([A-Za-z_][A-Za-z0-9_.-]*\)")


def assert_plain(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where a parameter, default, variable or argument holds a placeholder."""
    for key, parameter in spec["root"].get("inputDefinitions", {}).get("parameters", {}).items():
        _assert_plain(f"parameter '{key}' of the run", parameter)
    for name, task in tasks(spec):
        for key, value in constants(task).items():
            _assert_plain(f"parameter '{key}' of {name}", value)
    for name, component, container in containers(spec):
        for key, parameter in component.get("inputDefinitions", {}).get("parameters", {}).items():
            _assert_plain(f"the default of '{key}' of {name}", parameter.get("defaultValue"))
        for variable in container.get("env", []):
            _assert_plain(f"variable {variable['name']} of {name}", variable["value"])
        for argument in (*container.get("command", []), *container.get("args", [])):
            if argument != EXECUTOR_INPUT:
                _assert_plain(f"an argument of {name}", argument)
    return spec


def _assert_plain(where: str, value: object) -> None:
    def look(text: str) -> None:
        found = _PLACEHOLDER.search(text)
        if found:
            around = text[max(0, found.start() - 20) : found.end() + 20]
            raise ConfigError(
                f"{where} must hold neither '{{{{' nor '$(NAME)', because Kubeflow Pipelines and Kubernetes replace "
                f"them; received ...{around}...: spell it in another way"
            )

    map_texts(value, look)
