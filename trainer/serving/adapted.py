"""Writes the SavedModel of someone else again, with the signatures that the pipeline calls.

Everything after the teachers' training asks one model for `transformed` (to label examples) and for `serving_default`
(to time it). If each component knew other models too, each would find signatures and invert probabilities on its own.
Here a model is wrapped once, and is a teacher like any other from then on.

Signatures:
  serving_default    `examples` string `[batch]`, serialized raw tf.Examples -> `Objective.answers`
  transformed        `examples` string `[batch]`, serialized examples of ExampleAdapter -> `logits` float32
                     `[batch, 1, outputs]`
  answers            `examples` as for `serving_default` -> `answers`: what the other model itself returns
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from limbeck.aliases import Features, Tensor, TransformOutput
from limbeck.examples import RAW_EXAMPLE
from limbeck.saved_teacher import SavedTeacher
from limbeck.task import Task
from limbeck.trainer.data.preprocessing import dense_feature
from limbeck.trainer.distillation.inversion import as_logits
from limbeck.trainer.serving import signature
from limbeck.trainer.serving.export import model_input_spec


def save(saved_model: str, teacher: SavedTeacher, task: Task, transform: TransformOutput, destination: str) -> int:
    """Writes a SavedModel with the signatures above, which calls another SavedModel.

    Args:
      saved_model: folder of the other SavedModel. The new one holds all of it, and does not read it.
      teacher: what is called in it, and what it answers.
      task: the task, with the raw features and the objective.
      transform: the transform graph that ExampleAdapter wrote.
      destination: folder that receives the SavedModel.

    Returns:
      The number of weights that the answers depend on.

    Raises:
      ConfigError: if the model is not as declared.
    """
    import tensorflow as tf

    module = tf.Module()
    module.teacher = tf.saved_model.load(saved_model)
    raw_spec = {feature.name: transform.raw_feature_spec()[feature.name] for feature in task.features}
    taken = raw_spec if teacher.takes == "raw" else model_input_spec(transform)
    called = signature.find(module.teacher, teacher, taken)
    features_of = _dense_features(task) if teacher.takes == "raw" else _transformed_features(module, transform)

    def of_raw(examples: Tensor) -> Tensor:
        if called.serialized is not None:
            return called.of_examples(examples)
        return called.of_features(features_of(tf.io.parse_example(examples, raw_spec)))

    def of_adapted(examples: Tensor) -> Tensor:
        if teacher.takes == "raw":
            raw = tf.io.parse_example(examples, {RAW_EXAMPLE: tf.io.FixedLenFeature([], tf.string)})
            return of_raw(raw[RAW_EXAMPLE])
        return called.of_features(tf.io.parse_example(examples, {name: taken[name] for name in called.inputs}))

    graph = functools.partial(
        tf.function, autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
    )

    @graph
    def serve(examples: Tensor) -> dict[str, Tensor]:
        logits = as_logits(of_raw(examples), teacher, task.objective)
        return task.objective.answers(logits[:, tf.newaxis])

    @graph
    def label(examples: Tensor) -> dict[str, Tensor]:
        return {"logits": as_logits(of_adapted(examples), teacher, task.objective)[:, tf.newaxis]}

    @graph
    def answer(examples: Tensor) -> dict[str, Tensor]:
        return {"answers": of_raw(examples)}

    module.serve, module.label, module.answer = serve, label, answer
    signatures = {"serving_default": serve, "transformed": label, "answers": answer}
    tf.saved_model.save(module, destination, signatures=signatures)
    return sum(int(tf.size(one)) for one in called.function.variables if one.dtype.is_floating)


def _dense_features(task: Task) -> Callable[[Features], Features]:
    """Returns a function that makes parsed raw features dense, with the defaults that the task declares."""
    return lambda raw: {feature.name: dense_feature(feature, raw[feature.name]) for feature in task.features}


def _transformed_features(module: Any, transform: TransformOutput) -> Callable[[Features], Features]:
    """Returns a function that transforms parsed raw features. `module` then holds what TensorFlow must track."""
    from tensorflow_transform.saved import saved_transform_io_v2

    graph = saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
    # The attributes of the loader are the objects that TensorFlow must track.
    module.transform = vars(graph)
    return lambda raw: graph.apply_transform_model(dict(raw))
