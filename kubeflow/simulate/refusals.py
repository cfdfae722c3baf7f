"""The errors for a file that KFP refuses at upload, or a run that it refuses at its creation."""

from __future__ import annotations

from typing import Literal

from limbeck.errors import UserError

Stage = Literal["pipeline", "run"]


class RefusedError(UserError):
    """KFP would refuse the file or the run. The message says what and why.

    Attributes:
      stage: `pipeline` at upload, `run` when a run is created.
    """

    def __init__(self, stage: Stage, reason: str, who: str = "KFP") -> None:
        super().__init__(f"{who} refuses the {stage}: {reason}")
        self.stage = stage
        self.reason = reason
