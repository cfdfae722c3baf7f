"""Settings section `recovery`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, PositiveFloat, operational


@dataclass(frozen=True, config=STRICT)
class RecoveryConfig:
    """What happens to a training job when one of its processes fails.

    Attributes:
      restarts: how often all processes of the job are started again.
      backoff_seconds: pause before the first restart; the pause doubles before each further restart.
      heartbeat_seconds: a process counts as hung if it has sent no heartbeat for this time. A healthy process sends
        one every second.
    """

    restarts: NotNegative = operational(3)
    backoff_seconds: Annotated[float, Field(ge=0)] = operational(1.0)
    heartbeat_seconds: PositiveFloat = operational(60.0)
