"""Reads a compiled job, and refuses what Vertex AI, or the client that submits it, would refuse."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import run_parameters
from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import rules

_WHO = "Vertex AI"
_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
# Vertex AI supports these, too. `simulate` does not, and says so.
_NOT_SIMULATED = ("importer", "resolver", "aiplatformCustomJob", "customJob")


@dataclasses.dataclass(frozen=True)
class Job:
    """A job that was accepted.

    Attributes:
      name: name of the pipeline.
      spec: the pipeline spec in canonical form.
      executors: executors by label.
      root: folder of the outputs, a gs:// URI without a slash at its end.
      parameters: parameters of the run, including defaults.
      fails_fast: whether no new task starts after a failure.
    """

    name: str
    spec: dict[str, Any]
    executors: dict[str, Any]
    root: str
    parameters: dict[str, Any]
    fails_fast: bool


def is_job(text: str) -> bool:
    """Returns whether a file is a PipelineJob of Vertex AI, and not a pipeline spec alone."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    return isinstance(document, dict) and "pipelineSpec" in document


def read(text: str, parameters: dict[str, Any], root: str = "") -> Job:
    """Reads a job.

    Args:
      text: content of the file.
      parameters: parameters of this run. They override those in the file.
      root: root of this run; "" takes the root in the file.

    Raises:
      RefusedError: if it would not run.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _refused("pipeline", f"the file is no JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("pipelineSpec"), dict):
        raise _refused("pipeline", "the file is no PipelineJob: compile with --target vertex")
    _known_fields(document)
    try:
        accepted = accept(json.dumps(document["pipelineSpec"]), rules("2.17"))
    except RefusedError as refusal:
        raise _refused("pipeline", refusal.reason.replace("target kubeflow", "target vertex")) from None
    configuration = document.get("runtimeConfig", {})
    root = (root or configuration.get("gcsOutputDirectory", "")).rstrip("/")
    if not re.fullmatch(r"gs://[a-z0-9][-._a-z0-9]+(/.*)?", root):
        raise _refused("run", f"runtimeConfig.gcsOutputDirectory must be a gs:// URI, received {root or 'none'!r}")
    try:
        values = run_parameters.check(accepted.spec, configuration.get("parameterValues", {}) | parameters)
    except RefusedError as refusal:
        raise _refused("run", refusal.reason) from None
    _simulated(accepted.spec, accepted.executors)
    return Job(
        name=accepted.name,
        spec=accepted.spec,
        executors=accepted.executors,
        root=root,
        parameters=run_parameters.defaults(accepted.spec, values),
        fails_fast=configuration.get("failurePolicy") == "PIPELINE_FAILURE_POLICY_FAIL_FAST",
    )


def job_id(name: str, time: str) -> str:
    """Returns the id of a job, as Google's client makes it from the pipeline's name. Raises RefusedError."""
    found = f"{re.sub('[^-0-9a-z]+', '-', name.lower()).strip('-')}-{time}"
    if not _JOB_ID.fullmatch(found):
        raise _refused("run", f"the job's id {found!r}, made of the pipeline's name, must match {_JOB_ID.pattern}")
    return found


def _known_fields(document: dict[str, Any]) -> None:
    from google.cloud.aiplatform_v1.types import PipelineJob
    from google.protobuf import json_format

    try:
        json_format.ParseDict(document, PipelineJob.pb(PipelineJob()))
    except json_format.ParseError as error:
        raise _refused("pipeline", f"the file is no PipelineJob: {error}") from None


def _simulated(spec: dict[str, Any], executors: dict[str, Any]) -> None:
    for name, task in spec["root"]["dag"]["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        kinds = set(executors.get(component.get("executorLabel", ""), {})) & set(_NOT_SIMULATED)
        what = next(iter(kinds), "DAG within a DAG" if "dag" in component else "")
        what = what or next(
            (key for key in ("parameterIterator", "artifactIterator", "iteratorPolicy") if key in task), ""
        )
        if what:
            raise _refused("run", f"task {name} is or has a {what}, which simulate does not model for Vertex AI")


def _refused(stage: Any, reason: str) -> RefusedError:
    return RefusedError(stage, reason, _WHO)
