"""`results.jsonl`: a line for each finished training, so that a killed benchmark goes on where it stopped.

A kill may cut off the last line. A line that is cut off is not JSON, or lacks a field, and is ignored when the file is
read. The next result must start on a new line, or both are lost.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from pydantic.dataclasses import dataclass

from benchmarks.digits.plan import Training
from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json


@dataclass(frozen=True, config=STRICT)
class Figures:
    """Quality on one split: accuracy as a fraction, log loss in nats."""

    accuracy: float
    log_loss: float


@dataclass(frozen=True, config=STRICT)
class Result:
    """The result of one training.

    Attributes:
      training: what was trained.
      seconds: duration of its process.
      train: quality on the training split, which is the quality of pseudo-labels; null for a student.
      validation: quality on the validation split.
      test: quality on the test split; null if the training is not final.
      test_right: `1` for each test example that is predicted right and `0` for the others, in the order of their ids;
        empty if the training is not final.
    """

    training: Training
    seconds: float
    train: Figures | None
    validation: Figures
    test: Figures | None
    test_right: str


class Results:
    """The finished trainings in a file; `add` writes one more."""

    def __init__(self, path: Path) -> None:
        """Reads the file if it exists."""
        self._path = path
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        self._torn = not text.endswith("\n") and text != ""
        read = filter(None, map(_read, text.splitlines()))
        self._results = {result.training: result for result in read}

    @property
    def changed(self) -> datetime.date:
        """The day on which the last result was written."""
        return datetime.date.fromtimestamp(self._path.stat().st_mtime)

    def __contains__(self, training: Training) -> bool:
        """Returns whether a training is finished."""
        return training in self._results

    def __getitem__(self, training: Training) -> Result:
        """Returns the result of a finished training."""
        return self._results[training]

    def add(self, result: Result) -> None:
        """Writes a result with one call."""
        line = ("\n" if self._torn else "") + to_json(result) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
        self._torn = False
        self._results[result.training] = result


def _read(line: str) -> Result | None:
    try:
        return from_json(Result, line)
    except ConfigError:
        return None
