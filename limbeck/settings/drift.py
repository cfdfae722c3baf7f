"""Settings section `drift`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Fraction, runtime


@dataclass(frozen=True, config=STRICT)
class DriftConfig:
    """The largest accepted distance between two distributions of a feature, from 0 (equal) to 1 (nothing in common).

    The distance is the Jensen-Shannon divergence for numbers, and the L-infinity distance for texts.

    Attributes:
      threshold: largest distance of a declared feature between the training split that was accepted last and the
        training split of this run; 1 switches the check off.
      skew_threshold: largest distance of a declared feature between the training split and each other split; 1
        switches the check off.
    """

    threshold: Fraction = runtime(0.3)
    skew_threshold: Fraction = runtime(0.3)
