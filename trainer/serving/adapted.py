"""Exports the SavedModel of another pipeline again, with the signatures that our pipeline calls.

All later nodes call one model by the signatures `transformed` (to label examples) and `serving_default` (to time it).
If each component supported other models, each would have to find signatures and invert probabilities. Here a model is
wrapped once. From then on it is a teacher like any other.

Signatures:
  serving_default    `examples` string `[batch]`, serialized raw tf.Examples -> `Objective.answers`
  transformed        `examples` string `[batch]`, serialized examples of ExampleAdapter -> `logits` float32
                     `[batch, 1, outputs]`
  answers            `examples` as for `serving_default` -> `answers`: what the other model itself returns
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from limbeck.aliases import Features, Tensor, TransformOutput
from limbeck.examples import RAW_EXAMPLE
from limbeck.saved_teacher import SavedTeacher
from limbeck.task import Feature, FeatureKind, Task
from limbeck.trainer.data.preprocessing import dense_feature
from limbeck.trainer.distillation.inversion import as_logits
from limbeck.trainer.serving import signature


def save(saved_model: str, teacher: SavedTeacher, task: Task, transform: TransformOutput, destination: str) -> int:
    """Writes a SavedModel with the signatures above, which calls another SavedModel.

    Args:
      saved_model: folder of the other SavedModel. The new SavedModel contains it, and does not need this folder.
      teacher: which signature is called, and what it returns.
      task: the task, with the objective. Its features say how gaps in raw features are filled.
      transform: the transform graph.
      destination: folder that receives the SavedModel.

    Returns:
      The number of weights that the answers depend on.

    Raises:
      ConfigError: if the model does not fit the declaration.
    """
    import tensorflow as tf
    from tensorflow_transform.saved import saved_transform_io_v2

    module = tf.Module()
    module.teacher = tf.saved_model.load(saved_model)
    loader = saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
    raw_spec, outputs = transform.raw_feature_spec(), loader.structured_outputs
    called = signature.find(module.teacher, teacher, raw_spec if teacher.takes == "raw" else outputs)
    if teacher.takes == "transformed":
        # TensorFlow must track the objects that are attributes of the loader.
        module.transform = vars(loader)

    def answers_to(examples: Tensor) -> Tensor:
        if called.serialized is not None:
            return called.of_examples(examples)
        raw = tf.io.parse_example(examples, raw_spec)
        if teacher.takes == "transformed":
            return called.of_features(loader.apply_transform_model(dict(raw)))
        return called.of_features(_dense(task, raw, called.inputs))

    graph = functools.partial(
        tf.function, autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name="examples")]
    )

    @graph
    def serve(examples: Tensor) -> dict[str, Tensor]:
        logits = as_logits(answers_to(examples), teacher, task.objective)
        return task.objective.answers(logits[:, tf.newaxis])

    @graph
    def label(examples: Tensor) -> dict[str, Tensor]:
        adapted = tf.io.parse_example(examples, {RAW_EXAMPLE: tf.io.FixedLenFeature([], tf.string)})
        answers = answers_to(adapted[RAW_EXAMPLE])
        return {"logits": as_logits(answers, teacher, task.objective)[:, tf.newaxis]}

    @graph
    def answer(examples: Tensor) -> dict[str, Tensor]:
        return {"answers": answers_to(examples)}

    module.serve, module.label, module.answer = serve, label, answer
    signatures = {"serving_default": serve, "transformed": label, "answers": answer}
    tf.saved_model.save(module, destination, signatures=signatures)
    return sum(int(tf.size(one)) for one in called.function.variables if one.dtype.is_floating)


def _dense(task: Task, raw: Features, inputs: Mapping[str, Any]) -> Features:
    """Returns the raw features that a signature takes, dense.

    The task's features have their declared shapes and defaults. Of any other feature, every example must have as many
    values as the signature takes.
    """
    declared = {feature.name: feature for feature in task.features}
    features = {name: declared.get(name) or _as_taken(name, raw[name], spec) for name, spec in inputs.items()}
    return {name: dense_feature(feature, raw[name]) for name, feature in features.items()}


def _as_taken(name: str, values: Any, spec: Any) -> Feature:
    kind: FeatureKind = "number" if values.dtype.is_floating else "integer" if values.dtype.is_integer else "text"
    sizes = () if spec.shape.rank is None else tuple(size or 1 for size in spec.shape[1:])
    return Feature(name, kind, sizes)
