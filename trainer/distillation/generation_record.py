"""`generations.json`: how good each generation of a student was. The chief writes it, and the report shows it."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json

FILE = "generations.json"


@dataclass(frozen=True, config=STRICT)
class Generation:
    """One generation, and its figures on the labelled examples of the validation split.

    Attributes:
      number: from 1, the student that learned from the teachers.
      steps: optimizer steps that were taken.
      seconds: duration of the training.
      value: the measure of the task's objective; null if it is undefined, or if there is no validation split with
        labels.
      loss: the mean hard loss, likewise.
    """

    number: int
    steps: int
    seconds: float
    value: float | None = None
    loss: float | None = None


@dataclass(frozen=True, config=STRICT)
class _Record:
    generations: tuple[Generation, ...]


def read(model_run: str) -> tuple[Generation, ...]:
    """Reads the record in the ModelRun at `model_run`; returns nothing if the student has no predecessors."""
    if FILE not in files.names(model_run):
        return ()
    return from_json(_Record, files.read_text(files.join(model_run, FILE))).generations


def write(generations: tuple[Generation, ...], model_run: str) -> None:
    """Writes the record to the ModelRun at `model_run`."""
    files.write_text(files.join(model_run, FILE), to_json(_Record(generations)))
