"""The models of a run: one registry that the graph, its components and the report derive from.

A model shows up in many places: a node trains it, others score, measure and compare it, the report draws it. To add
one is to add one entry here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

# What a model learns from: labels, soft targets (and labels), or the teachers' most probable class.
Targets = Literal["labels", "soft_targets", "pseudo_labels"]


@dataclasses.dataclass(frozen=True)
class Model:
    """One model of a run.

    Attributes:
      name: in predictions, measurements, findings and the report's JSON.
      node: id of the pipeline's node that trains it.
      targets: what it learns from.
      title: what a text calls it.
      short: what a label in a chart calls it.
      control: the student once more, trained as long and from the same initial weights, on other targets. A run may
        leave its controls out (setting `controls`).
    """

    name: str
    node: str
    targets: Targets
    title: str
    short: str
    control: bool = False


TEACHER = "teacher"
STUDENT = "student"
HARD_LABELS = "student_hard_labels"
PSEUDO_LABELS = "student_pseudo_labels"

_REGISTERED = (
    Model(TEACHER, "TeacherTrainer", "labels", "teacher", "teacher"),
    Model(STUDENT, "Distiller", "soft_targets", "student", "student"),
    Model(HARD_LABELS, "DistillerHardLabels", "labels", "student on hard labels", "on hard labels", control=True),
    Model(
        PSEUDO_LABELS,
        "DistillerPseudoLabels",
        "pseudo_labels",
        "student on pseudo-labels",
        "on pseudo-labels",
        control=True,
    ),
)

# By name, in the order in which a reader meets them.
MODELS: Mapping[str, Model] = MappingProxyType({model.name: model for model in _REGISTERED})
CONTROLS = tuple(name for name, model in MODELS.items() if model.control)
