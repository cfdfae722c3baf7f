"""Refuses two components whose containers are equal.

KFP stores components by a digest of their containers. Of two that are equal in image, command, arguments, environment
and resources, the second is run with the definitions of the first: other outputs, other types, no error.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec, containers, text_of

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "hashComponentContainer in KFP's argocompiler (kubeflow/pipelines#10979)"


def assert_distinct(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where the containers of two components are equal."""
    seen: dict[str, str] = {}
    for name, _, container in containers(spec):
        other = seen.setdefault(text_of(container), name)
        if other != name:
            raise ConfigError(
                f"the containers of '{other}' and '{name}' are equal, and Kubeflow Pipelines would run the second with "
                "the outputs of the first: give one of them another argument"
            )
    return spec
