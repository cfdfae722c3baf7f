"""Finds which nodes run again when a setting changes. `python -m limbeck.cli.cache_table [TASK]` prints a table.

A whole run answers this for one setting, in minutes. But TFX makes the key of its cache from the compiled graph alone:
from a node's executor, its execution properties and its inputs. So this module compiles the graph before and after
each change, lets TFX itself make the key of every node, and compares the keys. No artifact exists here: each input of
a node is an artifact whose URI holds the key of the node that makes it. So a new key passes on to all later nodes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import os
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, cast

from limbeck import reference
from limbeck.cli import settings
from limbeck.digests.dependencies import Project
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.settings import sources
from limbeck.settings.config import Config

# The cache key of each node, by the node's id, in the order of the graph.
Keys = Mapping[str, str]
Rows = Mapping[str, tuple[str, ...]]
_Layer = dict[str, Any]

_ACCELERATED: _Layer = {"launcher": {"vertex": {"accelerator": "NVIDIA_TESLA_T4", "accelerators": 1}}}
# Settings for which `_other` finds no other value: the settings that must be set before, and the other value.
_DIVIDED: _Layer = {"data": {"path": "/data", "split": "0.8/0.1/0.1"}}
_PORTABLE: _Layer = {"beam": {"engine": "portable"}}
_FLINK: _Layer = {"beam": {"engine": "flink", "job_server_jar": "/job-server.jar", "master": "http://flink:8081"}}
_STARTED: _Layer = {"beam": {"engine": "portable", "environment": "process"}}
_DASK: _Layer = {"scoring": {"engine": "dask", "address": "tcp://10.0.0.1:8786"}}
_PRUNED: _Layer = {"compression": {"recipe": "pruning"}}
_AUTO: _Layer = {"compression": {"recipe": "auto"}}
_CLAIMED: _Layer = {"launcher": {"kubernetes": {"claim": "data", "mount": "/data"}}}
_CHANGES: Mapping[str, tuple[_Layer, Any]] = {
    "data.path": ({}, "/elsewhere"),
    "data.span": ({"data": {"path": "/data/{SPAN}"}}, 3),
    "data.encoding": ({"data": {"format": "csv"}}, "latin-1"),
    "data.split": ({"data": {"path": "/data"}}, "0.7/0.2/0.1"),
    "data.group": (_DIVIDED, "customer"),
    "data.time": (_DIVIDED, "day"),
    "beam.engine": ({}, "portable"),
    "beam.endpoint": (_PORTABLE, "other.example.org:8099"),
    "beam.pool": (_PORTABLE, "other.example.org:50000"),
    "beam.environment": (_PORTABLE, "process"),
    "beam.command": (_STARTED, "/opt/worker"),
    "beam.master": (_FLINK, "http://other:8081"),
    "beam.job_server_jar": (_FLINK, "/other.jar"),
    "scoring.engine": ({}, "dask"),
    "scoring.address": (_DASK, "tcp://10.0.0.2:8786"),
    "containers": ({}, {"default": {"cpu": "2"}}),
    **{
        f"compression.{setting}": (_PRUNED, value)
        for setting, value in {
            "representative": 100,
            "storage": "float32",
            "epochs": 3,
            "learning_rate": 0.1,
            "sparsity": 0.5,
            "schedule": "constant",
            "pattern": "two_of_four",
            "clusters": 8,
        }.items()
    },
    **{
        f"compression.{setting}": (_AUTO, value)
        for setting, value in {
            "candidates": ["int8"],
            "budget": 0.5,
            "max_bytes": 9_000,
            "max_latency_ms": 0.5,
            "tolerance": 0.1,
            "size": "gzip",
            "prefer": "quality",
        }.items()
    },
    "search.temperatures": ({}, [1.0, 3.0]),
    "search.alphas": ({}, [0.3]),
    "strategy.name": ({}, "one_device"),
    "strategy.workers": ({}, 3),
    "strategy.parameter_servers": ({"strategy": {"name": "parameter_server"}}, 2),
    "training.swap": ({"training": {"recompute": "all"}}, True),
    "pipelining.replicas": ({"pipelining": {"stages": 2}}, 2),
    "pipelining.micro_batches": ({"pipelining": {"stages": 2}}, 2),
    "pipelining.devices": ({"pipelining": {"stages": 2}}, "processes"),
    "pipelining.memory_mib": ({"pipelining": {"stages": 2}}, 900),
    "launcher.vertex.staging": ({}, "gs://bucket/staging"),
    "launcher.ray.address": ({}, "10.0.0.1:6379"),
    "launcher.ray.shared": ({}, "/shared"),
    "launcher.vertex.accelerator": (_ACCELERATED, "NVIDIA_L4"),
    "launcher.vertex.accelerators": (_ACCELERATED, 2),
    "launcher.name": ({"launcher": {"kubernetes": {"staging": "gs://bucket/staging"}}}, "kubernetes"),
    "launcher.kubernetes.cpu": ({}, "2"),
    "launcher.kubernetes.memory": ({}, "8Gi"),
    "launcher.kubernetes.claim": (_CLAIMED, "changed"),
    "launcher.kubernetes.mount": (_CLAIMED, "/changed"),
    "launcher.kubernetes.node_selector": ({}, {"pool": "training"}),
    "launcher.kubernetes.tolerations": ({}, [{"key": "training", "operator": "Exists"}]),
    "strategy.logical_devices": ({"strategy": {"name": "mirrored"}}, 2),
}
# Settings that have only one possible value so far.
SINGLE: frozenset[str] = frozenset()

HEAD = ("| where one of these changes | these run again |", "| --- | --- |")
NOTHING = "nothing"


@dataclasses.dataclass(frozen=True)
class Change:
    """One setting that is changed.

    Attributes:
      setting: its key, as `--set` takes it, such as `training.epochs`.
      before: the whole configuration, with other settings that the change needs.
      after: the same with another value of this setting.
    """

    setting: str
    before: Config
    after: Config


def changes(config: Config) -> Iterator[Change]:
    """Yields a change of each setting, except those in `SINGLE`.

    Raises:
      ConfigError: if the other value breaks a rule. Then `_CHANGES` needs a better one.
      TypeError: if no other value was found. Then `_CHANGES` needs one.
    """
    for section, hint in typing.get_type_hints(Config).items():
        if not dataclasses.is_dataclass(hint):
            value = (
                _CHANGES[section][1] if section in _CHANGES else _other(getattr(config, section), hint, section)
            )
            yield Change(section, config, _with(config, {section: value}))
            continue
        for setting, kind, held in _fields(section, hint, getattr(config, section)):
            if setting in SINGLE:
                continue
            before, value = config, None
            if setting in _CHANGES:
                layer, value = _CHANGES[setting]
                before = _with(config, layer)
            else:
                value = _other(held, kind, setting)
            yield Change(setting, before, _with(before, _layer(setting, value)))


def _fields(prefix: str, section: Any, values: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yields key, type and value of each setting of a section, and of the sections inside it."""
    for field, kind in typing.get_type_hints(section).items():
        if dataclasses.is_dataclass(kind):
            yield from _fields(f"{prefix}.{field}", kind, getattr(values, field))
        else:
            yield f"{prefix}.{field}", kind, getattr(values, field)


