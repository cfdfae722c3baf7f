"""The pipeline: raw data to a shipped student. `python pipeline.py --help` tells how to run it.

`create_pipeline` says what follows what, and nothing else: what a component does stands in `components/`, where it
runs is the affair of whoever runs the graph.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.properties.slices import CodeRef
    from limbeck.digests.code import TaskDigests
    from limbeck.reference import TaskRef
    from limbeck.settings.config import Config
    from limbeck.task import Task


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a pipeline keeps what it makes.

    Attributes:
      root: folder or URI of TFX's artifacts.
      serving: folder or URI that passed students are pushed to, as `<version>/`.
      data: folder or URI of the raw examples, with a folder for each split.
      accepted: folder or URI of the accepted schema and statistics, which data are held against.
      checkpoints: folder or URI of what a training that was killed goes on from.
    """

    root: str
    serving: str
    data: str
    accepted: str
    checkpoints: str


def create_pipeline(config: Config, ref: TaskRef, place: Place, metadata: Any = None, generation: int = 0) -> Any:
    """Builds the graph.

    Args:
      config: the whole configuration.
      ref: the task.
      place: where artifacts, data and served models are.
      metadata: an ML Metadata `ConnectionConfig`, for a local run.
      generation: of the schema at `place.accepted`; one more than it is has the data's own schema take its place.

    Returns:
      A `tfx.orchestration.pipeline.Pipeline`.

    Raises:
      TaskError: where the task cannot be loaded.
    """
    from tfx.orchestration.pipeline import Pipeline

    graph = _Graph(config, ref, place)
    ingested = graph.ingest(generation)
    teaching = graph.teach(ingested)
    students = graph.distil(ingested, teaching)
    judged = graph.judge(ingested, teaching, students)
    return Pipeline(
        pipeline_name=f"limbeck-{graph.task.name}",
        pipeline_root=place.root,
        components=[*ingested.nodes, *teaching.nodes, *students.values(), *judged],
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=_beam_arguments(config),
    )


@dataclasses.dataclass(frozen=True)
class _Ingested:
    raw: Any
    transform: Any
    nodes: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class _Teaching:
    trainer: Any
    labeler: Any

    @property
    def nodes(self) -> tuple[Any, ...]:
        return self.trainer, self.labeler


