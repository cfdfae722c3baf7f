"""The results of a check. The process that runs the nodes writes them; the command line's process prints them."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT

FILE = "check.json"


@dataclass(frozen=True, config=STRICT)
class Column:
    """A declared column, in the training split of the sample.

    Attributes:
      name: its name.
      rows: number of rows.
      missing: rows without a value.
      constant: whether all existing values are equal.
      distinct: number of different texts; null for numbers and for long texts.
    """

    name: str
    rows: int
    missing: int
    constant: bool
    distinct: int | None


@dataclass(frozen=True, config=STRICT)
class Data:
    """The sample.

    Attributes:
      rows: rows of the sample by split.
      all_rows: about how many rows each split has, with the unlabelled rows in the training split.
      columns: the declared columns.
      labels: rows of the training split by label; empty if the label has no classes.
      unlabelled: rows of the training split without a label.
      classes: the declared classes as `labels` names them.
      duplicates: rows of the training split whose inputs equal those of an earlier row.
      leaked: rows of each other split whose inputs equal those of a row of the training split.
    """

    rows: dict[str, int]
    all_rows: dict[str, int]
    columns: tuple[Column, ...] = ()
    labels: dict[str, int] = dataclasses.field(default_factory=dict)
    unlabelled: int = 0
    classes: tuple[str, ...] = ()
    duplicates: int = 0
    leaked: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Training:
    """How long a training of the sample took.

    Attributes:
      step_seconds: seconds of one step.
      start_seconds: seconds of the node without its steps: starting the process, tracing, exporting.
    """

    step_seconds: float
    start_seconds: float


@dataclass(frozen=True, config=STRICT)
class Outcome:
    """All results of a check.

    Attributes:
      data: the sample.
      trainings: by `teacher` and `student`.
      data_seconds: seconds of the nodes that read, describe and transform the sample.
      answers: names of the served answers, with their shape for the examples of the request.
      tempered: whether a temperature changes the loss of soft targets.
    """

    data: Data
    trainings: dict[str, Training]
    data_seconds: float
    answers: dict[str, tuple[int, ...]]
    tempered: bool = True
