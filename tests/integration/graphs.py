"""The graphs of which every node is rehearsed in a container.

One list, for the rehearsal and for the test that no executor of ours is missing from it: a component that is added to
the pipeline is rehearsed without being named anywhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from limbeck.cli import settings
from limbeck.components.graph.context import Storage
from limbeck.pipeline import create_pipeline
from limbeck.reference import TaskRef, find
from limbeck.saved_teacher import SavedTeacher
from limbeck.settings.config import Config
from limbeck.splits import Splits
from tests.integration.runs import PROJECT, SHORT


@dataclasses.dataclass(frozen=True)
class Graph:
    """A task and its settings."""

    task: TaskRef
    config: Config

    @classmethod
    def of(cls, task: str, *assignments: str) -> Graph:
        """From what is typed at the command line."""
        ref = find(task)
        return cls(ref, settings.load(ref, None, assignments))

    def compiled(self, storage: Storage, metadata: Path) -> Any:
        """The intermediate representation, TFX's `Pipeline` message; `metadata` is an SQLite file."""
        from tfx.dsl.compiler.compiler import Compiler
        from tfx.orchestration.metadata import sqlite_metadata_connection_config

        connection = sqlite_metadata_connection_config(str(metadata))
        graph = create_pipeline(
            self.config, self.task, storage, beam_flags=self.config.beam.flags(), metadata=connection
        )
        return Compiler().compile(graph)


def whole(task: str = "digits") -> Graph:
    """The graph of the run that the fixture `base` makes, for the same task or a copy."""
    return Graph.of(task, *SHORT)


def compressing(task: str = "digits") -> Graph:
    """The same graph, with a student that is compressed."""
    return Graph.of(task, *SHORT, "compression.recipe=int8")


def formats() -> list[Graph]:
    """A graph for each format of the raw data."""
    from limbeck.components.example_gen.component import Format

    wine = str(PROJECT / "docs" / "examples" / "wine.py")
    return [Graph.of(wine, f"data.format={name}") for name in get_args(Format)]


def adapters(graph: Graph, storage: Storage, metadata: Path, uris: Mapping[str, str]) -> Any:
    """The adapters of the student half on artifacts of a run, as if these were someone else's; compiled.

    Args:
      graph: what was run.
      storage: where it was run; the adapters write there, too.
      metadata: an SQLite file of this graph's own.
      uris: `examples`, `transform_graph` and `model` of the run.
    """
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.dsl.components.common.importer import Importer
    from tfx.orchestration.metadata import sqlite_metadata_connection_config
    from tfx.orchestration.pipeline import Pipeline
    from tfx.types import standard_artifacts

    from limbeck.components.example_adapter.component import example_adapter
    from limbeck.components.graph.context import Context
    from limbeck.components.teacher_adapter.component import teacher_adapter

    kinds = {
        "examples": (standard_artifacts.Examples, {"split_names": '["train", "validation", "test"]'}),
        "transform_graph": (standard_artifacts.TransformGraph, {}),
        "model": (standard_artifacts.Model, {}),
    }
    given = {
        name: Importer(uris[name], kind, properties=properties).with_id(f"Imported{kind.TYPE_NAME}")
        for name, (kind, properties) in kinds.items()
    }
    examples, transform_graph, model = (node.outputs["result"] for node in given.values())
    context = Context.of(graph.config, graph.task, storage)
    teacher = SavedTeacher("logits", output="logits")
    adapted = example_adapter(context, examples, transform_graph, Splits(test="test"))
    pipeline = Pipeline(
        pipeline_name="adapters",
        pipeline_root=storage.root,
        components=[*given.values(), adapted, teacher_adapter(context, adapted, model, teacher)],
        metadata_connection_config=sqlite_metadata_connection_config(str(metadata)),
    )
    return Compiler().compile(pipeline)


def executor_of(ir: Any, node: str) -> Any:
    """A node's executable specification, for Python or for Beam; None where it has nothing to execute."""
    from tfx.orchestration.local import runner_utils

    return runner_utils.extract_executor_spec(runner_utils.extract_local_deployment_config(ir), node)


def executors(ir: Any) -> dict[str, str]:
    """Dotted names of the executors, by the id of their node, in the order of the graph."""
    names = {}
    for node in ir.nodes:
        name = node.pipeline_node.node_info.id
        spec = executor_of(ir, name)
        if spec is not None:
            names[name] = (spec.python_executor_spec if hasattr(spec, "python_executor_spec") else spec).class_path
    return names


def not_among(known: set[str], ir: Any) -> list[str]:
    """Nodes whose executor is not among the known ones, in the order of the graph."""
    return [node for node, executor in executors(ir).items() if executor not in known]


def only(nodes: list[str], ir: Any) -> Any:
    """The graph without the other nodes."""
    part = type(ir)()
    part.CopyFrom(ir)
    del part.nodes[:]
    part.nodes.extend(node for node in ir.nodes if node.pipeline_node.node_info.id in nodes)
    return part
