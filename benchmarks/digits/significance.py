"""Measures how certain differences are, by two different questions.

All runs answer the same test images. So a test over *runs* says whether other seeds would show the difference again on
these images. However many runs there are, it says nothing about other images. A bootstrap over *images* says how the
mean over these runs could differ with another draw of the test split.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from limbeck.components.comparison.bootstrap import DRAWS, draw_means, interval
from limbeck.report.verdicts import Interval

Right = npt.NDArray[np.bool_]
Accuracies = npt.NDArray[np.float64]
_EXACT_RUNS = 16
_SAMPLED = 1 << 16


@dataclasses.dataclass(frozen=True)
class Difference:
    """A student against a control, on the test split.

    Attributes:
      value: mean accuracy of the student minus that of the control.
      better: number of runs in which the student is better; `equal` and `worse` count the others.
      p_value: p-value of the two-sided sign-flip test over the runs.
      over_images: `value` with its 95 % interval over draws of the test images.
    """

    value: float
    better: int
    equal: int
    worse: int
    p_value: float
    over_images: Interval


@dataclasses.dataclass(frozen=True)
class Gap:
    """Share of the gap from the student on hard labels to the teachers that a student recovers.

    Attributes:
      over_runs: the share for the mean accuracies, with its 95 % interval over draws of the runs.
      over_images: the same share, with its 95 % interval over draws of the test images.
      each: the share of each run, float64 `[runs]`.
    """

    over_runs: Interval
    over_images: Interval
    each: npt.NDArray[np.float64]


def sign_flip_p_value(differences: npt.NDArray[np.int64]) -> float:
    """Returns the two-sided p-value of paired differences: the share of signs whose sum is at least as far from 0.

    Args:
      differences: int64 `[runs]`. They are integers, so that equal sums compare as equal. For up to 16 runs, all signs
        are tried. For more runs, 65,536 random signs are drawn, and the observed signs are counted in.
    """
    runs = len(differences)
    if runs <= _EXACT_RUNS:
        negative = np.arange(1 << runs)[:, np.newaxis] >> np.arange(runs) & 1
        extra = 0
    else:
        negative = np.random.default_rng(0).integers(0, 2, [_SAMPLED, runs])
        extra = 1
    sums = np.abs((1 - 2 * negative) @ differences)
    as_far = np.count_nonzero(sums >= abs(int(differences.sum())))
    return float((as_far + extra) / (len(sums) + extra))


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """Mean accuracies over the runs, measured and drawn: float64 `[draws]` by model.

    In a draw of images, all models and runs have the same images. In a draw of runs, all models have the same runs.
    """

    measured: Mapping[str, float]
    over_images: Mapping[str, Accuracies]
    over_runs: Mapping[str, Accuracies]
    each: Mapping[str, Accuracies]

    @classmethod
    def of(cls, right: Mapping[str, Right], seed: int = 0) -> Bootstrap:
        """Draws from bool `[runs, images]` by model: which test images each run predicts right."""
        stacked = np.stack(list(right.values()))
        models, runs, images = stacked.shape
        by_image = draw_means(stacked.reshape(models * runs, images).astype(np.float64), seed=seed)
        drawn_runs = np.random.default_rng(seed).integers(0, runs, [DRAWS, runs])
        each = {name: one.mean(axis=1) for name, one in right.items()}
        return cls(
            measured={name: float(one.mean()) for name, one in each.items()},
            over_images=dict(zip(right, by_image.reshape(models, runs, -1).mean(axis=1), strict=True)),
            over_runs={name: one[drawn_runs].mean(axis=1) for name, one in each.items()},
            each=each,
        )

    def difference_over_images(self, student: str, control: str) -> Interval:
        """Returns the mean accuracy of `student` minus that of `control`, with its interval."""
        value = self.measured[student] - self.measured[control]
        return interval(value, self.over_images[student] - self.over_images[control])

    def gap_recovered(self, student: str, hard: str, teacher: str) -> Gap:
        """Returns (student - hard) / (teacher - hard). The share of a draw without a gap is not finite."""

        def share(accuracies: Mapping[str, Accuracies]) -> Accuracies:
            with np.errstate(divide="ignore", invalid="ignore"):
                gain = accuracies[student] - accuracies[hard]
                return np.asarray(gain / (accuracies[teacher] - accuracies[hard]))

        value = float(share({name: np.asarray(one) for name, one in self.measured.items()}))
        return Gap(
            interval(value, share(self.over_runs)), interval(value, share(self.over_images)), share(self.each)
        )


def difference(right: Mapping[str, Right], drawn: Bootstrap, student: str, control: str) -> Difference:
    """Compares two models of `right`, bool `[runs, images]` by model; `drawn` was drawn from it."""
    counts = right[student].sum(axis=1) - right[control].sum(axis=1)
    return Difference(
        value=drawn.measured[student] - drawn.measured[control],
        better=int(np.count_nonzero(counts > 0)),
        equal=int(np.count_nonzero(counts == 0)),
        worse=int(np.count_nonzero(counts < 0)),
        p_value=sign_flip_p_value(counts),
        over_images=drawn.difference_over_images(student, control),
    )
