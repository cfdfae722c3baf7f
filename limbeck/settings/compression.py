"""Settings section `compression`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import DISTINCT, Positive, PositiveFloat, runtime

# A recipe that makes a file.
Making = Literal[
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
Recipe = Literal["none", "auto", Making]
_LIMITS = ("max_bytes", "max_latency_ms")


@dataclass(frozen=True, config=STRICT)
class CompressionConfig:
    """How the student is compressed into a `.tflite` file, which is judged and pushed beside its SavedModel.

    Attributes:
      recipe: `none` makes no file. After the training, `dynamic_range` stores large weights as int8, `float16` stores
        all weights as float16, and `int8` stores weights as int8 and computes in int8. `pruning`, `clustering` and
        `quantisation_aware` train the student further, with the loss of distillation; `pqat`, `cqat` and `pcqat` are
        pruning, clustering or both, and then quantisation-aware training that keeps zeros and equal weights. `auto`
        tries several, and takes the best that fits the limits below, judged on the validation split.
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
      candidates: recipes that `auto` tries. Those that train further are tried in this order, as far as `budget` goes.
      budget: the most optimizer steps of all further trainings of `auto` together, as a multiple of the steps of the
        student. 0 tries only recipes that train nothing.
      max_bytes: largest file that `auto` takes, in bytes; null sets no limit.
      max_latency_ms: largest median latency of the file that `auto` takes, in milliseconds (one example, one thread,
        without the transformation of raw features); null sets no limit.
      tolerance: how far the measure of a file that `auto` takes may be below that of the student on the validation
        split, in the measure's unit, with one standard error of the difference.
      size: what `auto` takes for the size of a file: its bytes as it is (`file`), or by `gzip`, as in an app's package.
      prefer: what decides among files that fit: the smallest `size`, the lowest `latency`, or the best `quality`.
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
    candidates: Annotated[tuple[Making, ...], Field(min_length=1), DISTINCT] = (
        "int8",
        "dynamic_range",
        "float16",
        "quantisation_aware",
        "pqat",
        "pruning",
        "cqat",
        "clustering",
        "pcqat",
    )
    budget: Annotated[float, Field(ge=0)] = runtime(1.0)
    max_bytes: Positive | None = runtime(None)
    max_latency_ms: PositiveFloat | None = runtime(None)
    tolerance: Annotated[float, Field(ge=0)] = runtime(0.01)
    size: Literal["file", "gzip"] = "file"
    prefer: Literal["size", "latency", "quality"] = "size"

    def __post_init__(self) -> None:
        """Raises ConfigError if a limit of `auto` is set for another recipe, which would not heed it."""
        ignored = [f"compression.{name}" for name in _LIMITS if getattr(self, name) is not None]
        if ignored and self.recipe != "auto":
            raise ConfigError(
                f"{ignored[0]} is a limit for the recipes that compression.recipe=auto tries, and the recipe is "
                f"'{self.recipe}': set compression.recipe=auto, or let the gate judge the file by gate.max_bytes and "
                "gate.max_latency_ms"
            )

    def of(self, recipe: Making) -> CompressionConfig:
        """Returns the same settings for one recipe, without the limits of `auto`."""
        return dataclasses.replace(self, recipe=recipe, max_bytes=None, max_latency_ms=None)
