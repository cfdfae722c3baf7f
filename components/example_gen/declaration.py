"""What a task declares of its raw data, in the form that ExampleGen's executor gets.

Types that are inferred from values change from day to day: a column of numbers is an integer while all of them happen
to be whole. So the task's declaration decides. Only columns that the task does not declare are inferred.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.task import FeatureKind

if TYPE_CHECKING:
    from limbeck.task import Task


@dataclass(frozen=True, config=STRICT)
class Declared:
    """A raw feature of the task, or its label.

    Attributes:
      kind: `number`, `integer` or `text`.
      size: number of values in an example that has the feature.
      classes: values that the label may have, or their names (`Objective.label_values`); empty for a feature.
      label: whether it is the label, or a part of it.
    """

    kind: FeatureKind
    size: int = 1
    classes: tuple[str, ...] = ()
    label: bool = False


Declaration = dict[str, Declared]


def declaration_of(task: Task) -> Declaration:
    """Returns the raw features and the label of a task, by name."""
    declared = {one.name: Declared(one.kind, math.prod(one.shape)) for one in task.features}
    if task.label.visible_to_student is not None:
        declared.setdefault(task.label.visible_to_student, Declared("integer"))
    objective = task.objective
    label = Declared(task.label.kind, classes=objective.label_values, label=True)
    return declared | dict.fromkeys(objective.raw_features, label)


def label_key(declaration: Declaration, name: str, value: str) -> str:
    """Returns under which name the examples with a value of the label are counted.

    It is the value, such as `round`, or for one of several features that make up the label, `round=1`.
    """
    return value if sum(one.label for one in declaration.values()) == 1 else f"{name}={value}"
