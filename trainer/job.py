"""`TrainingJob`: everything that a training process needs to know, as one JSON file.

A component runs in a process with TFX. The processes that train run elsewhere, in new interpreters that never import
TFX, so they cannot get artifacts or Python objects. They get plain data, with URIs that they can read.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.models import Targets
from limbeck.records import STRICT
from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.config import assert_pipelinable, assert_seeds, assert_trainable
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.fields import Scalar
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.planned_teacher import PlannedTeacher
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.strategies.registry import strategy_kind

Entry = Literal["teacher", "student"]
# Below the `record_uri` of a job: the SavedModel of the members after the first, if they are separate.
FURTHER_MODELS = "further_models"
# The program of a job that compresses nothing.
TRAINING = "limbeck.trainer.training:run"


@dataclass(frozen=True, config=STRICT)
class TrainingJob:
    """One training, from packed examples to exported model.

    Attributes:
      entry: the model that is trained, `teacher` or `student`.
      task: the place of the task.
      examples_uri: folder of the packed training split (`limbeck.trainer.data.packing`).
      transform_graph_uri: folder of the TransformGraph artifact.
      model_uri: folder that receives the SavedModel.
      record_uri: folder that receives `rank-<r>.json` from each process, and `history.json` from the chief.
      targets: what the model learns from: `labels`, `soft_targets` (and labels), or `pseudo_labels`, which are the
        teachers' most probable classes. A student sees only the labels that the task lets it see.
      strategy: how the job is spread over its processes.
      training: epochs, batch size, optimizer settings and seed.
      pipelining: for a job of teachers: the stages into which each teacher is cut, and their micro-batches.
      members: number of models. They are trained one after the other, member m with the seed `training.seed + m`, and
        exported as one ensemble.
      separate: for a job of a student: its members are not an ensemble. The first one is exported. The others are
        exported together below `record_uri` (`FURTHER_MODELS`), for their answers to the test split.
      hyperparameters: passed to the task's builder of the model.
      distillation: set if and only if `targets` are `soft_targets`.
      labelling: how the soft targets of the examples were stored.
      search: how temperature and alpha are chosen if they are null in `distillation`. None: they get their usual
        values.
      validation_uri: folder of the packed validation split. Early stopping and the search need it.
      checkpoint: how often a checkpoint is written, and how many are kept.
      checkpoint_uri: folder for the checkpoints of this job alone. None: no checkpoint is written.
      most_steps: a member ends after this many optimizer steps, as in a check; null takes all steps.
      planned_student: for a job of teachers: the student to try before the first teacher is trained. It changes no
        result. None: no student is tried.
      planned_compression: how the student will be compressed. The job tries it on an untrained student before it
        trains. It changes no result. A job of teachers has one only if it has a planned_student.
      teacher_uri: for a job of a student: folder of the teachers' SavedModel. `Task.initialise_student` and
        `Task.hints` need it.
      teacher_hyperparameters: the hyperparameters that `Task.build_teacher` was given for these teachers.
      planned_teacher: for a job of a student that learns only from labels: the teacher to try first. It changes no
        result.
      compression: how a job compresses a trained student. None: the job trains a model.
      student_uri: folder of that student's SavedModel; set if and only if `compression` is.

    Raises:
      ConfigError: if two attributes contradict each other.
    """

    entry: Entry
    task: TaskRef
    examples_uri: str
    transform_graph_uri: str
    model_uri: str
    record_uri: str
    targets: Targets
    strategy: StrategyConfig
    training: TrainingConfig
    pipelining: PipeliningConfig = dataclasses.field(default_factory=PipeliningConfig)
    members: int = 1
    separate: bool = False
    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    distillation: DistillationConfig | None = None
    labelling: LabellingConfig = dataclasses.field(default_factory=LabellingConfig)
    search: SearchConfig | None = None
    validation_uri: str | None = None
    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    checkpoint_uri: str | None = None
    most_steps: int | None = None
    planned_student: PlannedStudent | None = None
    planned_teacher: PlannedTeacher | None = None
    planned_compression: CompressionConfig | None = None
    teacher_uri: str | None = None
    teacher_hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)
    compression: CompressionConfig | None = None
    student_uri: str | None = None

    def __post_init__(self) -> None:
        assert_trainable(self.strategy, self.training)
        self._assert_stages()
        assert_seeds(self.training, self.members, "members")
        if self.training.early_stopping_patience is not None and self.validation_uri is None:
            raise ConfigError("a job that may stop early needs a validation split: give it validation_uri")
        if (self.targets == "soft_targets") != (self.distillation is not None):
            raise ConfigError("a job has a distillation section exactly when its targets are 'soft_targets'")
        if self.search is not None and (self.distillation is None or self.validation_uri is None):
            raise ConfigError(
                "a job with a search trains a student on soft targets, and has a validation_uri: it received "
                f"targets '{self.targets}' and validation_uri {self.validation_uri}"
            )
        if self.entry == "teacher" and self.targets != "labels":
            raise ConfigError(f"a teacher learns from labels, received targets '{self.targets}'")
        if self.planned_student is not None and self.entry != "teacher":
            raise ConfigError("only a job of teachers has a planned_student")
        if self.planned_compression is not None and self.entry == "teacher" and self.planned_student is None:
            raise ConfigError("a job of teachers has a planned_compression only for a planned_student")
        if self.planned_teacher is not None and (self.entry, self.targets) != ("student", "labels"):
            raise ConfigError("only a job of a student that learns from labels has a planned_teacher")
        if self.teacher_uri is not None and self.entry != "student":
            raise ConfigError("only a job of a student has a teacher_uri")
        if self.separate and self.entry != "student":
            raise ConfigError("only a job of a student has members that are separate")
        if (self.compression is None) != (self.student_uri is None):
            raise ConfigError(
                "a job that compresses has a compression section and a student_uri; any other has neither"
            )
        if self.compression is not None and (self.entry, self.members, self.strategy.processes) != (
            "student",
            1,
            1,
        ):
            raise ConfigError("a job that compresses has one student, and one process")
        if self.members < 1:
            raise ConfigError(f"a job trains at least one member, received {self.members}")

    def _assert_stages(self) -> None:
        assert_pipelinable(self.strategy, self.training, self.pipelining)
        if self.pipelining.is_on and (self.entry, self.strategy.processes) != ("teacher", 1):
            raise ConfigError("only a job of teachers has stages, and its strategy has one process")

    @property
    def processes(self) -> int:
        """The number of processes of the job."""
        return self.pipelining.processes if self.pipelining.is_on else self.strategy.processes

    @property
    def chief_alone(self) -> bool:
        """Whether only the chief runs the training, and the other processes run its operations."""
        return strategy_kind(self.strategy.name).asynchronous or self.pipelining.processes > 1

    @property
    def program(self) -> str:
        """The function that runs the job in each of its processes, as `module:name`."""
        return TRAINING if self.compression is None else "limbeck.trainer.compressing:run"

    def planned(self) -> TrainingJob | None:
        """Returns the job of the model to try before this one, with its inputs and outputs; None if there is none."""
        student = self.planned_student
        planned = student or self.planned_teacher
        if planned is None:
            return None
        entry: Entry = "teacher" if student is None else "student"
        stages = planned.pipelining if isinstance(planned, PlannedTeacher) else PipeliningConfig()
        return dataclasses.replace(
            self.of_another(entry, planned.hyperparameters),
            pipelining=stages,
            strategy=StrategyConfig("one_device") if stages.is_on else self.strategy,
            targets="labels" if student is None else "soft_targets",
            training=dataclasses.replace(self.training, epochs=planned.epochs),
            distillation=None if student is None else student.distillation,
            teacher_hyperparameters={} if student is None else self.hyperparameters,
        )

    def of_another(self, entry: Entry, hyperparameters: dict[str, Scalar]) -> TrainingJob:
        """Returns a job of another model on labels. It has the inputs of this job, and none of its other fields."""
        return dataclasses.replace(
            self,
            entry=entry,
            targets="labels",
            pipelining=PipeliningConfig(),
            hyperparameters=hyperparameters,
            members=1,
            separate=False,
            distillation=None,
            labelling=LabellingConfig(),
            search=None,
            checkpoint_uri=None,
            planned_student=None,
            planned_teacher=None,
            planned_compression=None,
            teacher_uri=None,
            teacher_hyperparameters={},
            compression=None,
            student_uri=None,
        )
