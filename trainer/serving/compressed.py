"""Writes the folder of a compressed student, and calls the student.

A `.tflite` file holds a model with dense inputs for one example. It cannot hold a Transform graph, which parses
serialized examples and looks texts up in vocabularies. If each caller wrote the transformation again, it would sooner
or later differ from the one in training. So the folder holds the graph too, as a SavedModel that turns raw examples
into the inputs of the file:

  student.tflite      one signature: each model input `[1, ...]` by name -> `logits` float32 `[1, outputs]`
  transform/          a SavedModel, see `save_transform`
  compression.json    a `limbeck.compression_record.CompressionRecord`

docs/compression.md shows a caller that needs nothing but TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck import files
from limbeck.aliases import Features, Tensor, TransformOutput
from limbeck.errors import TaskError
from limbeck.task import Task
from limbeck.trainer.serving import export
from limbeck.trainer.serving.export import tensor_name

FILE, TRANSFORM, RECORD = "student.tflite", "transform", "compression.json"
LOGITS = "logits"
# The folder of a compressed student beside the SavedModel that was pushed with it.
FOLDER = "compressed"
Logits = npt.NDArray[np.float32]


class CompressedFile:
    """The `.tflite` file of a student, called in this process on one thread."""

    def __init__(self, content: bytes) -> None:
        """Takes the content of the file."""
        import tensorflow as tf

        self._interpreter = tf.lite.Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner()
        given = runner.get_input_details()
        self._inputs = {name: one["index"] for name, one in given.items()}
        # The shape of each input, `[1, ...]`, by its name.
        self.shapes = {name: tuple(map(int, one["shape"])) for name, one in given.items()}
        self._output = runner.get_output_details()[LOGITS]["index"]

    def answer(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Logits:
        """Calls the file for one example.

        Args:
          inputs: each input of the file, `[1, ...]`, by its name in the file.

        Returns:
          float32 `[1, outputs]`.
        """
        for name, index in self._inputs.items():
            self._interpreter.set_tensor(index, inputs[name])
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output))


class CompressedModel:
    """A compressed student with the transformation of raw features, called in this process on one thread."""

    def __init__(self, folder: files.Location) -> None:
        """Loads the file and the transformation from the folder of a compressed student.

        Args:
          folder: path or URI of the folder.
        """
        import tensorflow as tf

        path = files.local_copy(folder)
        self.answer = CompressedFile(files.read_bytes(files.join(path, FILE))).answer
        self._transform = tf.saved_model.load(files.join(path, TRANSFORM))

    def answer_example(self, example: Tensor) -> Logits:
        """Transforms one serialized raw tf.Example, a string tensor `[1]`, and calls the file."""
        made = self._transform.signatures["serving_default"](example)
        return self.answer({name: values.numpy() for name, values in made.items()})

    def answer_transformed(self, examples: list[bytes]) -> Logits:
        """Calls the file for each serialized transformed tf.Example. Returns float32 `[examples, outputs]`."""
        import tensorflow as tf

        made = self._transform.signatures["transformed"](tf.constant(examples))
        columns = {name: values.numpy() for name, values in made.items()}
        answers = [
            self.answer({name: values[row : row + 1] for name, values in columns.items()})
            for row in range(len(examples))
        ]
        return np.concatenate(answers)


def input_specs(transform: TransformOutput, names: frozenset[str], who: str) -> dict[str, Any]:
    """Returns the tf.TensorSpec of each input of the file, `[1, ...]`, by the name of the transformed feature.

    Args:
      transform: the transform graph.
      names: the transformed features that the student takes.
      who: the student in words, for the message.

    Raises:
      TaskError: if an input is sparse or ragged, or if one of its dimensions is unknown.
    """
    import tensorflow as tf

    specs = {}
    for name, spec in export.model_input_spec(transform).items():
        if name not in names:
            continue
        if not isinstance(spec, tf.io.FixedLenFeature):
            raise TaskError(
                f"{who} cannot be compressed: its input '{name}' is {_words(spec)}, and a .tflite file takes dense "
                "inputs of one size. Let preprocessing_fn return it dense (tf.sparse.to_dense, padded to one length), "
                "or set compression.recipe=none"
            )
        specs[name] = tf.TensorSpec([1, *spec.shape], spec.dtype, name=tensor_name(name))
    return specs


def save_transform(task: Task, transform: TransformOutput, names: frozenset[str], destination: str) -> None:
    """Writes a SavedModel that turns examples into the inputs of the file.

    Signatures:
      serving_default    `examples` string `[batch]`, serialized raw tf.Examples
      serving_tensors    one dense tensor for each raw feature, `[batch, *shape]`, as in the student's SavedModel
      transformed        `examples` string `[batch]`, serialized transformed tf.Examples; the pipeline scores with it

    Each returns the inputs of the file, `[batch, ...]`, by their names in the file.

    Args:
      task: the task, with the raw features.
      transform: the transform graph.
      names: the transformed features that the student takes.
      destination: folder that receives the SavedModel.
    """
    import tensorflow as tf
    from tensorflow_transform.saved import saved_transform_io_v2

    module = tf.Module()
    loader = saved_transform_io_v2.SavedModelLoader(transform.transform_savedmodel_dir)
    # TensorFlow must track the objects that are attributes of the loader.
    module.transform = vars(loader)
    raw_spec = export.raw_spec(task, transform.raw_feature_spec())
    spec = {name: one for name, one in export.model_input_spec(transform).items() if name in names}

    def chosen(features: Features) -> dict[str, Tensor]:
        return {tensor_name(name): tf.identity(features[name]) for name in spec}

    graph = functools.partial(tf.function, autograph=False)
    serialized = [tf.TensorSpec([None], tf.string, name="examples")]

    @graph(input_signature=serialized)
    def from_examples(examples: Tensor) -> dict[str, Tensor]:
        return chosen(loader.apply_transform_model(dict(tf.io.parse_example(examples, raw_spec))))

    @graph(input_signature=[export.tensor_specs(task)])
    def from_tensors(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return chosen(loader.apply_transform_model(export.as_raw(task, tensors, raw_spec)))

    @graph(input_signature=serialized)
    def from_transformed(examples: Tensor) -> dict[str, Tensor]:
        return chosen(tf.io.parse_example(examples, spec))

    signatures = {
        "serving_default": from_examples,
        "serving_tensors": from_tensors,
        "transformed": from_transformed,
    }
    module.functions = list(signatures.values())
    tf.saved_model.save(module, destination, signatures=signatures)


def _words(spec: Any) -> str:
    kind = type(spec).__name__.removesuffix("Feature").lower()
    return "ragged" if kind == "ragged" else "sparse"
