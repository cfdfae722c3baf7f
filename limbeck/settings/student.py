"""Settings section `student`."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Scalar


@dataclass(frozen=True, config=STRICT)
class StudentConfig:
    """The student.

    Attributes:
      hyperparameters: values that `Task.build_student` receives.
    """

    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