def _layer(setting: str, value: Any) -> _Layer:
    for part in reversed(setting.split(".")):
        value = {part: value}
    return cast("_Layer", value)


def keys(config: Config, ref: TaskRef, project: Project | None = None) -> Keys:
    """Returns the keys for a local run of a task with these settings.

    Args:
      config: the settings.
      ref: the task.
      project: our own sources; None reads them.

    Raises:
      TaskError: if the task cannot be loaded.
    """
    from ml_metadata.proto import metadata_store_pb2
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.orchestration.metadata import Metadata

    from limbeck import pipeline
    from limbeck.cli.local_run.runner import beam_flags
    from limbeck.components.graph.context import Storage

    storage = Storage(
        "/root/pipeline",
        "/root/serving",
        config.data.path or "/root/data",
        "/root/accepted",
        config.data.unlabelled,
    )
    store = metadata_store_pb2.ConnectionConfig(fake_database=metadata_store_pb2.FakeDatabaseConfig())
    graph = Compiler().compile(
        pipeline.create_pipeline(config, ref, storage, beam_flags=beam_flags(), metadata=store, project=project)
    )
    found: dict[str, str] = {}
    with Metadata(store) as handle:
        for node in graph.nodes:
            found[node.pipeline_node.node_info.id] = _key(node.pipeline_node, graph, handle, found)
    return found


