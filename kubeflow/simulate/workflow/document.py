"""The workflow as a document for Argo's API, and as it is run here."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubeflow.simulate.upload import run_parameters
from kubeflow.simulate.upload.accepted import Accepted
from kubeflow.simulate.versions import Rules
from kubeflow.simulate.workflow import names
from kubeflow.simulate.workflow.compilation import Compilation
from kubeflow.simulate.workflow.compiler import Compiler

NAMESPACE = "kubeflow"
DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"


@dataclasses.dataclass(frozen=True)
class Workflow:
    """A compiled run.

    Attributes:
      templates: by name.
      parameters: what is stored for all templates, by name.
      document: the whole as Argo gets it.
    """

    templates: dict[str, Any]
    parameters: dict[str, str]
    document: dict[str, Any]


def compile_run(
    accepted: Accepted, given: dict[str, Any], *, run: str, name: str, root: str, rules: Rules, cache: bool = True
) -> Workflow:
    """Compiles a run of a pipeline.

    Args:
      accepted: the pipeline.
      given: parameters of the run.
      run: its id.
      name: its display name.
      root: its pipeline root; "" leaves it to KFP.
      rules: of the release.
      cache: whether the installation has its cache switched on.

    Raises:
      RefusedError: where KFP or Argo would not create the run.
    """
    values = run_parameters.defaults(accepted.spec, run_parameters.check(accepted.spec, given))
    made = Compiler(accepted, run, name, rules).compile(root, values)
    if not cache:
        for template in made.templates.values():
            for container in (template.get("container", {}), *template.get("initContainers", ())):
                if "args" in container:
                    container["args"] = [*container["args"], "--cache_disabled"]
    names.check(accepted.name, made.templates, made.stored.parameters)
    return Workflow(made.templates, made.stored.parameters, _document(accepted, made))


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
