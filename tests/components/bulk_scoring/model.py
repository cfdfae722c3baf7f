"""A task with a feature of each kind, and a SavedModel with the signature of a pushed student."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limbeck.reference import TaskRef

SOURCE = """
from limbeck import Feature, Label, Task


def nothing(*_):
    raise AssertionError("a pushed model needs no code of its task")


TASK = Task(
    name="scored",
    features=(
        Feature("size", "number"),
        Feature("pair", "number", shape=(2,)),
        Feature("count", "integer", default=7),
        Feature("colour", "text", default="none"),
    ),
    label=Label("shape", classes=("round", "square"), kind="text"),
    preprocessing_fn=nothing,
    build_teacher=nothing,
    build_student=nothing,
)
"""


def write_task(folder: Path, source: str = SOURCE) -> TaskRef:
    """Writes the task. Returns its reference."""
    (folder / "scored_task.py").write_text(source, encoding="utf-8")
    return TaskRef("scored_task", search_path=str(folder))


def write_model(folder: Path, pair: bool = False) -> str:
    """Writes a model whose answers depend on every feature, in float32. Returns its folder."""
    import tensorflow as tf

    spec: dict[str, Any] = {
        "size": tf.io.FixedLenFeature([], tf.float32),
        "count": tf.io.FixedLenFeature([], tf.int64, 7),
        "colour": tf.io.FixedLenFeature([], tf.string, "none"),
    }
    if pair:
        spec["pair"] = tf.io.FixedLenFeature([2], tf.float32)
    module = tf.Module()
    module.weights = tf.Variable(tf.random.stateless_normal([3, 2], seed=[1, 2]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: Any) -> dict[str, Any]:
        raw = tf.io.parse_example(examples, spec)
        length = tf.cast(tf.strings.length(raw["colour"]), tf.float32)
        inputs = tf.stack([raw["size"], tf.cast(raw["count"], tf.float32), length], axis=1)
        if pair:
            inputs += tf.pad(raw["pair"], [[0, 0], [0, 1]])
        logits = tf.matmul(inputs, module.weights)
        return {"logits": logits, "class": tf.argmax(logits, axis=-1), "name": tf.identity(raw["colour"])}

    module.serve = serve
    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})
    return str(folder)
