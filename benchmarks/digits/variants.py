"""The students that are compared, and the settings that are tried for each.

A tuned method beside an untuned control only proves that tuning helps. So every variant is tried in the same number of
settings, on a grid that suits it. A variant without soft targets has no temperature, and gets more learning rates
instead.
"""

from __future__ import annotations

import dataclasses

from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT, Targets

ALL_LABELS = "student_all_labels"


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is tuned: the peak learning rate, and the temperature of soft targets."""

    learning_rate: float
    temperature: float | None = None

    def __str__(self) -> str:
        """Returns the text for the tables."""
        rate = f"learning rate {self.learning_rate:g}"
        return rate if self.temperature is None else f"{rate}, temperature {self.temperature:g}"


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to train the student.

    Attributes:
      name: name of the model.
      title: its name in the tables.
      targets: what it learns from, as in a `TrainingJob`.
      grid: settings that are tried on the validation split.
    """

    name: str
    title: str
    targets: Targets
    grid: tuple[Setting, ...]


_SIX_RATES = tuple(Setting(rate) for rate in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1))

DISTILLED = Variant(
    STUDENT,
    "student, soft targets and 150 labels",
    "soft_targets",
    tuple(Setting(rate, temperature) for temperature in (2.0, 4.0) for rate in (0.003, 0.01, 0.03)),
)
HARD = Variant(HARD_LABELS, "student, 150 labels", "labels", _SIX_RATES)
PSEUDO = Variant(PSEUDO_LABELS, "student, pseudo-labels", "pseudo_labels", _SIX_RATES)
ORACLE = Variant(ALL_LABELS, "student, all 1,297 labels", "labels", _SIX_RATES)
CONTROLS = (HARD, PSEUDO, ORACLE)
VARIANTS = (DISTILLED, *CONTROLS)
