"""Settings section `recovery`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, PositiveFloat, operational


@dataclass(frozen=True, config=STRICT)
class RecoveryConfig:
    """What becomes of a training job of which a process failed.

    Attributes:
      restarts: how often all its processes are started again.
      backoff_seconds: before the first restart; doubled before each further one.
      heartbeat_seconds: a process that says nothing for so long is taken for hung. It beats every second.
    """

    restarts: NotNegative = operational(3)
    backoff_seconds: Annotated[float, Field(ge=0)] = operational(1.0)
    heartbeat_seconds: PositiveFloat = operational(60.0)
