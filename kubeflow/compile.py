"""Compiles the pipeline for Kubeflow Pipelines and Vertex AI: with TFX's compiler, and then with our rewrites.

Both targets get the same graph. They differ in the file around it (a bare YAML spec or a JSON PipelineJob), and in the
files that an executor opens (local copies that KFP's launcher makes, or the URIs themselves).
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

from limbeck.kubeflow.node_containers import Section, containers_of_tasks
from limbeck.kubeflow.platform_document import platform_document
from limbeck.kubeflow.rewrites.argument_sizes import assert_sizes
from limbeck.kubeflow.rewrites.caching import set_caching
from limbeck.kubeflow.rewrites.data_fingerprint import add_fingerprint
from limbeck.kubeflow.rewrites.drawn_types import name_drawn_types
from limbeck.kubeflow.rewrites.entrypoint import Target, set_entrypoint
from limbeck.kubeflow.rewrites.environment import set_environment
from limbeck.kubeflow.rewrites.equal_containers import assert_distinct
from limbeck.kubeflow.rewrites.image import set_image
from limbeck.kubeflow.rewrites.lifecycle import drop_lifecycle
from limbeck.kubeflow.rewrites.node_names import assert_names
from limbeck.kubeflow.rewrites.optional_defaults import mark_optional
from limbeck.kubeflow.rewrites.placeholder_text import assert_plain
from limbeck.kubeflow.rewrites.producer_names import name_producers
from limbeck.kubeflow.rewrites.resolvers import assert_no_resolver
from limbeck.kubeflow.rewrites.resources import set_resources
from limbeck.kubeflow.rewrites.retries import set_retries
from limbeck.kubeflow.rewrites.runtime_parameters import add_runtime_parameters
from limbeck.kubeflow.rewrites.schema_version import assert_version
from limbeck.kubeflow.rewrites.single_placeholders import assert_whole
from limbeck.kubeflow.rewrites.target_settings import assert_available
from limbeck.kubeflow.rewrites.task_data import TaskData, add_task_data
from limbeck.kubeflow.specification import Spec
from limbeck.kubeflow.strict_fields import assert_fields


@dataclasses.dataclass(frozen=True)
class Options:
    """What a compiled pipeline holds besides its graph.

    Attributes:
      target: where it is to run.
      image: that every container is started from.
      environment: variables of every container.
      never_cached: ids of nodes that no cache may serve.
      containers: what the container of each node gets.
      data: what the task writes by itself; None where the user gives data.
      runtime: settings that a run may change, by their dotted key, and what each means.
    """

    target: Target
    image: str
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    never_cached: frozenset[str] = frozenset()
    containers: Section = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    data: TaskData | None = None
    runtime: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))


def rewritten(spec: Spec, options: Options) -> tuple[Spec, Spec | None]:
    """A spec that Kubeflow Pipelines and Vertex AI run; `spec`, as TFX compiles it, stays as it is.

    Returns:
      The spec, and its platform document; None where there is none.

    Raises:
      ConfigError: where the pipeline breaks a rule of theirs.
    """
    spec = assert_version(spec)
    spec = assert_no_resolver(spec, options.target)
    spec = name_producers(spec)
    spec = name_drawn_types(spec)
    spec = add_fingerprint(spec, options.target)
    spec = add_task_data(spec, options.data, options.target)
    spec = add_runtime_parameters(spec, options.runtime)
    spec = drop_lifecycle(spec)
    spec = set_image(spec, options.image)
    spec = set_environment(spec, options.environment)
    spec = assert_available(spec, options.containers, options.target)
    containers = containers_of_tasks(spec, options.containers)
    spec = set_resources(spec, containers, options.target)
    spec = set_caching(spec, options.never_cached, options.containers)
    spec = set_retries(spec, containers, options.target)
    spec = mark_optional(spec)
    # Writes definitions into arguments: nothing may change them afterwards.
    spec = set_entrypoint(spec, options.target)
    for check in (assert_names, assert_plain, assert_whole, assert_distinct, assert_sizes):
        spec = check(spec)
    if options.target == "vertex":
        return spec, None
    platform = platform_document(spec, containers)
    assert_fields(spec, platform)
    return spec, platform


def write(pipeline: Any, output: Path, options: Options) -> None:
    """Compiles a TFX pipeline.

    Args:
      pipeline: the graph; its root must be a URI that the pods can reach.
      output: the file, replaced as a whole: a YAML pipeline spec for `kubeflow`, with a platform document behind it
        where one is needed; a JSON PipelineJob for `vertex`.
      options: what else is in it.

    Raises:
      ConfigError: where the pipeline breaks a rule of Kubeflow Pipelines.
    """
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(use_pipeline_spec_2_1=True)
    _register(pipeline)
    job = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config=config).run(pipeline, write_out=False)
    never = {node.id for node in pipeline.components if getattr(node, "NEVER_CACHED", False)}
    options = dataclasses.replace(options, never_cached=options.never_cached | never)
    spec, platform = rewritten(job["pipelineSpec"], options)
    if options.target == "kubeflow":
        _replace(output, yaml.safe_dump_all([spec] if platform is None else [spec, platform]))
    else:
        _replace(output, json.dumps({**job, "pipelineSpec": spec}, sort_keys=True))


def _register(pipeline: Any) -> None:
    """Has TFX's compiler find nodes that were added to a pipeline after it was made, as those of a student half are."""
    registry = pipeline.dsl_context_registry
    with registry.temporary_mutable():
        for node in pipeline.components:
            if node not in registry.all_nodes:
                registry.put_node(node)


def _replace(output: Path, text: str) -> None:
    unfinished = output.with_name(f".unfinished-{output.name}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, output)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)
