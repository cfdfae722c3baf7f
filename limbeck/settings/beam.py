"""Settings section `beam`."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """How Beam runs: `workers` processes on this machine; 1 keeps it in the process of the pipeline."""

    workers: Positive = 1
