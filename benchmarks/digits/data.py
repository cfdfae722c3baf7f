"""Transforms the digits with the pipeline itself, and packs them for each variant.

The nodes from ExampleGen to Transform of the project's own graph run once, under TFX's LocalDagRunner. Preprocessing
that is written anew here could differ from the project's.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from limbeck.examples import LABEL, SPLITS, STUDENT_LABEL
from limbeck.objectives.objective import Objective
from limbeck.reference import TaskRef
from limbeck.settings.config import Config

Examples = Mapping[str, tuple[bytes, ...]]


@dataclasses.dataclass(frozen=True)
class Data:
    """Transformed examples.

    Attributes:
      transform_graph: folder of the TransformGraph artifact.
      examples: serialized transformed examples of each split, with unique ids.
    """

    transform_graph: Path
    examples: Examples


def prepare(folder: Path, ref: TaskRef, config: Config) -> Data:
    """Transforms the task's own data below `folder`, or reads what an earlier call left there."""
    if not folder.is_dir():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _transform(unfinished, ref, config)
        os.replace(unfinished, folder)  # noqa: PTH105
    outputs = folder / "artifacts" / "Transform"
    [graph] = (outputs / "transform_graph").iterdir()
    [examples] = (outputs / "transformed_examples").iterdir()
    return Data(graph, {split: _numbered(examples / f"Split-{split}") for split in SPLITS})


def _transform(folder: Path, ref: TaskRef, config: Config) -> None:
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.pipeline import RunOptions

    from limbeck import pipeline
    from limbeck.cli import raw_data
    from limbeck.components.graph.context import Storage

    storage = Storage(
        root=str(folder / "artifacts"),
        serving=str(folder / "serving"),
        data=raw_data.resolve(None, ref.load(), "own", folder / "raw"),
        accepted=str(folder / "accepted"),
    )
    store = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    graph = pipeline.create_pipeline(config, ref, storage, beam_flags=config.beam.flags(), metadata=store)
    LocalDagRunner().run(graph, run_options=RunOptions(to_nodes=["Transform"]))


def _numbered(folder: Path) -> tuple[bytes, ...]:
    import tensorflow as tf

    from limbeck.components.teacher_labeler.examples import content_id_of
    from limbeck.components.teacher_labeler.executor import number_occurrences

    by_content: dict[bytes, list[bytes]] = {}
    files = sorted(map(str, folder.iterdir()))
    for example in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        by_content.setdefault(content_id_of(example), []).append(example)
    return tuple(one for content, same in sorted(by_content.items()) for one in number_occurrences(content, same))


def with_all_labels(example: bytes) -> bytes:
    """Returns a serialized transformed tf.Example in which the student sees the label, visible or not."""
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    features = message.features.feature
    features[STUDENT_LABEL].int64_list.value[:] = features[LABEL].int64_list.value
    return bytes(message.SerializeToString(deterministic=True))


def pack_once(
    examples: Iterable[bytes], folder: Path, transform_graph: Path, label_key: str, objective: Objective
) -> None:
    """Packs serialized examples for `limbeck.trainer.data.packing`, as a whole. Does nothing if that was done."""
    from limbeck.trainer.data.packing import pack
    from limbeck.trainer.session.inputs import packed_spec

    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        file, unfinished = f"{scratch}/examples.gz", Path(scratch) / "packed"
        unfinished.mkdir()
        _write(examples, file)
        pack([file], unfinished, packed_spec(str(transform_graph), objective), label_key, objective)
        os.replace(unfinished, folder)  # noqa: PTH105


def _write(examples: Iterable[Any], file: str) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(file, "GZIP") as writer:
        for example in examples:
            writer.write(example)
