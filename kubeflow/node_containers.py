"""Assigns the settings of the section `containers` to the tasks of a compiled spec."""

from __future__ import annotations

from collections.abc import Mapping

from limbeck.errors import ConfigError, nearest
from limbeck.kubeflow.specification import Spec, component_of, container_of, tasks
from limbeck.settings.containers import DEFAULT, ContainerConfig, resolved

# By the ids of nodes; that of all nodes is `default`.
Section = Mapping[str, ContainerConfig]
# Of each task that starts a container, by its key.
Containers = Mapping[str, ContainerConfig]


def containers_of_tasks(spec: Spec, section: Section) -> Containers:
    """What the container of each task gets.

    Args:
      spec: has all its tasks.
      section: of the settings.

    Raises:
      ConfigError: for the id of a node that is not among the tasks, and for entries that break a rule together.
    """
    # TFX compiles them in an order of chance.
    nodes = sorted(name for name, task in tasks(spec) if container_of(spec, component_of(spec, task)) is not None)
    for name in section:
        if name not in (*nodes, DEFAULT):
            raise ConfigError(
                f"the settings have a section 'containers.{name}', and the pipeline has no such node."
                f"{nearest(name, nodes)} Its nodes: {', '.join(nodes)}; 'default' is for all"
            )
    found = {name: resolved(section, name) for name in nodes}
    for name, container in found.items():
        if container.accelerator.number and container.accelerator.type is None:
            raise ConfigError(
                f"containers.{name}.accelerator has a count, and no type: give the type as the target spells it"
            )
    return found
