"""`Splits`: maps the splits of another pipeline to the splits of this one.

Stock ExampleGen makes `train` and `eval`. Here a student is trained on one split, may be stopped early by a second, and
is judged on a third. Only the user knows which split was kept away from the teacher.
"""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.examples import TEST, TRAIN, VALIDATION
from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class Splits:
    """Names of splits of someone's ExampleGen.

    Attributes:
      train: the student learns from it.
      test: teacher and student are judged on it. The teacher must not have learnt from it.
      validation: ends the training of the student early, if `training.early_stopping_patience` is set; None if there
        is no such split.
    """

    train: str = "train"
    test: str = "eval"
    validation: str | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError if one split is named for two purposes."""
        named = list(self.given().values())
        if len(set(named)) < len(named):
            raise ConfigError(f"a split has one purpose, received {self.given()}: name different splits")

    def given(self) -> dict[str, str]:
        """Returns the name of someone's split for each of ours that there is."""
        named = {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}
        return {ours: theirs for ours, theirs in named.items() if theirs is not None}
