"""Objectives of classes, for tests that need no more of a task than that."""

from limbeck.objectives.classes import Classes
from limbeck.task import Label


def classes(count: int = 2, kind: str = "integer") -> Classes:
    """The objective of a label of so many classes, named `0`, `1`, ..."""
    return Classes(Label("y", tuple(map(str, range(count))), kind=kind))
