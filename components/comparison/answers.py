"""What all models answered to the same examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Answers:
    """The outputs of some models for the labelled examples of a split, in one order.

    Attributes:
      labels: `[examples, *label_shape]`, as the objective encodes them.
      outputs: float64 `[examples, outputs]` by model, all finite.
    """

    labels: npt.NDArray[Any]
    outputs: Mapping[str, npt.NDArray[np.float64]]
