"""Another training has another digest, and the same training elsewhere has the same digest."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from limbeck.digests.code import dependencies
from limbeck.errors import TaskError
from limbeck.records import to_json
from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.planned_teacher import PlannedTeacher
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery.job_digest import checkpoint_uri, job_digest

pytestmark = pytest.mark.long

PROJECT = Path(__file__).parents[3]
TASK = """
import tf_keras
from limbeck.task import Feature, Label, Task


def preprocessing_fn(inputs):
    return {"x": inputs["x"]}


def teacher(hyperparameters):
    return tf_keras.Sequential([tf_keras.Input([1], name="x"), tf_keras.layers.Dense(2)])


def student(hyperparameters):
    return tf_keras.Sequential([tf_keras.Input([1], name="x"), tf_keras.layers.Dense(2)])


TASK = Task("small", (Feature("x", shape=(1,)),), Label("y", ("a", "b")), preprocessing_fn, teacher, student)
OTHER = TASK
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("examples", "validation", "graph/variables"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "examples" / "records.bin").write_bytes(b"records")
    (tmp_path / "examples" / "index.npy").write_bytes(b"index")
    (tmp_path / "validation" / "records.bin").write_bytes(b"validation")
    (tmp_path / "graph" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "graph" / "variables" / "v").write_bytes(bytes(3_000_000))
    return tmp_path


@pytest.fixture
def job_of(folder, request):
    """Makes a job of the files in `folder`. The task's module is new to the process."""
    made = []

    def job(text=TASK, **changes):
        module = f"small_task_{abs(hash(request.node.name))}_{len(made)}"
        made.append(module)
        return job_in(folder, module, text, **changes)

    yield job
    for module in made:
        sys.modules.pop(module, None)


def job_in(folder, module, text, **changes):
    (folder / f"{module}.py").write_text(text)
    fields = {
        "entry": "teacher",
        "task": TaskRef(module=module, search_path=str(folder)),
        "examples_uri": str(folder / "examples"),
        "transform_graph_uri": str(folder / "graph"),
        "model_uri": "/model",
        "record_uri": "/record",
        "targets": "labels",
        "strategy": StrategyConfig(name="one_device"),
        "training": TrainingConfig(),
    }
    return TrainingJob(**(fields | changes))


@pytest.mark.parametrize("change", [
    {"model_uri": "/another"},
    {"record_uri": "/another"},
    {"checkpoint_uri": "/another"},
    {"strategy": StrategyConfig(name="multi_worker_mirrored", workers=4)},
    {"checkpoint": CheckpointConfig(steps=7, keep=1)},
    {"planned_student": PlannedStudent({"width": 3})},
    {"pipelining": PipeliningConfig(stages=2), "strategy": StrategyConfig("one_device")},
    {"planned_student": PlannedStudent(), "planned_compression": CompressionConfig("int8")},
])  # fmt: skip
def test_where_and_how_it_runs_makes_no_difference(job_of, change):
    job = job_of()
    changed = dataclasses.replace(job, **change)
    assert changed != job
    assert job_digest(changed) == job_digest(job)


def test_checkpoints_are_in_a_folder_of_the_job(job_of):
    job = job_of()
    assert checkpoint_uri("gs://bucket/run/", job) == f"gs://bucket/run/{job_digest(job)}"


@pytest.mark.parametrize("change", [
    {"training": TrainingConfig(learning_rate=0.002)},
    {"training": TrainingConfig(seed=1)},
    {"training": TrainingConfig(epochs=11)},
    {"members": 2},
    {"hyperparameters": {"width": 3}},
    {"entry": "student"},
    {"entry": "student", "targets": "pseudo_labels"},
    {"most_steps": 5},
    {"teacher_hyperparameters": {"width": 3}},
])  # fmt: skip
def test_what_is_computed_makes_a_difference(job_of, change):
    job = job_of()
    assert job_digest(dataclasses.replace(job, **change)) != job_digest(job)


def test_no_field_of_a_job_is_forgotten(job_of, folder):
    """A new field must be tested here too."""
    changes = {
        "distillation": {
            "entry": "student", "targets": "soft_targets", "distillation": DistillationConfig(temperature=3.0)
        },
        "validation_uri": {"validation_uri": str(folder / "validation")},
        "task": {"task": "OTHER"},
    }  # fmt: skip
    soft = {"entry": "student", "targets": "soft_targets", "distillation": DistillationConfig(temperature=2.0)}
    job = job_of()
    other = dataclasses.replace(job, task=dataclasses.replace(job.task, attribute="OTHER"))
    assert job_digest(other) != job_digest(job)
    assert job_digest(dataclasses.replace(job, **changes["validation_uri"])) != job_digest(job)
    assert job_digest(dataclasses.replace(job, **soft)) != job_digest(
        dataclasses.replace(job, **changes["distillation"])
    )
    taught = dataclasses.replace(job, **soft, validation_uri=str(folder / "validation"))
    for change in ({"search": SearchConfig()}, {"separate": True}, {"labelling": LabellingConfig(top_k=1)}):
        assert job_digest(dataclasses.replace(taught, **change)) != job_digest(taught)
    tested = {"entry", "targets", "training", "members", "hyperparameters", *changes} | {
        "most_steps", "teacher_hyperparameters", "teacher_uri",
        "model_uri", "record_uri", "checkpoint_uri", "strategy", "checkpoint", "examples_uri",
        "transform_graph_uri", "pipelining", "planned_student", "planned_teacher", "planned_compression", "compression",
        "student_uri", "search", "separate", "labelling",
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(TrainingJob)} == tested


