"""Makes the file of a student with one recipe: trains it further with each technique, and converts it.

Each file starts from the seed of the job and from the student of Distiller, so it does not depend on files that were
made earlier. A recipe makes the same file if `auto` tries it and if the user names it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck import events
from limbeck.aliases import KerasModel
from limbeck.settings.compression import CompressionConfig, Making
from limbeck.trainer.compression import litert, recipes, representative, tuning
from limbeck.trainer.compression.litert import Example
from limbeck.trainer.distribution import strategies
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.serving import compressed
from limbeck.trainer.session import saved_weights
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session

_NARROWED = "The further training heard the stored soft targets only: no objective of layers, and no other inputs."


@dataclasses.dataclass(frozen=True)
class Made:
    """A file that was made.

    Attributes:
      recipe: name of the recipe.
      content: the `.tflite` file.
      fitted: what each technique did.
      remarks: sentences on it.
    """

    recipe: Making
    content: bytes
    fitted: tuple[Fitted, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Maker:
    """Makes files of the student of a job.

    Attributes:
      session: the session, whose job has the settings of the further training.
      student_uri: folder of the student's SavedModel.
      config: the settings. Their recipe is ignored.
      names: the transformed features that the student takes.
      specs: tf.TensorSpec of each input of a file.
      examples: representative examples.
      narrowed: whether the loss of the further training lacks terms of the loss that the student was trained with.
    """

    session: Session
    student_uri: str
    config: CompressionConfig
    names: frozenset[str]
    specs: Mapping[str, Any]
    examples: Sequence[Example]
    narrowed: bool

    @classmethod
    def of(cls, session: Session, student_uri: str, config: CompressionConfig, *, narrowed: bool) -> Maker:
        """Reads what is the same for all files.

        Raises:
          ConfigError: if the SavedModel is not of the student that the task builds.
          TaskError: if an input of the student is not dense.
        """
        names = representative.taken(session, student_of(session, student_uri))
        specs = compressed.input_specs(session.transform, names, session.who)
        examples = representative.examples(session, names, config.representative)
        return cls(session, student_uri, config, names, specs, examples, narrowed)

    def plain(self) -> bytes:
        """Returns the student as a file of float32 weights.

        Raises:
          TaskError: if the converter has no operator for a part of the student.
        """
        student = student_of(self.session, self.student_uri)
        return litert.convert(student, self.specs, "float32", self.examples, self.session.who)

    def make(self, recipe: Making) -> Made:
        """Makes the file of a recipe.

        Raises:
          TaskError: if the recipe cannot compress the student.
          DataError: if there is no representative example.
          TrainingFailedError: if a further training breaks down.
          PreemptedError: if the process was asked to end.
        """
        session, config = self.session, self.config.of(recipe)
        # The seed is set before anything is drawn: k-means++ starts from random weights.
        model = student_of(session, self.student_uri)
        stages = recipes.stages(config, tuning.steps_of(session), session.who)
        for technique, stage in stages:
            technique.check(model, stage)
        fitted, remarks = [], []
        for place, (technique, stage) in enumerate(stages):
            remarks.append(technique.remark(model, stage))
            with strategies.scope(session.strategy):
                wrapped = technique.wrap(model, stage)
            fitted.append(tuning.tune(session, wrapped, place))
            model = technique.strip(wrapped, stage)
        if remarks and self.narrowed:
            remarks.append(_NARROWED)
        events.emit("phase", what="converting the compressed student")
        storage = recipes.RECIPES[recipe].storage_of(config)
        content = litert.convert(model, self.specs, storage, self.examples, session.who)
        return Made(recipe, content, tuple(fitted), tuple(remarks))


def student_of(session: Session, uri: str) -> KerasModel:
    """Seeds all random numbers with the seed of the job, builds the student, and gives it the weights of a SavedModel.

    Raises:
      ConfigError: if the SavedModel is not of the student that the task builds.
    """
    import tf_keras

    tf_keras.utils.set_random_seed(session.job.training.seed)
    # A file holds the names of layers, and Keras numbers the layers of a process. So the numbers start again.
    tf_keras.backend.reset_uids()
    student = build_model(session)
    saved_weights.load(student, uri, session.who, "build_student")
    return student
