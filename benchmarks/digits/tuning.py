"""Chooses a variant's setting for the final runs, on the validation split of the tuning runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.digits.results import Figures
from benchmarks.digits.variants import Setting

_DIGITS = 9


@dataclasses.dataclass(frozen=True)
class Trial:
    """Mean quality of a setting on the validation split over all tuning runs."""

    accuracy: float
    log_loss: float

    @classmethod
    def of(cls, figures: Sequence[Figures]) -> Trial:
        """Returns the means. Accuracy is rounded, so that equal counts of right answers give equal accuracies."""
        accuracy = round(fmean(one.accuracy for one in figures), _DIGITS)
        return cls(accuracy, fmean(one.log_loss for one in figures))


Trials = Mapping[Setting, Trial]


def best(trials: Trials) -> Setting:
    """Returns the setting with the highest accuracy; if several have it, the one with the lowest log loss."""
    return max(trials, key=lambda setting: (trials[setting].accuracy, -trials[setting].log_loss))
