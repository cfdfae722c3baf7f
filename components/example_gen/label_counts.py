"""Counts the examples of each split by label. The file is written beside the examples, and read to inform the user."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.components.example_gen.declaration import declaration_of, label_key
from limbeck.components.example_gen.inspection import SplitSummary
from limbeck.examples import TRAIN
from limbeck.records import STRICT, from_json, to_json
from limbeck.task import Task

FILE = "label-counts.json"


@dataclass(frozen=True, config=STRICT)
class LabelCounts:
    """The labels of one split.

    Attributes:
      examples: number of examples.
      unlabelled: number of examples without a label.
      labels: number of examples by the value of their label, as text.
      lacking: number of labelled examples that lack a column of the label, by the column.
    """

    examples: int
    unlabelled: int
    labels: dict[str, int]
    lacking: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Counted:
    """The labels of every split, by the split's name."""

    splits: dict[str, LabelCounts] = dataclasses.field(default_factory=dict)


def write(summaries: Iterable[SplitSummary], folder: str) -> None:
    """Writes the label counts of all splits into the folder of the examples."""
    splits = {one.split: LabelCounts(one.examples, one.unlabelled, one.labels, one.lacking) for one in summaries}
    files.write_text(files.join(folder, FILE), to_json(Counted(splits)))


def read(folder: str) -> Counted:
    """Reads the label counts beside examples. If another ExampleGen wrote the examples, there are no counts."""
    path = files.join(folder, FILE)
    return from_json(Counted, files.read_text(path)) if files.exists(path) else Counted()


def notes(counted: Counted, task: Task) -> list[str]:
    """Returns sentences on unlabelled examples, on columns that labelled ones lack, and on labels of no example."""
    told = [
        f"split '{split}': {one.unlabelled} of {one.examples} examples have no label; figures of this split are over "
        f"the other {one.examples - one.unlabelled}"
        for split, one in sorted(counted.splits.items())
        if one.unlabelled
    ]
    told += [
        f"split '{split}': of {one.examples - one.unlabelled} labelled examples, {_listed(one.lacking)}; each column "
        "counts in the examples that have it"
        for split, one in sorted(counted.splits.items())
        if one.lacking
    ]
    train = counted.splits.get(TRAIN)
    if train is not None:
        absent = [name for name, value in values_of(task) if value not in train.labels]
        if absent:
            told.append(
                f"split '{TRAIN}': no example has the label {', '.join(map(repr, absent))}: no model can learn "
                f"{'it' if len(absent) == 1 else 'them'}"
            )
    return told


def _listed(lacking: Mapping[str, int]) -> str:
    return ", ".join(f"{count} lack '{name}'" for name, count in sorted(lacking.items()))


def values_of(task: Task) -> Iterator[tuple[str, str]]:
    """Yields the name of each declared value of the label, and under which name it is counted."""
    objective, declaration = task.objective, declaration_of(task)
    for feature in objective.raw_features:
        for number, value in enumerate(objective.label_values):
            raw = value if task.label.kind == "text" else str(number)
            yield label_key(declaration, feature, value), label_key(declaration, feature, raw)
