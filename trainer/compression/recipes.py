"""The recipes of `compression.recipe`, one line each.

A recipe is a chain of techniques that train the student further, and the way in which its file stores weights. Without
techniques, nothing is trained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from limbeck.trainer.compression.litert import Storage


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
      storage: how the file stores weights.
    """

    storage: Storage


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "dynamic_range": Recipe(storage="dynamic_range"),
        "float16": Recipe(storage="float16"),
        "int8": Recipe(storage="int8"),
    }
)
