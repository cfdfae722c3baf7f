"""The messages of a search before it begins and when it ends, for the terminal and the log."""

from __future__ import annotations

from collections.abc import Sequence

from limbeck.counted import counted
from limbeck.objectives.measure import Measure
from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.search.plan import Plan
from limbeck.trainer.search.record import SearchRecord


def loss(config: DistillationConfig) -> str:
    """Returns a loss in words: `temperature 2, alpha 0.9`, `alpha 0.9` if it has none, or `labels alone`."""
    if config.used_alpha == 0:
        return "labels alone"
    if config.temperature is None:
        return f"alpha {config.used_alpha:g}"
    return f"temperature {config.used_temperature:g}, alpha {config.used_alpha:g}"


def beginning(plan: Plan, losses: Sequence[DistillationConfig], asked: DistillationConfig, examples: int) -> str:
    """Returns a text on what is tried, for how long, and which settings the user has fixed.

    Args:
      plan: the trials.
      losses: the candidates.
      asked: the settings.
      examples: number of labelled validation examples.
    """
    full = len(plan.finalists) + plan.places
    rounds = f"{full} to the end"
    if plan.screened:
        rounds = f"{len(plan.screened)} of them in {counted(plan.short_steps, 'step')} each, then {rounds}"
    alone = " (labels alone is one)" if any(one.used_alpha == 0 for one in losses) else ""
    text = (
        f"a search on {examples:,} labelled validation examples chooses among {len(losses)} losses of distillation"
        f"{alone}: {rounds}, in {counted(plan.full_steps, 'step')} each; in all at most {counted(plan.steps, 'step')}, "
        f"{plan.steps / plan.full_steps:.2g} times those of the student"
    )
    fixed = _fixed(asked)
    return f"{text}. {fixed[0]} is set, so it stays" if fixed else text


def ending(record: SearchRecord, measure: Measure) -> str:
    """Returns a text on which loss was taken, and its measure on the validation split."""
    taken = next(one for one in record.trials if one.chosen)
    told = "" if taken.value is None else f": {measure.name} {measure.text(taken.value)} on the validation split"
    if taken.difference:
        told += f", {measure.signed(taken.difference)} beside labels alone"
    return f"the search took {loss(record.chosen)}{told}"


def too_few(examples: int, fewest: int, taken: DistillationConfig) -> str:
    """Returns a text on why there is no search, and which loss is taken instead."""
    return (
        f"no search: only {examples} validation examples have a label, and it needs {fewest}. The student is trained "
        f"with {loss(taken)}"
    )


def _fixed(asked: DistillationConfig) -> list[str]:
    values = {"distillation.temperature": asked.temperature, "distillation.alpha": asked.alpha}
    return [f"{name}={value:g}" for name, value in values.items() if value is not None]
