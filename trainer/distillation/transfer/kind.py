"""`Transfer`: the interface of a transfer objective, and its arguments.

Objectives need different arguments: some need the temperature, and one needs the labels. If each had its own signature,
the code that adds them up would have to know all signatures. So each objective gets the same record, and uses the
fields that it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from limbeck.objectives.objective import Objective


class LayerPair(NamedTuple):
    """The outputs of a layer of the student and a layer of the teacher for the examples of a replica.

    Attributes:
      student: `[batch, ..., width]`, any float dtype.
      projected: the same in the teacher's width, after the learned projection if the widths differ; None if no transfer
        objective needs it.
      teacher: `[batch, ..., width]`, any float dtype.
      mask: which positions are not padding, bool `[batch, positions]`; None: no position is padding.
    """

    student: Any
    projected: Any
    teacher: Any
    mask: Any


class Observed(NamedTuple):
    """The output of a student that is trained together with its teachers.

    Attributes:
      logits: outputs of the student, `[batch, outputs]`.
      layers: the pairs of layers of `Task.hints`, in their order; empty if no layers are compared.
      teacher_outputs: outputs of each teacher for the same inputs, `[batch, members, outputs]`; None: use the stored
        ones.
    """

    logits: Any
    layers: tuple[LayerPair, ...] = ()
    teacher_outputs: Any = None


@dataclasses.dataclass(frozen=True)
class Compared:
    """The answers of student and teachers to the examples of a replica.

    Attributes:
      outputs: outputs of the student, `[batch, outputs]`, any float dtype.
      teacher_outputs: outputs of each teacher, `[batch, members, outputs]`.
      labels: `[batch, *label_shape]`; None if labels are not to be read.
      temperature: above 0; a float, or a float32 scalar.
      beta: `distillation.decoupled_beta`.
      objective: the objective of the label.
      layers: pairs of layers; empty if no transfer objective compares layers.
    """

    outputs: Any
    teacher_outputs: Any
    labels: Any
    temperature: Any
    beta: float
    objective: Objective
    layers: tuple[LayerPair, ...] = ()


@dataclasses.dataclass(frozen=True)
class Transfer:
    """One transfer objective.

    Attributes:
      words: what it compares, for messages.
      by_activation: the loss for objectives with this activation: float32 `[batch]`, at least 0 up to rounding. No
        gradient flows to the teachers. A missing activation means that the objective makes no sense there.
      layers: whether it compares layers, so that the task needs `hints`, and the training a teacher.
      projected: whether it compares layers of the same width, so that it needs a projection if the widths differ.
      positions: whether it compares positions, so that a layer must have an axis of positions.
      every_class: whether it needs the logits of all classes, and not only of the most probable ones.
    """

    words: str
    by_activation: Mapping[str | None, Callable[[Compared], Any]]
    layers: bool = False
    projected: bool = False
    positions: bool = False
    every_class: bool = False
