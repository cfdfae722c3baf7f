"""Everything that stands before the executors under test: examples, a Transform graph and models, all real."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.artifacts.types import CompressedModel
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.compression_record import CompressionRecord
from limbeck.models import COMPRESSED, CONTROLS, STUDENT, TEACHER
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.trainer.compression import inspection, litert
from limbeck.trainer.data.preprocessing import preprocess
from limbeck.trainer.serving import compressed, export
from tests.components import rehearsal, shapes

SIZES = {"train": 61, "validation": 7, "test": 23}
SHARDS = {"train": 3, "validation": 1, "test": 2}
TEACHERS = 2
PROPERTIES = code_properties(CodeRef(TaskRef("tests.components.shapes"), "digest"))

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class World:
    """The artifacts, and what they were made from.

    Attributes:
      rows: raw rows of each split.
      transformed: serialized transformed examples of each split.
      members: the tf_keras models of the teachers, of the student and of its controls.
    """

    rows: Mapping[str, list[Row]]
    transformed: Mapping[str, list[bytes]]
    raw_examples: Artifact
    transformed_examples: Artifact
    transform_graph: Artifact
    models: Mapping[str, Artifact]
    model_runs: Mapping[str, Artifact]
    members: Mapping[str, list[Any]]

    def inputs(self, split: str) -> dict[str, Any]:
        """The model inputs of a split, parsed."""
        transform = tft.TFTransformOutput(self.transform_graph.uri)
        return dict(tf.io.parse_example(self.transformed[split], export.model_input_spec(transform)))

    def logits(self, model: str, split: str) -> Any:
        """What the models themselves answer: float32 `[examples, members, classes]`."""
        inputs = self.inputs(split)
        return np.stack([one(inputs).numpy() for one in self.members[model]], axis=1)


def build(folder: Path) -> World:
    """Builds the whole world below a folder."""
    rows = {split: _rows(seed, size) for seed, (split, size) in enumerate(SIZES.items())}
    transformed = transform(rows, folder / "graph", lambda inputs: preprocess(shapes.TASK, inputs))
    raw_examples = rehearsal.examples(folder / "raw", list(SIZES))
    transformed_examples = rehearsal.examples(folder / "transformed", list(SIZES))
    for split in SIZES:
        write_split(raw_examples, split, [raw_example(row) for row in rows[split]], "data_tfrecord")
        write_split(transformed_examples, split, transformed[split], "transformed_examples", SHARDS[split])
    output = tft.TFTransformOutput(str(folder / "graph"))
    members = {TEACHER: _models(TEACHERS, 8), STUDENT: _models(1, 3)}
    members |= {name: _models(1, 3, first=1 + number) for number, name in enumerate(CONTROLS)}
    models, runs = {}, {}
    for name, some in members.items():
        models[name] = rehearsal.artifact(standard_artifacts.Model, folder / name)
        export.save(some, shapes.TASK, output, str(folder / name / "Format-Serving"))
        runs[name] = rehearsal.artifact(standard_artifacts.ModelRun, folder / f"{name}-run")
        history = json.dumps({"parameters": export.count_parameters(some), "members": []})
        (Path(runs[name].uri) / "history.json").write_text(history, encoding="utf-8")
    members[COMPRESSED], runs[COMPRESSED] = members[STUDENT], runs[STUDENT]
    models[COMPRESSED] = _compressed(members[STUDENT][0], output, folder / COMPRESSED)
    graph = rehearsal.artifact(standard_artifacts.TransformGraph, folder / "graph")
    return World(rows, transformed, raw_examples, transformed_examples, graph, models, runs, members)


def raw_example(row: Row) -> bytes:
    """A serialized raw tf.Example."""
    feature = {
        "size": tf.train.Feature(float_list=tf.train.FloatList(value=row["size"])),
        "colour": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["colour"].encode()])),
    }
    if row["kind"] is not None:
        feature["kind"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["kind"].encode()]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def write_split(examples: Artifact, split: str, serialized: list[bytes], prefix: str, shards: int = 1) -> None:
    """Writes one split as gzip TFRecord files, as TFX names them."""
    folder = Path(examples.uri) / f"Split-{split}"
    folder.mkdir(parents=True)
    for shard in range(shards):
        path = folder / f"{prefix}-{shard:05d}-of-{shards:05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for one in serialized[shard::shards]:
                writer.write(one)


def read_split(examples: Artifact, split: str) -> list[bytes]:
    """The records of one split, in no particular order."""
    files = sorted(str(path) for path in (Path(examples.uri) / f"Split-{split}").iterdir())
    return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())


def features_of(serialized: bytes) -> dict[str, Any]:
    """The features of a tf.Example by name, as plain lists."""
    features = tf.train.Example.FromString(serialized).features.feature
    return {name: list(getattr(one, one.WhichOneof("kind")).value) for name, one in features.items()}


def by_id(serialized: Iterable[bytes]) -> dict[bytes, dict[str, Any]]:
    """The features of transformed examples, by their id."""
    parsed = [features_of(one) for one in serialized]
    return {one["example_id"][0]: one for one in parsed}


def _rows(seed: int, size: int) -> list[Row]:
    generator = np.random.default_rng(seed)
    kinds = [*shapes.CLASSES, None]
    return [
        {
            "size": generator.normal(3, 2, 2).astype(np.float32).tolist(),
            "colour": str(generator.choice(["red", "green", "blue"])),
            "kind": kinds[generator.choice(len(kinds), p=[0.3, 0.3, 0.3, 0.1])],
        }
        for _ in range(size)
    ]


def transform(
    rows: Mapping[str, list[Row]], graph: Path, preprocessing_fn: Callable[[Row], Row]
) -> dict[str, list[bytes]]:
    """Analyzes `train`, and writes the graph. Returns the serialized transformed examples of each split, in order."""
    spec = {
        "size": tf.io.FixedLenFeature([2], tf.float32),
        "colour": tf.io.FixedLenFeature([], tf.string),
        "kind": tf.io.VarLenFeature(tf.string),
    }
    raw = DatasetMetadata.from_feature_spec(spec)
    rows = {
        split: [row | {"kind": [] if row["kind"] is None else [row["kind"]]} for row in some]
        for split, some in rows.items()
    }
    transformed = {}
    with tft_beam.Context(temp_dir=str(graph.with_name("graph-scratch"))):
        ((train, metadata), function) = (rows["train"], raw) | tft_beam.AnalyzeAndTransformDataset(
            preprocessing_fn
        )
        coder = tft.coders.ExampleProtoCoder(metadata.schema)
        transformed["train"] = [coder.encode(one) for one in train]
        for split in [split for split in rows if split != "train"]:
            dataset, _ = ((rows[split], raw), function) | tft_beam.TransformDataset()
            transformed[split] = [coder.encode(one) for one in dataset]
        _write(function, raw, graph)
    return transformed


def _write(function: Any, raw: DatasetMetadata, graph: Path) -> None:
    import apache_beam as beam
    from tensorflow_transform.beam.tft_beam_io import beam_metadata_io

    with beam.Pipeline(argv=[]) as pipeline:
        _ = function | tft_beam.WriteTransformFn(str(graph))
        _ = raw | beam_metadata_io.WriteMetadata(
            str(graph / tft.TFTransformOutput.RAW_METADATA_DIR), pipeline=pipeline
        )


def _compressed(student: Any, output: tft.TFTransformOutput, folder: Path) -> Artifact:
    """The student as a file, in float32, so that it answers as the student does."""
    made = rehearsal.artifact(CompressedModel, folder)
    place, names = folder / "Format-Serving", frozenset(student.input)
    content = litert.convert(student, compressed.input_specs(output, names, "it"), "float32", [], "it")
    compressed.save_transform(shapes.TASK, output, names, str(place / compressed.TRANSFORM))
    (place / compressed.FILE).write_bytes(content)
    size = inspection.size_of(content)
    record = CompressionRecord("float32", size, size, inspection.tensors(content))
    (place / compressed.RECORD).write_text(to_json(record), encoding="utf-8")
    return made


def _models(count: int, units: int, first: int = 0) -> list[Any]:
    made = []
    for seed in range(first, first + count):
        tf_keras.utils.set_random_seed(100 * units + seed)
        made.append(shapes.build({"units": units}))
    return made
