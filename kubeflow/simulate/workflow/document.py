"""The workflow, as it runs here, and as a document for Argo's API."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import macros, run_parameters
from limbeck.kubeflow.simulate.upload.accepted import Accepted
from limbeck.kubeflow.simulate.versions import Rules
from limbeck.kubeflow.simulate.workflow import names
from limbeck.kubeflow.simulate.workflow.compilation import Compilation
from limbeck.kubeflow.simulate.workflow.compiler import Compiler

NAMESPACE = "kubeflow"
# The largest object that etcd accepts by default.
_LARGEST = 1536 * 1024
DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"


@dataclasses.dataclass(frozen=True)
class Workflow:
    """A compiled run.

    Attributes:
      templates: templates by name.
      parameters: values that are stored for all templates, by name.
      document: the whole document that Argo gets.
    """

    templates: dict[str, Any]
    parameters: dict[str, str]
    document: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class NewRun:
    """A run to create.

    Attributes:
      identity: its id.
      name: its display name.
      root: its pipeline root; "" leaves it to KFP.
      created: time of creation.
      cache: whether the cache of the installation is switched on.
    """

    identity: str
    name: str
    created: datetime.datetime
    root: str = ""
    cache: bool = True


def compile_run(accepted: Accepted, given: dict[str, Any], new: NewRun, rules: Rules) -> Workflow:
    """Compiles a run of a pipeline.

    Args:
      accepted: the pipeline.
      given: given parameters of the run.
      new: the run.
      rules: of the release.

    Raises:
      RefusedError: if KFP, Argo or Kubernetes would not create the run.
    """
    if rules.expands_macros:
        given = macros.expand(given, new.identity, new.created)
    values = run_parameters.defaults(accepted.spec, run_parameters.check(accepted.spec, given))
    made = Compiler(accepted, new.identity, new.name, rules).compile(new.root, values)
    if not new.cache:
        for template in made.templates.values():
            for container in (template.get("container", {}), *template.get("initContainers", ())):
                if "args" in container:
                    container["args"] = [*container["args"], "--cache_disabled"]
    names.check(accepted.name, made.templates, made.stored.parameters)
    document = _document(accepted, made)
    size = len(json.dumps(document))
    if size > _LARGEST:
        raise RefusedError("run", f"the workflow has {size} bytes, and Kubernetes stores objects up to {_LARGEST}")
    return Workflow(made.templates, made.stored.parameters, document)


def _document(accepted: Accepted, made: Compilation) -> dict[str, Any]:
    parameters = [{"name": key, "value": value} for key, value in made.stored.parameters.items()]
    spec: dict[str, Any] = {
        "arguments": {"parameters": parameters},
        "entrypoint": "entrypoint",
        "podMetadata": {
            "annotations": {"pipelines.kubeflow.org/v2_component": "true"},
            "labels": made.pod_labels(),
        },
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "serviceAccountName": "pipeline-runner",
        "templates": list(made.templates.values()),
    }
    configuration = accepted.platform_configuration
    lifetimes = {
        f"secondsAfter{kind}": configuration[f"resourceTtlOn{kind}"]
        for kind in ("Completion", "Success", "Failure")
        if configuration.get(f"resourceTtlOn{kind}", 0) > 0
    }
    if lifetimes:
        spec["ttlStrategy"] = lifetimes
    if configuration.get("activeDeadlineSeconds", 0) > 0:
        spec["activeDeadlineSeconds"] = configuration["activeDeadlineSeconds"]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "annotations": {"pipelines.kubeflow.org/run_name": made.name},
            "generateName": accepted.name.rsplit("/", 1)[-1] + "-",
            "labels": {"pipeline/runid": made.run},
            "namespace": NAMESPACE,
        },
        "spec": spec,
        "status": {"finishedAt": None, "startedAt": None},
    }
