"""The student half alone: soft targets, a student and a verdict beside someone's own ExampleGen, Transform and Trainer.

Whoever has a TFX pipeline wants a smaller model, and no second pipeline. `student_half` makes nodes for theirs. Two
adapters stand where the whole pipeline has its own Transform and TeacherTrainer; the nodes after them are the same.
docs/your-pipeline.md shows it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from limbeck import reference
from limbeck.errors import ConfigError, TaskError
from limbeck.saved_teacher import SavedTeacher
from limbeck.settings.config import Config
from limbeck.settings.operational import Operational
from limbeck.splits import Splits
from limbeck.task import Task

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.types.channel import BaseChannel

_STOCK_SPLITS = Splits()


@dataclasses.dataclass(frozen=True)
class StudentHalf:
    """Nodes of one pipeline.

    Attributes:
      nodes: all nodes, for `components` of a `Pipeline`.
      student: the node of the student; its output `model` is a SavedModel that takes raw examples.
      gate: the node of the gate; its output `blessing` is what Pusher takes as `model_blessing`.
      predictor: the node with the outputs `predictions` and `measurements` of all models.
      report: the node whose output `report` is the page, and whose output `verdict` is its short form; None if there is
        none.
    """

    nodes: tuple[BaseNode, ...]
    student: BaseNode
    gate: BaseNode
    predictor: BaseNode
    report: BaseNode | None = None


def student_half(
    task: str,
    config: Config,
    *,
    examples: BaseChannel,
    transform_graph: BaseChannel,
    model: BaseChannel,
    teacher: SavedTeacher,
    splits: Splits = _STOCK_SPLITS,
    report: bool = True,
) -> StudentHalf:
    """Makes the nodes of the student half.

    Args:
      task: the task of the student (`limbeck.student_only.student_task`): a path to its file, or `module:attribute`.
      config: the settings. Those of the raw data and of teachers are not used.
      examples: the raw examples, as ExampleGen writes them.
      transform_graph: the output `transform_graph` of Transform.
      model: the output `model` of Trainer.
      teacher: what is called in that model, and what it answers.
      splits: which of the examples' splits are for training and for judging.
      report: whether there are nodes that draw the report's page: `Reporter` and `Visualizer`.

    Raises:
      TaskError: if the task cannot be loaded, or has `initialise_student` or `hints`.
      ConfigError: if the settings and the splits do not fit together.
    """
    from limbeck.components.distiller.component import distillers
    from limbeck.components.example_adapter.component import example_adapter
    from limbeck.components.gate.component import gate
    from limbeck.components.graph.context import Context, Storage
    from limbeck.components.predictor.component import predictor
    from limbeck.components.reporter.component import reporter
    from limbeck.components.teacher_adapter.component import teacher_adapter
    from limbeck.components.teacher_labeler.component import teacher_labeler
    from limbeck.components.visualizer.component import visualizer
    from limbeck.models import STUDENT, TEACHER

    # None of these nodes has a place of its own.
    context = Context.of(config, reference.find(task), Storage(root="", serving="", data="", accepted=""))
    _assert_supported(context.task, splits, config)
    if config.training.early_stopping_patience is not None and splits.validation is None:
        raise ConfigError(
            "training.early_stopping_patience stops by the validation split, and there is none: name one as "
            "Splits.validation, or leave the setting out"
        )
    if config.compression.recipe != "none":
        raise ConfigError(
            f"compression.recipe makes a file that Pusher ships beside the student, and a stock Pusher would leave it "
            f"behind: leave it out of the student half, received '{config.compression.recipe}'"
        )
    adapted = example_adapter(context, examples, transform_graph, splits)
    teachers = teacher_adapter(context, adapted, model, teacher)
    labelled = teacher_labeler(context, adapted, teachers)
    students = distillers(context, adapted, labelled, teachers)
    predicted = predictor(context, adapted, labelled, {TEACHER: teachers} | students)
    judged = gate(context, students[STUDENT], predicted, unresolved=True)
    nodes = (adapted, teachers, labelled, *students.values(), predicted, judged)
    half = StudentHalf(nodes, students[STUDENT], judged, predicted)
    if not report:
        return half
    models = {TEACHER: teachers} | students
    reported = reporter(
        context,
        predicted,
        labelled,
        models,
        raw=examples,
        transform_graph=transform_graph,
        raw_split=splits.train,
    )
    shown = visualizer(context, predicted, reported, judged, models, given_teacher=True)
    return dataclasses.replace(half, nodes=(*nodes, reported, shown), report=shown)


def _assert_supported(task: Task, splits: Splits, config: Config) -> None:
    if task.initialise_student is not None:
        raise TaskError(
            f"task '{task.name}' has initialise_student, which takes a teacher that build_teacher builds, and here the "
            "teacher is a SavedModel: leave initialise_student out"
        )
    if task.hints:
        raise TaskError(
            f"task '{task.name}' has hints, which are layers of a teacher that build_teacher builds, and here the "
            "teacher is a SavedModel: leave hints out"
        )
    if config.distillation.calls_teachers:
        raise ConfigError(
            f"distillation.inputs={config.distillation.inputs} calls teachers that build_teacher builds at each step, "
            "and here the teacher is a SavedModel: set distillation.inputs=stored"
        )
    if task.metrics is not None and splits.validation is None:
        raise ConfigError(
            f"the metrics of task '{task.name}' are computed on the validation split, and there is none: name one as "
            "Splits.validation, or leave `metrics` out"
        )


def environment(
    task: str, config: Config, checkpoints: str | None = None, looks: str | None = None
) -> dict[str, str]:
    """Returns the environment variables that the process needs which runs the pipeline.

    They hold what must not be in TFX's cache key: the folder of the task, and operational settings.

    Args:
      task: as for `student_half`.
      config: as for `student_half`.
      checkpoints: folder or URI for checkpoints; a training that is killed goes on from them when the pipeline runs
        again. None keeps none.
      looks: folder or URI where the gate notes which students it judged on which test split. None keeps no count.

    Raises:
      TaskError: if there is no such task.
    """
    operational: Any = Operational.of(config, checkpoints, looks)
    # The teacher is not trained here, so no training can try one.
    operational = dataclasses.replace(operational, planned_student=None, planned_teacher=None)
    return operational.environment() | reference.environment(reference.find(task))


def write_compiled(
    pipeline: Any,
    output: Path,
    *,
    target: Literal["kubeflow", "vertex"],
    image: str,
    task: str,
    config: Config,
    checkpoints: str | None = None,
) -> None:
    """Writes a pipeline with a student half for Kubeflow Pipelines or Vertex AI.

    Args:
      pipeline: someone's TFX pipeline, with the nodes of `student_half`. Its root is a URI that containers reach.
      output: the file, replaced as a whole: YAML for `kubeflow`, JSON for `vertex`.
      target: where the pipeline is to run.
      image: of every container. It holds Limbeck, the module of the task, and what the other nodes need.
      task: as for `student_half`, but not a path: no container has the file.
      config: as for `student_half`. Its section `containers` says what the container of each node gets.
      checkpoints: as for `environment`, a URI.

    Raises:
      ConfigError: if the task is a path, or if the pipeline breaks a rule of the target, such as a node of a kind that
        it does not run.
    """
    from limbeck.kubeflow import compile as compiler

    if reference.environment(reference.find(task)):
        raise ConfigError(f"no container has the file of the task {task}: name it as module:attribute")
    variables = environment(task, config, checkpoints)
    options = compiler.Options(target, image, environment=variables, containers=config.containers)
    compiler.write(pipeline, output, options)
