"""The pipeline for Kubeflow Pipelines and Vertex AI: TFX's compiler, and then our rewrites of what it gives.

Both targets get the same graph. What differs is the file around it, a bare YAML spec or a JSON PipelineJob, and what
an executor opens: local paths, to which KFP's launcher copies, or the URIs themselves.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from kubeflow.rewrites.argument_sizes import assert_sizes
from kubeflow.rewrites.caching import set_caching
from kubeflow.rewrites.data_fingerprint import add_fingerprint
from kubeflow.rewrites.entrypoint import Target, set_entrypoint
from kubeflow.rewrites.environment import set_environment
from kubeflow.rewrites.equal_containers import assert_distinct
from kubeflow.rewrites.image import set_image
from kubeflow.rewrites.lifecycle import drop_lifecycle
from kubeflow.rewrites.node_names import assert_names
from kubeflow.rewrites.optional_defaults import mark_optional
from kubeflow.rewrites.placeholder_text import assert_plain
from kubeflow.rewrites.producer_names import name_producers
from kubeflow.rewrites.retries import LONGEST_PAUSE_OF_VERTEX, MAX_DURATION, set_retries
from kubeflow.rewrites.runtime_parameters import add_runtime_parameters
from kubeflow.rewrites.schema_version import assert_version
from kubeflow.rewrites.single_placeholders import assert_whole
from kubeflow.rewrites.task_data import TaskData, add_task_data
from kubeflow.specification import Spec


@dataclasses.dataclass(frozen=True)
class Options:
    """What a compiled pipeline holds besides its graph.

    Attributes:
      target: where it is to run.
      image: that every container is started from.
      environment: variables of every container.
      never_cached: ids of nodes that no cache may serve.
      retries: of every task.
      data: what the task writes by itself; None where the user gives data.
      runtime: settings that a run may change, by their dotted key, and what each means.
    """

    target: Target
    image: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    never_cached: frozenset[str] = frozenset()
    retries: int = 0
    data: TaskData | None = None
    runtime: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))


def rewritten(spec: Spec, options: Options) -> Spec:
    """A spec that Kubeflow Pipelines and Vertex AI run; `spec`, as TFX compiles it, stays as it is.

    Raises:
      ConfigError: where the pipeline breaks a rule of theirs.
    """
    spec = assert_version(spec)
    spec = name_producers(spec)
    spec = add_fingerprint(spec, options.target)
    spec = add_task_data(spec, options.data, options.target)
    spec = add_runtime_parameters(spec, options.runtime)
    spec = drop_lifecycle(spec)
    spec = set_image(spec, options.image)
    spec = set_environment(spec, options.environment)
    spec = set_caching(spec, options.never_cached)
    bound = LONGEST_PAUSE_OF_VERTEX if options.target == "vertex" else MAX_DURATION
    spec = set_retries(spec, options.retries, bound)
    spec = mark_optional(spec)
    # Writes definitions into arguments: nothing may change them afterwards.
    spec = set_entrypoint(spec, options.target)
    for check in (assert_names, assert_plain, assert_whole, assert_distinct, assert_sizes):
        spec = check(spec)
    return spec


def write(pipeline: Any, output: Path, options: Options) -> None:
    """Compiles a TFX pipeline.

    Args:
      pipeline: the graph; its root must be a URI that the pods can reach.
      output: the file, replaced as a whole: a YAML pipeline spec for `kubeflow`, a JSON PipelineJob for `vertex`.
      options: what else is in it.

    Raises:
      ConfigError: where the pipeline breaks a rule of Kubeflow Pipelines.
    """
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(use_pipeline_spec_2_1=True)
    job = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config=config).run(pipeline, write_out=False)
    never = {node.id for node in pipeline.components if getattr(node, "NEVER_CACHED", False)}
    options = dataclasses.replace(options, never_cached=options.never_cached | never)
    job = {**job, "pipelineSpec": rewritten(job["pipelineSpec"], options)}
    bare = options.target == "kubeflow"
    _replace(output, yaml.safe_dump(job["pipelineSpec"]) if bare else json.dumps(job, sort_keys=True))


def _replace(output: Path, text: str) -> None:
    unfinished = output.with_name(f".unfinished-{output.name}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, output)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)
