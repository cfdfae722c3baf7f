"""The SavedModel that is served: raw examples in, the objective's answers out.

A model that takes transformed features moves the preprocessing to every caller, where it drifts from the one the
model was trained with. So the Transform graph is inside, and nothing but TensorFlow is needed to load it.

Signatures:
  serving_default    `examples` string `[batch]`, serialized raw tf.Examples
  serving_tensors    one dense tensor a raw feature, `[batch, *shape]`
  transformed        `examples` string `[batch]`, serialized *transformed* tf.Examples -> `logits`
                     `[batch, members, outputs]`: what the pipeline itself scores with
The first two return what `Objective.answers` of the task's objective says.
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
    """The name of a raw feature in `serving_tensors`: the feature's own where TensorFlow keeps it as it is.

    TensorFlow renames or refuses other names. Those become `feature_` and the UTF-8 bytes in hexadecimal, which
    `feature_name` reverses.
    """
    if _SAFE.fullmatch(feature) and not feature.startswith("feature_") and feature != "self":
        return feature
    return f"feature_{feature.encode().hex()}"


def feature_name(tensor: str) -> str:
    """The raw feature behind a name of `serving_tensors`: the inverse of `tensor_name`."""
    prefix = "feature_"
    return bytes.fromhex(tensor[len(prefix) :]).decode() if tensor.startswith(prefix) else tensor


def save(models: Sequence[Any], task: Task, transform: Any, destination: str) -> None:
    """Saves one model, or an ensemble of several, with the signatures above.

    Args:
      models: plain tf_keras models, built outside of any strategy, that map model inputs to `[batch, outputs]`.
      task: whose raw features the signatures take.
      transform: the `TFTransformOutput` that the models were trained with.
      destination: folder of the SavedModel.
    """
    import tensorflow as tf
    from tensorflow_transform.saved import saved_transform_io_v2

    module = tf.Module()
    # Their weights alone: from a model in the module TensorFlow would also save each layer as a Keras object.
    module.weights = [model.variables for model in models]
    module.resources = [_resources(model) for model in models]
    # Not tft's Keras layer around it, whose own signature autograph would make of Keras' code, for seconds; the
    # attributes of the loader are what must be tracked.
    transform_graph = saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
    module.transform = vars(transform_graph)
    members, objective = _members(models), task.objective
    raw_spec = _raw_spec(task, transform.raw_feature_spec())
    transformed_spec = model_input_spec(transform)

    # Without autograph, which would rewrite Keras' own code line by line and take most of the time of an export;
    # Keras applies it to a user's layers itself.
    graph = functools.partial(tf.function, autograph=False)

    def answer(raw: Mapping[str, Any]) -> dict[str, Any]:
        inputs = transform_graph.apply_transform_model(dict(raw))
        return objective.answers(members({name: inputs[name] for name in transformed_spec}))

    @graph(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def from_examples(examples: Any) -> dict[str, Any]:
        return answer(tf.io.parse_example(examples, raw_spec))

    @graph(input_signature=[{tensor_name(f.name): _tensor_spec(f) for f in task.features}])
    def from_tensors(tensors: dict[str, Any]) -> dict[str, Any]:
        return answer({f.name: _as_parsed(tensors[tensor_name(f.name)], raw_spec[f.name]) for f in task.features})

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
    """How to parse the model's inputs from a transformed example: the transformed features less ours."""
    return {name: spec for name, spec in transform.transformed_feature_spec().items() if name not in RESERVED}


def count_parameters(models: Sequence[Any]) -> int:
    """Weights of all members together."""
    return sum(int(model.count_params()) for model in models)


def _resources(model: Any) -> list[Any]:
    """What the answers of a model depend on beside its weights: lookup tables, files, and variables of its own."""
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


def _raw_spec(task: Task, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {feature.name: spec[feature.name] for feature in task.features}


def _tensor_spec(feature: Feature) -> Any:
    import tensorflow as tf

    dtype = {"number": tf.float32, "integer": tf.int64, "text": tf.string}[feature.kind]
    return tf.TensorSpec([None, *feature.shape], dtype, name=tensor_name(feature.name))


def _as_parsed(values: Any, spec: Any) -> Any:
    import tensorflow as tf

    if isinstance(spec, tf.io.VarLenFeature):
        flat = tf.reshape(tf.cast(values, spec.dtype), [tf.shape(values)[0], -1])
        # Every value is present, zeros too, which tf.sparse.from_dense would drop.
        present = tf.where(tf.fill(tf.shape(flat), True))
        return tf.sparse.SparseTensor(present, tf.reshape(flat, [-1]), tf.shape(flat, tf.int64))
    return tf.reshape(tf.cast(values, spec.dtype), [-1, *spec.shape])
