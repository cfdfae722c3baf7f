"""A SavedModel of ours as a Beam `ModelHandler`: serialized transformed examples in, each member's logits out.

A DoFn that loads the model for each element, or pickles it into the pipeline, is slow. RunInference loads the model
once in each process, and batches the examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from apache_beam.ml.inference import base

from limbeck.components.inference.batches import BATCH_SIZE, answers_of, logits_of
from limbeck.trainer.serving.compressed import CompressedModel

Logits = npt.NDArray[np.float32]


class _SavedModelHandler(base.ModelHandler[bytes, base.PredictionResult, Any]):
    """Scores serialized tf.Examples with a SavedModel, in batches of one size."""

    def __init__(self, saved_model: str) -> None:
        """Takes the folder of a SavedModel that `limbeck.trainer.serving.export.save` wrote."""
        super().__init__()
        self._saved_model = saved_model

    def batch_elements_kwargs(self) -> dict[str, int]:
        """Returns how many examples Beam passes at once."""
        return {"min_batch_size": BATCH_SIZE, "max_batch_size": BATCH_SIZE}

    def load_model(self) -> Any:
        """Loads the model, once in each process."""
        import tensorflow as tf

        return tf.saved_model.load(self._saved_model)


class TransformedExamplesHandler(_SavedModelHandler):
    """Scores serialized transformed tf.Examples; each inference is float32 `[members, classes]`."""

    def run_inference(
        self, batch: Sequence[bytes], model: Any, inference_args: dict[str, Any] | None = None
    ) -> Iterable[base.PredictionResult]:
        """Scores one batch."""
        return [base.PredictionResult(*pair) for pair in zip(batch, logits_of(model, batch), strict=True)]


class RawExamplesHandler(_SavedModelHandler):
    """Scores serialized raw tf.Examples as a served model does.

    Each inference has the outputs of the signature `serving_default` for one example, by name.
    """

    def run_inference(
        self, batch: Sequence[bytes], model: Any, inference_args: dict[str, Any] | None = None
    ) -> Iterable[base.PredictionResult]:
        """Scores one batch."""
        return [base.PredictionResult(*pair) for pair in zip(batch, answers_of(model, batch), strict=True)]


class CompressedModelHandler(base.ModelHandler[bytes, base.PredictionResult, Any]):
    """Scores serialized transformed tf.Examples with a `.tflite` file, one at a time, as an application does.

    Each inference is float32 `[1, outputs]`.
    """

    def __init__(self, folder: str) -> None:
        """Takes a folder of `limbeck.trainer.serving.compressed`."""
        super().__init__()
        self._folder = folder

    def batch_elements_kwargs(self) -> dict[str, int]:
        """Returns how many examples Beam passes at once."""
        return {"min_batch_size": 1, "max_batch_size": BATCH_SIZE}

    def load_model(self) -> CompressedModel:
        """Loads the file, once in each process."""
        return CompressedModel(self._folder)

    def run_inference(
        self,
        batch: Sequence[bytes],
        model: CompressedModel,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterable[base.PredictionResult]:
        """Scores one batch."""
        answers = model.answer_transformed(list(batch))
        return [base.PredictionResult(one, row[np.newaxis]) for one, row in zip(batch, answers, strict=True)]
