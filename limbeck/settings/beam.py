"""Settings section `beam`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """How Beam runs on the machine of the pipeline.

    Attributes:
      workers: processes of Beam; 1 keeps Beam in the process of the pipeline. More than one is faster from tens of
        megabytes of data on, and slower below.
    """

    workers: Positive = 1
