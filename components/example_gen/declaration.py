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
      classes: names of the label's classes; empty for a feature.
    """

    kind: FeatureKind
    size: int = 1
    classes: tuple[str, ...] = ()


Declaration = dict[str, Declared]


def declaration_of(task: Task) -> Declaration:
    """Returns the raw features and the label of a task, by name."""
    declared = {one.name: Declared(one.kind, math.prod(one.shape)) for one in task.features}
    if task.label.visible_to_student is not None:
        declared.setdefault(task.label.visible_to_student, Declared("integer"))
    return declared | {task.label.name: Declared(task.label.kind, classes=task.label.classes)}
