"""Converts a model into a `.tflite` file with TensorFlow's converter.

The converter reports little about what it did: it may keep an operator in floating point, or leave small weights
unchanged. So the result is not trusted; `limbeck.trainer.compression.inspection` reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from limbeck import task_code, temporary
from limbeck.aliases import Features, KerasModel, Tensor
from limbeck.errors import DataError, TaskError
from limbeck.trainer.serving.compressed import LOGITS
from limbeck.trainer.serving.export import tensor_name

# How a file stores weights. `int8` computes in int8, too.
Storage = Literal["float32", "dynamic_range", "float16", "int8"]
# One example: each input `[1, ...]`, by name.
Example = Mapping[str, Any]
_LINES, _LETTERS = 3, 500


def convert(
    model: KerasModel, specs: Mapping[str, Any], storage: Storage, representative: Sequence[Example], who: str
) -> bytes:
    """Returns the file of a model.

    Args:
      model: tf_keras model, inputs by name -> `[batch, outputs]`.
      specs: tf.TensorSpec `[1, ...]` of each input that the model takes, by name.
      storage: how weights are stored.
      representative: examples that tell `int8` the range of each value. The other kinds do not read them.
      who: the model in words, for messages.

    Raises:
      DataError: if there is no representative example.
      TaskError: if the converter has no operator for a part of the model.
    """
    import tensorflow as tf

    if storage == "int8" and not representative:
        raise DataError(
            f"{who} cannot be quantised to int8 without representative examples, which tell the range of each value: "
            "give the training split examples"
        )
    module = tf.Module()
    module.variables_of_model = model.variables
    module.serve = _function(model, specs)
    with temporary.folder() as folder:
        path = str(folder / "model")
        tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
        converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=["serving_default"])
        _SETTERS[storage](converter, representative)
        try:
            content: bytes = converter.convert()
        except Exception as error:
            if task_code.may_pass(error):
                raise
            raise TaskError(
                f"{who} cannot become a .tflite file: {_told(error)}. Build the student from other layers, or do this "
                "part in preprocessing_fn, or set compression.recipe=none"
            ) from error
    return content


def _function(model: KerasModel, specs: Mapping[str, Any]) -> Any:
    """Returns the model as a function of one example.

    A layer may behave differently if it knows that the batch has one example: Keras' CategoryEncoding drops a
    dimension. So the model is traced for any number of examples, as in training, and this function is called with one
    example.
    """
    import tensorflow as tf

    names = {name: tensor_name(name) for name in specs}
    several = {
        names[name]: tf.TensorSpec([None, *spec.shape[1:]], spec.dtype, name=names[name])
        for name, spec in specs.items()
    }

    @tf.function(autograph=False, input_signature=[several])
    def call(tensors: Features) -> Tensor:
        return tf.cast(model({name: tensors[names[name]] for name in specs}, training=False), tf.float32)

    @tf.function(autograph=False, input_signature=[{names[name]: spec for name, spec in specs.items()}])
    def serve(tensors: Features) -> dict[str, Tensor]:
        return {LOGITS: call(tensors)}

    return serve


def _float32(converter: Any, representative: Sequence[Example]) -> None:
    """Changes no option, so weights stay float32."""


def _dynamic_range(converter: Any, representative: Sequence[Example]) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: Any, representative: Sequence[Example]) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _int8(converter: Any, representative: Sequence[Example]) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # An operator without an int8 version stays in floating point. The record of the file names it.
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]

    def examples() -> Iterator[dict[str, Any]]:
        for example in representative:
            yield {tensor_name(name): values for name, values in example.items()}

    converter.representative_dataset = examples


_SETTERS: Mapping[str, Callable[[Any, Sequence[Example]], None]] = {
    "float32": _float32,
    "dynamic_range": _dynamic_range,
    "float16": _float16,
    "int8": _int8,
}


def _told(error: Exception) -> str:
    """Returns what the converter says, which may have thousands of lines: the missing operators if it names them."""
    missing = re.search(r"^(?:TF Select|Custom) ops: (.*)$", str(error), re.MULTILINE)
    if missing:
        return f"LiteRT has no operator for {missing[1].strip()}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:_LINES])[:_LETTERS].rstrip(".") or type(error).__name__