def run_again(before: Keys, after: Keys) -> tuple[str, ...]:
    """Returns the nodes of `after`, in their order, that are not in the cache after a run with `before`."""
    return tuple(name for name, key in after.items() if before.get(name) != key)


def table(config: Config, ref: TaskRef) -> Rows:
    """Returns the nodes that run again, by the setting that changed."""
    known: dict[str, Keys] = {}
    project = Project()

    def keys_of(one: Config) -> Keys:
        text = to_json(one)
        if text not in known:
            known[text] = keys(one, ref, project)
        return known[text]

    return {one.setting: run_again(keys_of(one.before), keys_of(one.after)) for one in changes(config)}


def of_task(name: str) -> Rows:
    """Returns the table of a task with its own settings; `name` is what `--task` takes."""
    ref = reference.find(name)
    # TFX prints when it is imported.
    with contextlib.redirect_stdout(io.StringIO()):
        return table(settings.load(ref, None, []), ref)


def markdown(rows: Rows) -> str:
    """Returns the table for the docs. Settings with the same effect share a row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for setting, nodes in rows.items():
        alike.setdefault(nodes, []).append(f"`{setting}`")
    lines = [f"| {', '.join(some)} | {', '.join(nodes) or NOTHING} |" for nodes, some in alike.items()]
    return "\n".join([*HEAD, *lines])


def read(page: str) -> Rows:
    """Reads the table that `markdown` wrote from a page that holds it."""
    _, _, below = page.partition("\n".join(HEAD) + "\n")
    rows: dict[str, tuple[str, ...]] = {}
    for line in itertools.takewhile(lambda line: line.startswith("| "), below.splitlines()):
        some, nodes = line.strip("| ").split(" | ")
        for setting in some.split(", "):
            rows[setting.strip("`")] = () if nodes == NOTHING else tuple(nodes.split(", "))
    return rows


def _with(config: Config, layer: _Layer) -> Config:
    return sources.load([json.loads(to_json(config)), layer])


def _other(value: Any, hint: Any, setting: str) -> Any:
    """Returns another value of a setting: an integer plus one, half of a fraction, and so on."""
    if typing.get_origin(hint) is typing.Literal:
        return next(one for one in typing.get_args(hint) if one != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float) and value:
        return value / 2
    if isinstance(value, dict):
        return {"changed": 1}
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for kind, one in ((int, 3), (float, 0.5), (str, "changed")):
        if kind in kinds and one != value:
            return one
    raise TypeError(f"no other value of {setting} is known; add one to limbeck.cli.cache_table._CHANGES")


def _key(node: Any, graph: Any, handle: Any, before: Keys) -> str:
    """Returns the key of one node, from the keys of the nodes before it."""
    from tfx.orchestration import data_types_utils
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import cache_utils, inputs_utils, outputs_utils

    deployment = runner_utils.extract_local_deployment_config(graph)
    parameters = inputs_utils.resolve_parameters_with_schema(node_parameters=node.parameters)
    context = cache_utils.get_cache_context(
        metadata_handle=handle,
        pipeline_node=node,
        pipeline_info=graph.pipeline_info,
        executor_spec=runner_utils.extract_executor_spec(deployment, node.node_info.id),
        input_artifacts=_inputs(node, before),
        output_artifacts=outputs_utils.generate_output_artifacts(1, node.outputs.outputs, "/root"),
        parameters=data_types_utils.build_parsed_value_dict(parameters),
    )
    return str(context.name)


def _inputs(node: Any, before: Keys) -> dict[str, list[Any]]:
    """Returns an artifact for each channel of each input. Its URI holds the key of the node that makes it."""
    from tfx.types.standard_artifacts import Model

    inputs: dict[str, list[Any]] = {}
    for name, given in node.inputs.inputs.items():
        inputs[name] = []
        for channel in given.channels:
            # The key depends on the URI only, so any type of artifact will do.
            artifact = Model()
            artifact.uri = f"{before[channel.producer_node_query.id]}/{channel.output_key}"
            inputs[name].append(artifact)
    return inputs


def main(arguments: list[str]) -> None:
    """Prints the table of a task: the one in `arguments`, or `digits`."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    print(markdown(of_task(*arguments or ["digits"])))


if __name__ == "__main__":
    main(sys.argv[1:])