def test_a_job_that_compresses_stands_on_the_student_the_recipe_and_a_program_of_its_own(job_of, tmp_path):
    for name in ("first", "again", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").write_text(name.replace("again", "first"))
    student = dataclasses.replace(job_of(), entry="student", strategy=StrategyConfig("one_device"))
    first = dataclasses.replace(
        student, compression=CompressionConfig("int8"), student_uri=str(tmp_path / "first")
    )
    again = dataclasses.replace(first, student_uri=str(tmp_path / "again"))
    others = [
        student,
        dataclasses.replace(first, student_uri=str(tmp_path / "other")),
        dataclasses.replace(first, compression=CompressionConfig("int8", representative=7)),
    ]
    assert job_digest(again) == job_digest(first)
    assert len({job_digest(one) for one in (first, *others)}) == 4
    assert (student.program, first.program) == ("limbeck.trainer.training:run", "limbeck.trainer.compressing:run")
    # An edit of a technique trains no student again.
    assert not [name for name in dependencies([student.program]) if "trainer.compress" in name]


def test_a_teacher_that_is_only_tried_makes_no_difference(job_of):
    control = dataclasses.replace(job_of(), entry="student")
    trying = dataclasses.replace(control, planned_teacher=PlannedTeacher({"width": 3}))
    assert trying != control
    assert job_digest(trying) == job_digest(control)


def test_where_the_loop_returns_to_python_makes_no_difference(job_of):
    """`tests/trainer/fitting/test_loop.py` shows that the weights are bit-equal."""
    job = job_of()
    assert job_digest(dataclasses.replace(job, training=TrainingConfig(steps_per_call=3))) == job_digest(job)


@pytest.mark.parametrize("file", ["examples/records.bin", "examples/index.npy", "graph/variables/v"])
def test_a_changed_byte_of_the_data_makes_a_difference(job_of, folder, file):
    job = job_of()
    before = job_digest(job)
    content = bytearray((folder / file).read_bytes())
    content[-1] ^= 1
    (folder / file).write_bytes(content)
    assert job_digest(job) != before


def test_other_file_names_make_a_difference_and_another_folder_does_not(job_of, folder):
    job = job_of()
    before = job_digest(job)
    shutil.copytree(folder / "examples", folder / "elsewhere" / "deeper")
    assert job_digest(dataclasses.replace(job, examples_uri=str(folder / "elsewhere" / "deeper") + "/")) == before
    (folder / "examples" / "records.bin").rename(folder / "examples" / "r")
    assert job_digest(job) != before


def test_data_may_be_wherever_tensorflow_reads(job_of, folder):
    uri = f"ram://{folder.name}/examples"
    tf.io.gfile.makedirs(uri)
    for path in (folder / "examples").iterdir():
        tf.io.gfile.copy(str(path), f"{uri}/{path.name}")
    job = job_of()
    assert job_digest(dataclasses.replace(job, examples_uri=uri)) == job_digest(job)


def test_missing_data_are_not_taken_for_empty_data(job_of, folder):
    shutil.rmtree(folder / "examples")
    with pytest.raises(FileNotFoundError, match="no files in"):
        job_digest(job_of())


# A process knows only one module of a name, so a fork computes each digest, before TensorFlow has threads.
ELSEWHERE = """
import os, sys
from pathlib import Path
import tensorflow
from limbeck.records import from_json
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery.job_digest import job_digest
for file in sys.argv[1:]:
    if os.fork() == 0:
        print(job_digest(from_json(TrainingJob, Path(file).read_text())), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


def digests_elsewhere(tmp_path, jobs):
    """Computes the digests of jobs by name. Each has a text of its task and an entry; all have the same data."""
    files = []
    for name, (text, entry) in jobs.items():
        folder = tmp_path / name
        shutil.copytree(tmp_path / "data", folder)
        files.append(folder / "job.json")
        files[-1].write_text(to_json(job_in(folder, "small_task", text, entry=entry)))
    command = [sys.executable, "-c", ELSEWHERE, *map(str, files)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return dict(zip(jobs, done.stdout.split(), strict=True))


@pytest.mark.processes
def test_the_code_of_the_part_that_is_trained_makes_a_difference(tmp_path):
    for name in ("examples", "graph"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "file").write_bytes(b"1")
    student = TASK.replace(
        "def student(hyperparameters):", "def student(hyperparameters):\n    hyperparameters = {}"
    )
    assert student != TASK

    found = digests_elsewhere(
        tmp_path,
        {
            "teacher": (TASK, "teacher"),
            "moved": (TASK, "teacher"),
            "of-another-student": (student, "teacher"),
            "student": (TASK, "student"),
            "edited": (student, "student"),
        },
    )

    assert found["teacher"] == found["moved"] == found["of-another-student"]
    assert len({found["teacher"], found["student"], found["edited"]}) == 3


def test_a_task_that_is_missing_is_the_users_error(job_of):
    job = job_of()
    with pytest.raises(TaskError, match="cannot be imported"):
        job_digest(dataclasses.replace(job, task=TaskRef(module="no_such_task")))


def test_the_weights_that_a_student_begins_with_make_a_difference(job_of, folder):
    student, digests = dataclasses.replace(job_of(), entry="student"), set()
    for place, weights in (("teacher", b"one"), ("copy", b"one"), ("other", b"two")):
        (folder / place).mkdir()
        (folder / place / "variables").write_bytes(weights)
        digests.add(job_digest(dataclasses.replace(student, teacher_uri=str(folder / place))))
    assert len(digests) == 2
