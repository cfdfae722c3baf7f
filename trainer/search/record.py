"""`search.json`: what a search tried, and what it took. The chief writes it, and the report shows it.

A reader must be able to doubt a chosen setting. So the record has each trial, with its figures on the validation split
and its cost.
"""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.distillation import DistillationConfig

FILE = "search.json"
# `short`, or `full` for a training to its end.
Length = Literal["short", "full"]


@dataclass(frozen=True, config=STRICT)
class SearchTrial:
    """One training of a search, and its figures on the labelled examples of the validation split.

    Attributes:
      distillation: the loss that was tried.
      length: `short`, or `full` for a training to its end.
      steps: optimizer steps that were taken.
      seconds: duration of the training.
      value: the measure of the task's objective; null if it is undefined, or if the training broke down.
      loss: the mean hard loss; null if the training broke down.
      difference: the measure minus that of the training on labels alone; null for a short trial, or if labels alone
        were not tried.
      standard_error: of `difference`, over the examples.
      p_value: how likely chance alone makes a training as much better than labels alone, by measure or loss; corrected
        for the number of trials. Null if `difference` is null.
      failure: why the training broke down; null if it did not.
      chosen: whether its student was taken.
    """

    distillation: DistillationConfig
    length: Length
    steps: int
    seconds: float
    value: float | None = None
    loss: float | None = None
    difference: float | None = None
    standard_error: float | None = None
    p_value: float | None = None
    failure: str | None = None
    chosen: bool = False


@dataclass(frozen=True, config=STRICT)
class SearchRecord:
    """A whole search.

    Attributes:
      budget: the most optimizer steps of all trials, as a multiple of those of the student.
      planned_steps: the optimizer steps that the trials were to take.
      examples: number of labelled validation examples.
      chosen: the loss that was taken.
      trials: in the order in which they were made.
    """

    budget: float
    planned_steps: int
    examples: int
    chosen: DistillationConfig
    trials: tuple[SearchTrial, ...]


def read(model_run: str) -> SearchRecord | None:
    """Reads the record in the ModelRun at `model_run`; returns None if its student was not searched for."""
    if FILE not in files.names(model_run):
        return None
    return from_json(SearchRecord, files.read_text(files.join(model_run, FILE)))


def write(record: SearchRecord, model_run: str) -> None:
    """Writes the record to the ModelRun at `model_run`."""
    files.write_text(files.join(model_run, FILE), to_json(record))
