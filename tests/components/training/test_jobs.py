"""What job each component that trains makes of its settings: no process is started."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tfx.types import standard_artifacts

from limbeck.components.compressor.executor import compressed_student
from limbeck.components.distiller.executor import TEACHER_HYPERPARAMETERS, student
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_trainer.executor import teachers
from limbeck.components.training.execution import Execution
from limbeck.errors import DataError
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.operational import Operational
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.planned_teacher import PlannedTeacher
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.search import record as search_record
from tests.components import rehearsal
from tests.components.world import PROPERTIES

ALL = ("train", "validation", "test")
AUTO, INT8 = CompressionConfig("auto"), CompressionConfig("int8")
PLANNED = Operational(planned_student=PlannedStudent(), planned_teacher=PlannedTeacher(), planned_compression=INT8)
STORED = LabellingConfig(top_k=2)


@dataclasses.dataclass(frozen=True)
class Maker:
    """Makes executions whose artifacts are in one folder."""

    folder: Path

    def __call__(
        self,
        *sections: Any,
        splits: Sequence[str] = ALL,
        operational: Operational = PLANNED,
        found: DistillationConfig | None = None,
        **properties: str,
    ) -> Execution:
        examples = rehearsal.examples(self.folder / "examples", list(splits))
        record.write(examples.uri, record.StoredRecord(STORED))
        models = {
            name: rehearsal.artifact(standard_artifacts.Model, self.folder / name)
            for name in ("teacher", "student_model", "model")
        }
        runs = {
            name: rehearsal.artifact(standard_artifacts.ModelRun, self.folder / name)
            for name in ("student_run", "model_run")
        }
        if found is not None:
            kept = search_record.SearchRecord(1.0, planned_steps=1, examples=7, chosen=found, trials=())
            search_record.write(kept, runs["student_run"].uri)
        graph = rehearsal.artifact(standard_artifacts.TransformGraph, self.folder / "graph")
        inputs = {"examples": examples, "transform_graph": graph, **models, **runs}
        given = PROPERTIES | properties
        for section in (TrainingConfig(steps_per_call=3), *sections):
            given = given | Section(type(section)).encode(section)
        artifacts = {name: [one] for name, one in inputs.items()}
        return Execution(artifacts, artifacts, given, operational)


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def of_teachers(make: Maker, folder: Path, stages: int = 1, **given: Any) -> Any:
    sections = TeachersConfig(count=3, hyperparameters={"units": 9}), PipeliningConfig(stages=stages)
    return teachers(make(*sections, StrategyConfig("mirrored"), **given), folder)


def of_student(make: Maker, folder: Path, targets: str, *sections: Any, **given: Any) -> Any:
    config = StudentConfig(hyperparameters={"units": 2}, seeds=2)
    further = (DistillationConfig(temperature=3.0), *sections)
    return student(make(config, StrategyConfig("mirrored"), *further, targets=targets, **given), folder)


def of_compression(make: Maker, folder: Path, config: CompressionConfig, **given: Any) -> Any:
    sections = StudentConfig(hyperparameters={"units": 2}), DistillationConfig(temperature=3.0), config
    return compressed_student(make(*sections, **given), folder)


def test_teachers(make: Maker, tmp_path: Path):
    job = of_teachers(make, tmp_path)
    assert (job.entry, job.targets, job.members, job.separate) == ("teacher", "labels", 3, False)
    assert (job.hyperparameters, job.strategy.name) == ({"units": 9}, "mirrored")
    assert (job.planned_student, job.planned_teacher) == (PlannedStudent(), None)
    # It cannot change a result, so it comes from the environment.
    assert job.training.steps_per_call == Operational().steps_per_call
    assert job.validation_uri is None
    assert Path(job.examples_uri).parent == tmp_path


def test_stages_have_processes_of_their_own(make: Maker, tmp_path: Path):
    job = of_teachers(make, tmp_path, stages=2)
    assert (job.strategy.name, job.pipelining.stages) == ("one_device", 2)


@pytest.mark.parametrize("targets", ["labels", "pseudo_labels", "soft_targets"])
def test_a_student_or_a_control(make: Maker, tmp_path: Path, targets: str):
    job = of_student(make, tmp_path, targets)
    assert (job.entry, job.targets, job.members, job.separate) == ("student", targets, 2, True)
    assert job.hyperparameters == {"units": 2}
    assert job.distillation == (DistillationConfig(temperature=3.0) if targets == "soft_targets" else None)
    assert job.labelling == (LabellingConfig() if targets == "labels" else STORED)
    assert job.planned_teacher == (PlannedTeacher() if targets == "labels" else None)
    assert (job.teacher_uri, job.planned_student, job.search, job.validation_uri) == (None, None, None, None)


def test_a_student_that_begins_with_weights_of_its_teacher(make: Maker, tmp_path: Path):
    job = of_student(make, tmp_path, "labels", **{TEACHER_HYPERPARAMETERS: json.dumps({"units": 9})})
    assert Path(job.teacher_uri).is_relative_to(tmp_path / "teacher")
    assert job.teacher_hyperparameters == {"units": 9}


def test_a_search_needs_a_validation_split(make: Maker, tmp_path: Path):
    found = of_student(make, tmp_path, "soft_targets", SearchConfig())
    assert found.search == SearchConfig()
    assert Path(found.validation_uri).parent == tmp_path
    lacking = of_student(make, tmp_path, "soft_targets", SearchConfig(), splits=("train", "test"))
    assert (lacking.search, lacking.validation_uri) == (None, None)


def test_generations_are_judged_where_there_is_a_split_for_it(make: Maker, tmp_path: Path):
    config = DistillationConfig(generations=2)
    assert of_student(make, tmp_path, "soft_targets", config).validation_uri is not None
    assert of_student(make, tmp_path, "soft_targets", config, splits=("train", "test")).validation_uri is None


def test_a_compressed_student_goes_on_with_the_loss_that_was_found(make: Maker, tmp_path: Path):
    usual = of_compression(make, tmp_path, INT8)
    assert (usual.compression, usual.strategy.name, usual.processes) == (INT8, "one_device", 1)
    assert (usual.distillation, usual.validation_uri) == (DistillationConfig(temperature=3.0), None)
    assert Path(usual.student_uri).is_relative_to(tmp_path / "student_model")
    chosen = DistillationConfig(temperature=5.0, alpha=0.3)
    assert of_compression(make, tmp_path, AUTO, found=chosen).distillation == chosen


def test_only_the_trainings_that_the_file_depends_on_try_the_recipe(make: Maker, tmp_path: Path):
    told = {targets: of_student(make, tmp_path, targets).planned_compression for targets in
            ("labels", "pseudo_labels", "soft_targets")}  # fmt: skip
    # Controls are not compressed, and Compressor needs no rehearsal.
    assert told == {"labels": None, "pseudo_labels": None, "soft_targets": INT8}
    assert of_compression(make, tmp_path, INT8).planned_compression is None
    assert of_teachers(make, tmp_path).planned_compression == INT8
    alone = Operational(planned_compression=INT8)
    assert of_teachers(make, tmp_path, operational=alone).planned_compression is None


def test_a_choice_among_recipes_needs_a_validation_split(make: Maker, tmp_path: Path):
    planned = dataclasses.replace(PLANNED, planned_compression=AUTO)
    assert of_teachers(make, tmp_path, operational=planned).validation_uri is None
    assert of_compression(make, tmp_path, AUTO).validation_uri is not None
    short = ("train", "test")
    makers = (
        lambda: of_teachers(make, tmp_path, operational=planned, splits=short),
        lambda: of_student(make, tmp_path, "soft_targets", operational=planned, splits=short),
        lambda: of_compression(make, tmp_path, AUTO, splits=short),
    )
    for one in makers:
        with pytest.raises(
            DataError, match=r"auto judges files on the validation split, and the examples have none"
        ):
            one()
    assert of_student(make, tmp_path, "labels", operational=planned, splits=short).planned_compression is None
