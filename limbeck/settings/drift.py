"""Settings section `drift`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Fraction, runtime


@dataclass(frozen=True, config=STRICT)
class DriftConfig:
    """How far distributions of a feature may lie apart, from 0 (equal) to 1 (nothing in common; never refused).

    Numbers are measured by the Jensen-Shannon divergence, texts by the L-infinity distance.

    Attributes:
      threshold: from the training split that was accepted last to that of this run.
      skew_threshold: from the training split to each of the others.
    """

    threshold: Fraction = runtime(0.3)
    skew_threshold: Fraction = runtime(0.3)