class _Graph:
    """The stretches of the graph, each handed the outputs of those before it."""

    def __init__(self, config: Config, ref: TaskRef, place: Place) -> None:
        from limbeck.digests.code import task_digests

        self.config, self.ref, self.place = config, ref, place
        self.task: Task = ref.load()
        self.digests: TaskDigests = task_digests(self.task, ref)

    def ingest(self, generation: int) -> _Ingested:
        """Raw data -> transformed examples, behind a stop on anomalies and on drift."""
        from tfx.components import ExampleValidator, SchemaGen, StatisticsGen, Transform

        from components.anomaly_stop.component import AnomalyStop
        from components.properties.slices import properties_of

        raw = self._example_gen(self.place.data)
        statistics = StatisticsGen(examples=raw.outputs["examples"])
        schema = SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
        validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
        stop = AnomalyStop(
            statistics=statistics.outputs["statistics"],
            anomalies=validator.outputs["anomalies"],
            schema=schema.outputs["schema"],
            accepted=self.place.accepted,
            generation=generation,
            limits=properties_of(self.config.drift),
            code=self._code(["components.anomaly_stop.executor:Executor"], self.digests.preprocessing),
        )
        code = self._code(["trainer.data.preprocessing"], self.digests.preprocessing)
        transform = Transform(
            examples=raw.outputs["examples"],
            schema=schema.outputs["schema"],
            preprocessing_fn="trainer.data.preprocessing.preprocessing_fn",
            custom_config=_code_properties(code),
        )
        transform.add_upstream_node(stop)
        return _Ingested(raw, transform, (raw, statistics, schema, validator, stop, transform))

    def teach(self, ingested: _Ingested) -> _Teaching:
        """Transformed examples -> teachers -> examples with soft targets."""
        from components.teacher_labeler.component import TeacherLabeler
        from components.teacher_trainer.component import TeacherTrainer

        teachers = self.config.teachers
        training = dataclasses.replace(self.config.training, epochs=teachers.epochs or self.config.training.epochs)
        code = self._code(["components.teacher_trainer.executor:Executor", *_TRAINING], self.digests.teacher)
        trainer = TeacherTrainer(
            examples=ingested.transform.outputs["transformed_examples"],
            transform_graph=ingested.transform.outputs["transform_graph"],
            properties=self._training_properties(training, teachers.hyperparameters, code)
            | {"teachers": teachers.count},
        )
        labeler = TeacherLabeler(
            examples=ingested.transform.outputs["transformed_examples"],
            model=trainer.outputs["model"],
            code=self._code(["components.teacher_labeler.executor:Executor"]),
        )
        return _Teaching(trainer, labeler)

    def distil(self, ingested: _Ingested, teaching: _Teaching) -> dict[str, Any]:
        """Examples with soft targets -> the student and, with the same steps and initial weights, its controls."""
        from components.properties.slices import properties_of
        from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT

        labelled = teaching.labeler.outputs["labelled_examples"]
        teacher = {"teacher": teaching.trainer.outputs["model"]}
        distillation = properties_of(self.config.distillation)
        students = {
            STUDENT: self._distiller("", ingested, labelled, {"targets": "soft_targets"} | distillation, teacher)
        }
        if self.config.controls:
            # Hard labels need no teacher: another one does not train this control again.
            plain = ingested.transform.outputs["transformed_examples"]
            students[HARD_LABELS] = self._distiller("HardLabels", ingested, plain, {"targets": "labels"}, {})
            students[PSEUDO_LABELS] = self._distiller(
                "PseudoLabels", ingested, labelled, {"targets": "pseudo_labels"}, teacher
            )
        return students

    def judge(self, ingested: _Ingested, teaching: _Teaching, students: dict[str, Any]) -> list[Any]:
        """All models -> evaluation, verdict, findings, and a pushed student where the verdict allows."""
        from tfx.proto import pusher_pb2

        from components.gate.component import Gate
        from components.predictor.component import Predictor
        from components.pusher.component import Pusher
        from components.reporter.component import Reporter
        from limbeck.models import STUDENT, TEACHER

        models = {TEACHER: teaching.trainer} | students
        student = students[STUDENT]
        evaluator = self._evaluator(ingested, teaching, student)
        runs = {f"{name}_run": one.outputs["model_run"] for name, one in models.items()}
        labelled = {"labelled_examples": teaching.labeler.outputs["labelled_examples"]}
        predictor = Predictor(
            inputs={"raw_examples": ingested.raw.outputs["examples"]}
            | labelled
            | runs
            | {name: one.outputs["model"] for name, one in models.items()},
            code=self._code(["components.predictor.executor:Executor", "trainer.serving.latency"]),
        )
        reporter = Reporter(
            inputs={"predictions": predictor.outputs["predictions"], "evaluation": evaluator.outputs["evaluation"]}
            | labelled
            | runs,
            code=self._code(["components.reporter.executor:Executor"], repr(self.task.picture)),
        )
        gate = Gate(
            model=student.outputs["model"],
            predictions=predictor.outputs["predictions"],
            measurements=predictor.outputs["measurements"],
            limits=self.config.gate,
            code=self._code(["components.gate.executor:Executor"]),
        )
        pusher = Pusher(
            model=student.outputs["model"],
            model_blessing=gate.outputs["blessing"],
            push_destination=pusher_pb2.PushDestination(
                filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=self.place.serving)
            ),
            custom_config=_code_properties(self._code(["components.pusher.executor:Executor"])),
        )
        return [evaluator, predictor, reporter, gate, pusher]

    def _distiller(self, control: str, ingested: _Ingested, examples: Any, targets: Any, teacher: Any) -> Any:
        from components.distiller.component import Distiller

        code = self._code(["components.distiller.executor:Executor", *_TRAINING], self.digests.student)
        return Distiller(
            examples=examples,
            transform_graph=ingested.transform.outputs["transform_graph"],
            properties=self._training_properties(self.config.training, self.config.student.hyperparameters, code)
            | targets,
            **teacher,
        ).with_id(f"Distiller{control}")

    def _example_gen(self, data: str) -> Any:
        from components.example_gen.component import example_gen, executor_name
        from components.example_gen.declaration import declaration_of
        from limbeck.digests.code import digest
        from limbeck.examples import SPLITS

        config = self.config.data
        return example_gen(
            data,
            config.format,
            SPLITS,
            span=config.span,
            encoding=config.encoding,
            declaration=declaration_of(self.task),
            code_digest=digest([executor_name(config.format)]),
        )

    def _evaluator(self, ingested: _Ingested, teaching: _Teaching, student: Any) -> Any:
        from tfx.components import Evaluator

        from components.evaluator.evaluation import evaluation_config
        from limbeck.examples import TEST

        return Evaluator(
            examples=ingested.raw.outputs["examples"],
            model=student.outputs["model"],
            baseline_model=teaching.trainer.outputs["model"],
            eval_config=evaluation_config(self.task),
            example_splits=[TEST],
            module_path="components.evaluator.evaluation",
        )

    def _training_properties(self, training: Any, hyperparameters: Any, code: CodeRef) -> dict[str, Any]:
        import json

        from components.properties.slices import properties_of, structure_of
        from limbeck.records import to_json

        # A default spelt out is no other strategy, and must not train again.
        strategy = dataclasses.replace(self.config.strategy, workers=self.config.strategy.processes)
        return {
            **_code_properties(code),
            **properties_of(training),
            "training": structure_of(training),
            "place": "local",
            "checkpoints": self.place.checkpoints,
            "checkpoint": to_json(self.config.checkpoint),
            "recovery": to_json(self.config.recovery),
            "strategy": to_json(strategy),
            "hyperparameters": json.dumps(hyperparameters, sort_keys=True),
        }

    def _code(self, roots: Iterable[str], part: str = "") -> CodeRef:
        from components.properties.slices import CodeRef
        from limbeck.digests.code import digest

        return CodeRef(self.ref, digest(roots) + (f"-{part}" if part else ""))


# What a training process reaches by its command line, which no import shows.
_TRAINING = ("trainer.worker", "trainer.training")


def _code_properties(code: CodeRef) -> dict[str, Any]:
    from components.properties.slices import code_properties

    return code_properties(code)


def _beam_arguments(config: Config) -> list[str]:
    workers = config.beam.workers
    mode = "multi_processing" if workers > 1 else "in_memory"
    return [f"--direct_num_workers={workers}", f"--direct_running_mode={mode}"]


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    sys.path.insert(0, str(Path(__file__).parent))
    from cli.main import main

    sys.exit(main(sys.argv[1:]))
