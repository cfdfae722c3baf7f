"""Writes the SavedModel that is served. It takes raw examples and returns the objective's answers.

If a model takes transformed features, every caller must transform them, and will sooner or later do it differently than
in training. So the SavedModel contains the Transform graph. It needs nothing but TensorFlow to load.

Signatures:
  serving_default    `examples` string `[batch]`, serialized raw tf.Examples
  serving_tensors    one dense tensor for each raw feature, `[batch, *shape]`
  transformed        `examples` string `[batch]`, serialized *transformed* tf.Examples -> `logits` float32
                     `[batch, members, outputs]`; the pipeline itself scores with it
The first two return the tensors of `Objective.answers` of the task's objective.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.examples import RESERVED
from limbeck.task import Feature, Task

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def tensor_name(feature: str) -> str:
    """Returns the name of a raw feature in `serving_tensors`: its own name, if TensorFlow keeps that unchanged.

    TensorFlow renames or refuses some names. Such a name becomes `feature_` and its UTF-8 bytes in hexadecimal.
    `feature_name` is the inverse.
    """
    if _SAFE.fullmatch(feature) and not feature.startswith("feature_") and feature != "self":
        return feature
    return f"feature_{feature.encode().hex()}"


def feature_name(tensor: str) -> str:
    """Returns the raw feature with this name in `serving_tensors`. It is the inverse of `tensor_name`."""
    prefix = "feature_"
    return bytes.fromhex(tensor[len(prefix) :]).decode() if tensor.startswith(prefix) else tensor


def save(models: Sequence[Any], task: Task, transform: Any, destination: str) -> None:
    """Saves one model, or an ensemble of several, with the signatures above.

    Args:
      models: plain tf_keras models, built outside of any strategy: inputs by name -> `[batch, outputs]`.
      task: the task, with the raw features that the signatures take and the objective.
      transform: the `TFTransformOutput` that the models were trained with.
      destination: folder that receives the SavedModel.
    """
    import tensorflow as tf
    from tensorflow_transform.saved import saved_transform_io_v2

    module = tf.Module()
    # The module holds only the weights. If it held a model, TensorFlow would save each layer as a Keras object.
    module.weights = [model.variables for model in models]
    module.resources = [_resources(model) for model in models]
    # tft's Keras layer is not used, because autograph would rewrite Keras' code for its signature, which takes seconds.
    # TensorFlow must track the objects that are attributes of the loader.
    transform_graph = saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
    module.transform = vars(transform_graph)
    members, objective = _members(models), task.objective
    parsed_as = raw_spec(task, transform.raw_feature_spec())
    transformed_spec = model_input_spec(transform)

    # Autograph is off. It would rewrite Keras' own code, which takes most of the time of an export. Keras itself
    # applies autograph to a user's layers.
    graph = functools.partial(tf.function, autograph=False)

    def answer(raw: Mapping[str, Any]) -> dict[str, Any]:
        inputs = transform_graph.apply_transform_model(dict(raw))
        return objective.answers(members({name: inputs[name] for name in transformed_spec}))

    @graph(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def from_examples(examples: Any) -> dict[str, Any]:
        return answer(tf.io.parse_example(examples, parsed_as))

    @graph(input_signature=[tensor_specs(task)])
    def from_tensors(tensors: dict[str, Any]) -> dict[str, Any]:
        return answer(as_raw(task, tensors, parsed_as))

    @graph(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def from_transformed(examples: Any) -> dict[str, Any]:
        return {"logits": members(tf.io.parse_example(examples, transformed_spec))}

    module.from_examples, module.from_tensors, module.from_transformed = (
        from_examples,
        from_tensors,
        from_transformed,
    )
    tf.saved_model.save(
        module,
        destination,
        signatures={
            "serving_default": from_examples,
            "serving_tensors": from_tensors,
            "transformed": from_transformed,
        },
    )


def model_input_spec(transform: Any) -> dict[str, Any]:
    """Returns the feature spec of the model's inputs: of all transformed features except the reserved names."""
    return {name: spec for name, spec in transform.transformed_feature_spec().items() if name not in RESERVED}


def raw_spec(task: Task, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the part of a feature spec of raw examples that describes the task's features, without the label."""
    return {feature.name: spec[feature.name] for feature in task.features}


def tensor_specs(task: Task) -> dict[str, Any]:
    """Returns the tf.TensorSpec of each raw feature, dense and `[batch, *shape]`, by its `tensor_name`."""
    return {tensor_name(feature.name): _tensor_spec(feature) for feature in task.features}


def as_raw(task: Task, tensors: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns dense raw features as `tf.io.parse_example` would have returned them.

    Args:
      task: the task.
      tensors: the features by `tensor_name`, as `tensor_specs` describes them.
      spec: what `raw_spec` returns.
    """
    names = [feature.name for feature in task.features]
    return {name: _as_parsed(tensors[tensor_name(name)], spec[name]) for name in names}


def count_parameters(models: Sequence[Any]) -> int:
    """Returns the number of weights of all members together."""
    return sum(int(model.count_params()) for model in models)


def _resources(model: Any) -> list[Any]:
    """Returns the objects besides its weights that a model needs: lookup tables, files, and further variables."""
    import tensorflow as tf

    kinds = (tf.saved_model.experimental.TrackableResource, tf.saved_model.Asset, tf.Variable)
    known = {id(variable) for variable in model.variables}
    parts = tf.train.TrackableView(model).descendants()
    return [part for part in parts if isinstance(part, kinds) and id(part) not in known]


def _members(models: Sequence[Any]) -> Any:
    import tensorflow as tf

    def members(inputs: dict[str, Any]) -> Any:
        logits = [tf.cast(model(inputs, training=False), tf.float32) for model in models]
        return tf.stack(logits, axis=1)

    return members


def _tensor_spec(feature: Feature) -> Any:
    import tensorflow as tf

    dtype = {"number": tf.float32, "integer": tf.int64, "text": tf.string}[feature.kind]
    return tf.TensorSpec([None, *feature.shape], dtype, name=tensor_name(feature.name))


def _as_parsed(values: Any, spec: Any) -> Any:
    import tensorflow as tf

    if isinstance(spec, tf.io.VarLenFeature):
        flat = tf.reshape(tf.cast(values, spec.dtype), [tf.shape(values)[0], -1])
        # `tf.sparse.from_dense` is not used, because it would drop zeros.
        present = tf.where(tf.fill(tf.shape(flat), True))
        return tf.sparse.SparseTensor(present, tf.reshape(flat, [-1]), tf.shape(flat, tf.int64))
    return tf.reshape(tf.cast(values, spec.dtype), [-1, *spec.shape])
