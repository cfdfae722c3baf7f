"""The input of a compilation, and its results so far."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.versions import Rules
from limbeck.kubeflow.simulate.workflow.stored import Stored

Template = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Compilation:
    """A pipeline that is being compiled into a workflow.

    Attributes:
      pipeline: its name.
      run: the run's id.
      name: the run's display name.
      rules: rules of the release.
      components: components of the spec by name.
      executors: executors by label.
      platform: entries of the platform document by label.
      root_tasks: keys of the root's tasks.
      stored: stored specs.
      templates: templates by name.
    """

    pipeline: str
    run: str
    name: str
    rules: Rules
    components: dict[str, Any]
    executors: dict[str, Any]
    platform: dict[str, Any]
    root_tasks: frozenset[str]
    stored: Stored
    templates: dict[str, Template] = dataclasses.field(default_factory=dict)

    def add(self, template: Template) -> None:
        """Adds a template. Raises RefusedError if its name is taken."""
        if template["name"] in self.templates:
            raise RefusedError(
                "run", f"template {template['name']!r} is there twice: two components compile to it"
            )
        self.templates[template["name"]] = template

    def once(self, template: Template) -> None:
        """Adds a template that tasks share, if it is not there."""
        self.templates.setdefault(template["name"], template)

    def executor_of(self, component: str) -> dict[str, Any]:
        """Returns the executor of a component that is not a DAG."""
        found: dict[str, Any] = self.executors[self.components[component]["executorLabel"]]
        return found

    def pod_labels(self) -> dict[str, str]:
        """Returns the labels of every pod of the run."""
        return {"pipeline/runid": self.run, "pipelines.kubeflow.org/v2_component": "true"}
