"""Chooses among compressed files: which recipes are worth trying, which files fit the limits, and which one is taken.

No recipe is best for all students. int8 is usually the smallest, but may cost a small student some points of accuracy,
which quantisation-aware training recovers. A student with few weights may be smaller as float16, because int8 adds
scales and operators. So several recipes are tried, and compared by the criteria of the user. Recipes without training
take seconds, and are all tried. Recipes with training are tried within the budget.

All functions are pure: they take figures that were measured elsewhere.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence

from limbeck.compression_record import TriedRecipe
from limbeck.settings.compression import CompressionConfig, Making

# With this tolerance, no quality is required.
ANY_QUALITY = sys.float_info.max
# A relative difference below these values is noise: a few bytes of names, or the clock.
_SAME_SIZE, _SAME_LATENCY = 0.02, 0.1
# The figures to compare if files are equally good in the preferred figure. Latency is not among them: it is measured,
# so another run would measure another value.
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "size": ("size", "quality"),
    "quality": ("quality", "size"),
    "latency": ("latency", "quality", "size"),
}


def affordable(
    config: CompressionConfig, trainings: Mapping[str, int], steps: int, student_steps: int
) -> tuple[list[Making], list[Making]]:
    """Returns the recipes to try, those without training first, and the recipes that exceed the budget.

    Args:
      config: the settings.
      trainings: the number of further trainings of each recipe.
      steps: optimizer steps of one further training.
      student_steps: optimizer steps of the student.
    """
    taken = [name for name in config.candidates if not trainings[name]]
    left, passed = config.budget * student_steps, []
    for name in config.candidates:
        if not trainings[name]:
            continue
        cost = trainings[name] * steps
        if cost <= left:
            taken.append(name)
            left -= cost
        else:
            passed.append(name)
    return taken, passed


def size_of(one: TriedRecipe, config: CompressionConfig) -> float:
    """Returns the size of a file, as the settings count it; infinite if there is no file."""
    if one.file is None:
        return math.inf
    return one.file.gzip if config.size == "gzip" else one.file.bytes


def misses(one: TriedRecipe, config: CompressionConfig) -> tuple[str, ...]:
    """Returns the limits that a file does not keep, in words."""
    size, told = size_of(one, config), []
    if config.max_bytes is not None and size > config.max_bytes:
        told.append(f"{size:,.0f} bytes are more than {config.max_bytes:,}")
    if config.max_latency_ms is not None and one.latency_ms is not None and one.latency_ms > config.max_latency_ms:
        told.append(f"{one.latency_ms:.3g} ms are more than {config.max_latency_ms:g}")
    if config.tolerance >= ANY_QUALITY:
        return tuple(told)
    if one.difference is None or one.standard_error is None:
        told.append("its measure is not defined on the validation split")
    elif one.difference - one.standard_error < -config.tolerance:
        apart = f"{one.difference:+.4f} ± {one.standard_error:.4f}"
        told.append(f"its measure less the student's, {apart}, may be below {-config.tolerance:g}")
    return tuple(told)


def front(tried: Sequence[TriedRecipe], config: CompressionConfig) -> tuple[bool, ...]:
    """Returns which files are on the Pareto front: no other file is at least as good in all figures and better in one.

    The figures are size and quality, and latency if it has a limit or is preferred.
    """
    figures = [None if one.file is None else _figures(one, config) for one in tried]
    return tuple(
        mine is not None and not any(other is not None and _dominates(other, mine) for other in figures)
        for mine in figures
    )


def choose(tried: Sequence[TriedRecipe], config: CompressionConfig) -> int | None:
    """Returns the number of the file to take, from 0; None if no file keeps all limits.

    The best file in the preferred figure is taken. Between equally good files, the next figure decides, and finally
    their order.
    """
    left = [number for number, one in enumerate(tried) if one.file is not None and not one.misses]
    for figure in _ORDERS[config.prefer]:
        if not left:
            return None
        costs = {number: _cost(tried[number], figure, config) for number in left}
        best = min(costs.values())
        left = [number for number in left if costs[number] <= best * (1 + _slack(figure))]
    return left[0]


def refusal(tried: Sequence[TriedRecipe]) -> str:
    """Returns why no file was taken, with a line for each recipe."""
    return "\n".join(f"  {one.recipe}: {one.failure or '; '.join(one.misses)}" for one in tried)


def _figures(one: TriedRecipe, config: CompressionConfig) -> tuple[float, ...]:
    timed = config.prefer == "latency" or config.max_latency_ms is not None
    return tuple(_cost(one, name, config) for name in ("size", "quality", *(["latency"] if timed else [])))


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(mine <= theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


def _cost(one: TriedRecipe, figure: str, config: CompressionConfig) -> float:
    """Returns a figure of a file, lower is better."""
    if figure == "size":
        return size_of(one, config)
    if figure == "latency":
        return math.inf if one.latency_ms is None else one.latency_ms
    return math.inf if one.value is None else -one.value


def _slack(figure: str) -> float:
    return {"size": _SAME_SIZE, "latency": _SAME_LATENCY}.get(figure, 0.0)
