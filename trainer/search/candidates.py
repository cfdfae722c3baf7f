"""Lists the losses of distillation that a search tries, the most promising first.

The budget may not suffice for all of them, so their order matters. Labels alone come first, because every other
candidate must beat them. The usual setting comes second.
"""

from __future__ import annotations

import dataclasses

from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig

Candidates = tuple[DistillationConfig, ...]


def usual_loss(config: DistillationConfig, *, tempered: bool) -> DistillationConfig:
    """Returns the loss without a search: settings that the user has left open get their usual values.

    Args:
      config: what the user has set.
      tempered: whether the temperature changes the loss of soft targets. An objective without one refuses every value.
    """
    temperature = config.used_temperature if tempered else config.temperature
    return dataclasses.replace(config, temperature=temperature, alpha=config.used_alpha, search=False)


def candidates(config: DistillationConfig, search: SearchConfig, *, tempered: bool) -> Candidates:
    """Returns the losses that are worth trying, each with alpha and, where it counts, a temperature.

    If there is only one candidate, there is nothing to choose. If alpha is open, the first candidate has alpha 0.

    Args:
      config: what the user has set. Values that are not null are the same in each candidate.
      search: the values to try for settings that are null.
      tempered: whether the temperature changes the loss of soft targets.
    """
    usual = usual_loss(config, tempered=tempered)
    if not config.search:
        return (usual,)
    # A value with a schedule counts as set, even if its first value is null.
    cooled = not tempered or config.temperature is not None or config.temperature_end is not None
    temperatures = (usual.temperature,) if cooled else search.temperatures
    shared = config.alpha is not None or config.alpha_end is not None
    alphas = (usual.used_alpha,) if shared else (0.0, *search.alphas)
    # Without soft targets, a temperature changes nothing.
    pairs = [(usual.temperature if alpha == 0 else one, alpha) for alpha in alphas for one in temperatures]
    distinct = [dataclasses.replace(usual, temperature=one, alpha=share) for one, share in dict.fromkeys(pairs)]
    return tuple(sorted(distinct, key=lambda one: (one.alpha != 0, one != usual)))


def is_reference(candidate: DistillationConfig) -> bool:
    """Returns whether a candidate learns from labels alone, so that the others must beat it."""
    return not candidate.reads_teachers
