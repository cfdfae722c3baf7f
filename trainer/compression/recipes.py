"""The recipes of `compression.recipe`, one line each.

A recipe is a chain of techniques that train the student further, and the way in which its file stores weights. A recipe
without techniques trains nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import cluster, prune, quantise
from limbeck.trainer.compression.litert import Storage
from limbeck.trainer.compression.technique import Stage, Technique


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
      storage: how the file stores weights; None takes `compression.storage`.
      techniques: techniques that train the student, in this order.
    """

    storage: Storage | None = None
    techniques: tuple[Technique, ...] = ()

    def storage_of(self, config: CompressionConfig) -> Storage:
        """Returns how the file stores weights with these settings."""
        return self.storage or config.storage


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "dynamic_range": Recipe("dynamic_range"),
        "float16": Recipe("float16"),
        "int8": Recipe("int8"),
        "pruning": Recipe(techniques=(prune,)),
        "clustering": Recipe(techniques=(cluster,)),
        "quantisation_aware": Recipe("int8", (quantise,)),
        "pqat": Recipe("int8", (prune, quantise)),
        "cqat": Recipe("int8", (cluster, quantise)),
        "pcqat": Recipe("int8", (prune, cluster, quantise)),
    }
)


def stages(config: CompressionConfig, steps: int, who: str) -> list[tuple[Technique, Stage]]:
    """Returns the techniques of a recipe, each with its stage in the chain.

    Args:
      config: the settings, with a recipe other than `none`.
      steps: optimizer steps of the training with each technique.
      who: the student in words, for messages.
    """
    techniques = RECIPES[config.recipe].techniques
    return [
        (one, Stage(config, steps, prune in techniques[:place], cluster in techniques[:place], who))
        for place, one in enumerate(techniques)
    ]
