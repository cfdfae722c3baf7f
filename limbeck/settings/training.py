"""Settings section `training`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, Positive, PositiveFloat, Seed, operational, runtime


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """How long and in which steps teachers and student are trained.

    Attributes:
      epochs: passes over the training split.
      batch_size: global batch size: the number of examples in one optimizer step, over all replicas together.
      accumulate: micro-batches that a replica cuts its part of a batch into, to hold the activations of one of them at
        a time. Gradients are added up, so the result is that of the whole batch, but for batch normalisation.
      recompute: `all` computes the activations of each block of a model again in its backward pass instead of keeping
        them, `except_last` those of all blocks but the last, and `none` keeps them. The result is the same. Models must
        be functional.
      swap: what recomputation keeps is copied from the GPU to the memory of its machine, and back when it is due. The
        result is the same. Experimental: no GPU has run it.
      learning_rate: peak learning rate, which the first step after warm-up uses.
      seed: seed of initial weights, order of examples and augmentation, below 2^32.
      clip_norm: largest norm of the gradient of the global batch; a larger gradient is scaled down. null sets no
        limit.
      warmup_steps: optimizer steps in which the learning rate rises in equal parts to its peak.
      schedule: learning rate after warm-up: `constant`, or `cosine` or `linear`, which reach 0 after the last step.
      precision: `float32`, or a Keras policy: `mixed_float16` (with loss scaling) or `mixed_bfloat16`. Variables,
        losses and the exported model are float32 in each.
      steps_per_call: optimizer steps between two returns to Python, and between two points of the loss curve.
      early_stopping_patience: a training ends after so many epochs in a row without a lower log loss on the
        validation split; null never ends it early.
    """

    epochs: Positive = runtime(10)
    batch_size: Positive = runtime(64)
    accumulate: Positive = runtime(1)
    learning_rate: PositiveFloat = runtime(1e-3)
    seed: Seed = runtime(0)
    clip_norm: PositiveFloat | None = runtime(None)
    warmup_steps: NotNegative = runtime(0)
    schedule: Literal["cosine", "constant", "linear"] = "cosine"
    recompute: Literal["none", "all", "except_last"] = "none"
    swap: bool = operational(False)
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    steps_per_call: Positive = operational(20)
    early_stopping_patience: Positive | None = None

    def __post_init__(self) -> None:
        if self.accumulate > self.batch_size:
            raise ConfigError(
                f"a micro-batch has at least one example, but training.accumulate={self.accumulate} is more than "
                f"training.batch_size={self.batch_size}: lower it, or raise the batch size"
            )
        if self.swap and self.recompute == "none":
            raise ConfigError(
                "training.swap copies what recomputation keeps to the memory of the machine, but training.recompute is "
                "none: take training.recompute=except_last, or leave training.swap out"
            )
