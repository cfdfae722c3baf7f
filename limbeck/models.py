"""The models of a run, in one registry. The graph, its components and the report derive from it.

A model appears in many places: a node trains it, other nodes score, measure and compare it, and the report draws it.
With the registry, a new model is one new entry here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Literal

# What a model learns from: labels, soft targets (with labels), or the teachers' most probable class.
Targets = Literal["labels", "soft_targets", "pseudo_labels"]


@dataclasses.dataclass(frozen=True)
class Model:
    """One model of a run.

    Attributes:
      name: its name in predictions, measurements, findings and the report's JSON.
      node: id of the pipeline node that trains it.
      targets: what it learns from.
      title: its name in texts.
      short: its name in charts.
      control: whether it is a control: the same student, trained for as many steps and from the same initial weights,
        on other targets. The setting `controls` leaves all controls out.
      compressed: whether it is a `.tflite` file that was made of another model. The setting `compression.recipe` asks
        for it.
    """

    name: str
    node: str
    targets: Targets
    title: str
    short: str
    control: bool = False
    compressed: bool = False

    @property
    def optional(self) -> bool:
        """Whether a run may lack it."""
        return self.control or self.compressed


TEACHER = "teacher"
STUDENT = "student"
HARD_LABELS = "student_hard_labels"
PSEUDO_LABELS = "student_pseudo_labels"
COMPRESSED = "student_compressed"

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
    Model(COMPRESSED, "Compressor", "soft_targets", "compressed student", "compressed", compressed=True),
)

# By name, in the order in which the report shows them.
MODELS: Mapping[str, Model] = MappingProxyType({model.name: model for model in _REGISTERED})
CONTROLS = tuple(name for name, model in MODELS.items() if model.control)


def shipped(models: Container[str]) -> str:
    """Returns the model that is judged and served, of the models of a run: the student, or its compressed file."""
    return COMPRESSED if COMPRESSED in models else STUDENT
