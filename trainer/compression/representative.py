"""Finds the inputs that a file takes, and reads some examples from which int8 learns the ranges of values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from limbeck.aliases import KerasModel
from limbeck.trainer.compression.litert import Example
from limbeck.trainer.session import inputs
from limbeck.trainer.session.models import input_types
from limbeck.trainer.session.session import Session


def taken(session: Session, student: KerasModel) -> frozenset[str]:
    """Returns the transformed features that a student takes; all features if it does not declare them."""
    if not getattr(student, "_is_graph_network", False):
        return frozenset(input_types(session))
    return frozenset(student.input if isinstance(student.input, dict) else student.input_names)


def examples(session: Session, names: frozenset[str], count: int) -> Sequence[Example]:
    """Returns training examples, in the order in which a student sees them: each input `[1, ...]`, by name.

    Args:
      session: the session.
      names: the transformed features that the file takes.
      count: the number of examples; fewer are returned if the split has fewer.
    """
    order = dataclasses.replace(inputs.order_of(session, 0), epochs=1)
    found: list[Example] = []
    for features, _, _ in inputs.last_replica(session, order).as_numpy_iterator():
        rows = min(len(next(iter(features.values()))), count - len(found))
        found += [{name: features[name][row : row + 1] for name in names} for row in range(rows)]
        if len(found) == count:
            break
    return found
