"""Settings section `gate`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, PositiveFloat, runtime


@dataclass(frozen=True, config=STRICT)
class GateConfig:
    """What makes a student fit to serve.

    Attributes:
      tolerance: how far the student's measure may be below the teacher's, in the measure's unit. The test split must
        prove it: the lower end of the one-sided 95 % interval of the difference is held against it. For classes, the
        measure is accuracy, a fraction: 0.05 are 5 points, and 1 is the most. For the other kinds of label it is AUC,
        macro AUC or R².
      max_bytes: largest serving SavedModel folder, in bytes; null sets no limit.
      max_latency_ms: largest median latency, in milliseconds (batch 1, one thread); null sets no limit.
      require_gain: the gate refuses a student whose measure is not significantly (p < 0.05) above the measure of the
        same student on hard labels. This needs `controls`.
    """

    tolerance: Annotated[float, Field(ge=0)] = runtime(0.05)
    max_bytes: Positive | None = runtime(None)
    max_latency_ms: PositiveFloat | None = runtime(None)
    # Neither target of the compiler accepts a boolean runtime parameter.
    require_gain: bool = False
