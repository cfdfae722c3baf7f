"""Tells workers on other machines which models to ask about every example."""

from __future__ import annotations

import dataclasses

from limbeck.components.inference.batches import SavedModel
from limbeck.models import MODELS, TEACHER
from limbeck.reference import TaskRef
from limbeck.settings.labelling import LabellingConfig


@dataclasses.dataclass(frozen=True)
class AskedModels:
    """The models, and how the teachers' answers are stored.

    Attributes:
      task: the task, for its objective.
      labelling: how the soft targets of the examples are stored.
      saved: the SavedModels of students, by name.
      files: folders of compressed students, by name.
      further: the SavedModels of the students of further seeds, by the student's name.
    """

    task: TaskRef
    labelling: LabellingConfig
    saved: dict[str, SavedModel]
    files: dict[str, str]
    further: dict[str, SavedModel]

    @classmethod
    def of(
        cls, models: dict[str, str], further: dict[str, str], task: TaskRef, labelling: LabellingConfig
    ) -> AskedModels:
        """Returns the models in folders, by name: students and their compressed files, and those of further seeds."""
        students = {name: folder for name, folder in models.items() if name != TEACHER}
        return cls(
            task,
            labelling,
            {name: SavedModel.of(folder) for name, folder in students.items() if not MODELS[name].compressed},
            {name: folder for name, folder in students.items() if MODELS[name].compressed},
            {name: SavedModel.of(folder) for name, folder in further.items()},
        )
