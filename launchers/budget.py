"""`Budget`: how often a failed job is started again, and how long a silent process is waited for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from trainer.config import STRICT, NotNegative
from trainer.heartbeat import SECONDS


@dataclass(frozen=True, config=STRICT)
class Budget:
    """What a launch may spend on failures.

    Attributes:
      restarts: after so many of them, the next failure is the job's. Pre-emptions are not counted.
      backoff_seconds: pause before the first restart; each further one is twice as long.
      heartbeat_seconds: a process that gives no sign of life for so long is taken for hung, and killed; at least three
        beats.
    """

    restarts: NotNegative = 3
    backoff_seconds: Annotated[float, Field(ge=0)] = 1.0
    heartbeat_seconds: Annotated[float, Field(ge=3 * SECONDS)] = 60.0


DEFAULT = Budget()
