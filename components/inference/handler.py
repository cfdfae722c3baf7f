"""A SavedModel of ours as a Beam `ModelHandler`: serialized transformed examples in, member logits out.

Loading a model for each element, or pickling it into the pipeline, is what makes home-made inference slow;
RunInference loads it once a process and batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from apache_beam.ml.inference import base

Logits = npt.NDArray[np.float32]


# A matrix product of another height may round differently. Batches are filled up to one size, so that the answer for
# an example does not depend on how Beam happened to bundle it with others.
BATCH_SIZE = 256


class TransformedExamplesHandler(base.ModelHandler[bytes, base.PredictionResult, Any]):
    """Scores serialized transformed tf.Examples; each inference is float32 `[members, classes]`."""

    def __init__(self, saved_model: str) -> None:
        """Takes the folder of a SavedModel that `trainer.serving.export.save` wrote."""
        super().__init__()
        self._saved_model = saved_model

    def batch_elements_kwargs(self) -> dict[str, int]:
        """How many examples Beam hands over at once."""
        return {"min_batch_size": BATCH_SIZE, "max_batch_size": BATCH_SIZE}

    def load_model(self) -> Any:
        """Loads the model, once a process."""
        import tensorflow as tf

        return tf.saved_model.load(self._saved_model)

    def run_inference(
        self, batch: Sequence[bytes], model: Any, inference_args: dict[str, Any] | None = None
    ) -> Iterable[base.PredictionResult]:
        """Scores one batch."""
        import tensorflow as tf

        filled = [*batch, *[batch[-1]] * (BATCH_SIZE - len(batch))]
        logits = model.signatures["transformed"](tf.constant(filled))["logits"].numpy()
        return [base.PredictionResult(*pair) for pair in zip(batch, logits[: len(batch)], strict=True)]
