"""The artifacts of someone else's pipeline: stock splits, no ids, the label among the features, models of any kind."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact

from limbeck.components.example_adapter.executor import Executor as ExampleAdapter
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.splits import Splits
from tests.components import rehearsal, world
from tests.components.shapes import CLASSES

# Their splits, and ours.
SPLITS = {"train": "train", "eval": "test"}


@dataclasses.dataclass(frozen=True)
class Someone:
    """Their artifacts.

    Attributes:
      raw: their serialized raw examples of each split.
      transformed: what their Transform writes, in the same order.
    """

    raw: Mapping[str, list[bytes]]
    transformed: Mapping[str, list[bytes]]
    examples: Artifact
    transform_graph: Artifact


@dataclasses.dataclass(frozen=True)
class Adapted:
    """The outputs of ExampleAdapter."""

    examples: Artifact
    transformed_examples: Artifact
    transform_graph: Artifact


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Theirs. The class of an example without a label is missing."""
    return {
        "size_scaled": tft.scale_to_z_score(inputs["size"], elementwise=True),
        "colour_index": tft.compute_and_apply_vocabulary(inputs["colour"], num_oov_buckets=1),
        "kind_index": tft.compute_and_apply_vocabulary(inputs["kind"]),
    }


def build(given: world.World, folder: Path) -> Someone:
    """Runs their Transform on the rows of the world. One row is there three times."""
    rows = {theirs: given.rows[ours] for theirs, ours in SPLITS.items()}
    rows["eval"] = [*rows["eval"], rows["eval"][0], rows["eval"][0]]
    transformed = world.transform(rows, folder / "graph", preprocessing_fn)
    raw = {split: [world.raw_example(row) for row in some] for split, some in rows.items()}
    examples = rehearsal.examples(folder / "raw", list(SPLITS))
    for split, some in raw.items():
        world.write_split(examples, split, some, "data_tfrecord", shards=2)
    graph = rehearsal.artifact(standard_artifacts.TransformGraph, folder / "graph")
    return Someone(raw, transformed, examples, graph)


def properties(attribute: str = "TASK", **further: Any) -> dict[str, Any]:
    """The properties of an executor, with a task of `borrowed.py`."""
    return code_properties(CodeRef(TaskRef("tests.components.borrowed", attribute), "digest")) | further


def adapt(someone: Someone, folder: Path, attribute: str = "TASK", splits: Splits | None = None) -> Adapted:
    """Runs ExampleAdapter."""
    outputs = {
        "examples": rehearsal.artifact(standard_artifacts.Examples, folder / "sample"),
        "transformed_examples": rehearsal.artifact(standard_artifacts.Examples, folder / "adapted"),
        "transform_graph": rehearsal.artifact(standard_artifacts.TransformGraph, folder / "graph"),
    }
    inputs = {"raw_examples": someone.examples, "raw_transform_graph": someone.transform_graph}
    given = properties(attribute, splits=to_json(splits or Splits()))
    result = rehearsal.run(ExampleAdapter, inputs, outputs, given, folder)
    for name, made in outputs.items():
        made.mlmd_artifact.CopyFrom(result.output_artifacts[name].artifacts[0])
    return Adapted(**outputs)


def save(folder: Path, call: Callable[..., Any], *signature: tf.TensorSpec, held: Any = ()) -> Artifact:
    """A Model artifact whose only signature is the function `call`; `held` is what TensorFlow must track."""
    module = tf.Module()
    module.held = held
    module.call = tf.function(call, input_signature=signature, autograph=False)
    model = rehearsal.artifact(standard_artifacts.Model, folder)
    tf.saved_model.save(module, f"{folder}/Format-Serving", signatures={"serving_default": module.call})
    return model


def network(activation: str | None, outputs: int = len(CLASSES)) -> Any:
    """A tf_keras model of transformed features, with inputs as Keras wants them: int32, and with a further axis."""
    tf_keras.utils.set_random_seed(7)
    size = tf_keras.Input([2], name="size_scaled")
    colour = tf_keras.Input([1], dtype="int32", name="colour_index")
    one_hot = tf_keras.layers.CategoryEncoding(4, output_mode="one_hot")(colour)
    hidden = tf_keras.layers.Dense(8, "tanh")(tf_keras.layers.Concatenate()([size, one_hot]))
    model = tf_keras.Model([size, colour], tf_keras.layers.Dense(outputs, activation, name="answer")(hidden))
    model.compile("adam", "mse")
    return model
