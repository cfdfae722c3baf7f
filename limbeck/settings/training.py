"""Settings section `training`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, Positive, PositiveFloat, runtime


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """How long and in which steps teachers and student are trained.

    Attributes:
      epochs: passes over the training split.
      batch_size: the global batch size: examples in one optimizer step over all replicas together.
      learning_rate: peak learning rate, at the first step after warm-up.
      seed: of initial weights, order and augmentation.
      clip_norm: largest norm of all gradients of a step together; larger ones are scaled down. null: any.
      warmup_steps: optimizer steps in which the learning rate rises in equal parts to its peak.
      schedule: of the learning rate after warm-up: `cosine` and `linear` reach 0 after the last step.
      precision: `float32`, or a Keras policy: `mixed_float16` (with loss scaling) or `mixed_bfloat16`. Variables,
        losses and the exported model are float32 in each.
      steps_per_call: optimizer steps between two returns to Python.
      early_stopping_patience: ends a training after so many epochs in a row without a lower log loss on the
        validation split; null: never.
    """

    epochs: Positive = runtime(10)
    batch_size: Positive = runtime(64)
    learning_rate: PositiveFloat = runtime(1e-3)
    seed: NotNegative = runtime(0)
    clip_norm: PositiveFloat | None = runtime(None)
    warmup_steps: NotNegative = runtime(0)
    schedule: Literal["cosine", "constant", "linear"] = "cosine"
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    steps_per_call: Positive = 20
    early_stopping_patience: Positive | None = None
