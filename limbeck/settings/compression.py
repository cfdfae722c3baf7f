"""Settings section `compression`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, runtime

Recipe = Literal["none", "dynamic_range", "float16", "int8"]


@dataclass(frozen=True, config=STRICT)
class CompressionConfig:
    """How the student is compressed into a `.tflite` file, which is judged and pushed beside its SavedModel.

    Attributes:
      recipe: `none` makes no file. After the training, `dynamic_range` stores large weights as int8, `float16` stores
        all weights as float16, and `int8` stores weights as int8 and computes in int8.
      representative: number of training examples that are shown to the student, so that `int8` knows the range of every
        value that it computes.
    """

    recipe: Recipe = "none"
    representative: Positive = runtime(500)
