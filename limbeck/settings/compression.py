"""Settings section `compression`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, PositiveFloat, runtime

Recipe = Literal[
    "none",
    "dynamic_range",
    "float16",
    "int8",
    "pruning",
    "clustering",
    "quantisation_aware",
    "pqat",
    "cqat",
    "pcqat",
]


@dataclass(frozen=True, config=STRICT)
class CompressionConfig:
    """How the student is compressed into a `.tflite` file, which is judged and pushed beside its SavedModel.

    Attributes:
      recipe: `none` makes no file. After the training, `dynamic_range` stores large weights as int8, `float16` stores
        all weights as float16, and `int8` stores weights as int8 and computes in int8. `pruning`, `clustering` and
        `quantisation_aware` train the student further, with the loss of distillation; `pqat`, `cqat` and `pcqat` are
        pruning, clustering or both, and then quantisation-aware training that keeps zeros and equal weights.
      storage: how the file of `pruning` and of `clustering` stores weights. The other recipes decide it themselves.
      representative: number of training examples that are shown to the student, so that int8 knows the range of every
        value that it computes.
      epochs: epochs of the further training with each technique.
      learning_rate: peak learning rate of the further training.
      sparsity: share of the weights of each kernel that pruning sets to 0.
      schedule: how the share of zeros grows while the student is pruned: by a `polynomial` of the step, or `constant`.
      pattern: `free` prunes the smallest weights of a kernel; `two_of_four` prunes two of four neighbours along the
        input, whatever `sparsity` and `schedule` say.
      clusters: largest number of different values in a kernel that is clustered.
    """

    recipe: Recipe = "none"
    storage: Literal["float32", "dynamic_range", "float16", "int8"] = "int8"
    representative: Positive = runtime(500)
    epochs: Positive = runtime(10)
    learning_rate: PositiveFloat = runtime(0.001)
    sparsity: Annotated[float, Field(gt=0, lt=1)] = runtime(0.75)
    schedule: Literal["polynomial", "constant"] = "polynomial"
    pattern: Literal["free", "two_of_four"] = "free"
    clusters: Annotated[int, Field(ge=2)] = runtime(16)
