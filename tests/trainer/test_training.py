import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from launchers.cluster import Cluster
from launchers.launch import launch
from launchers.local import LocalLauncher
from tests.trainer import packed, transform
from trainer import events, training, worker
from trainer.config import DistillationConfig, StrategyConfig, TrainingConfig, from_json, to_json
from trainer.errors import TaskError, UserError
from trainer.ingestion import Denominators
from trainer.job import RankRecord, TrainingJob
from trainer.task import TaskRef

COUNT, CLASSES, TEACHERS = 43, 3, 2
# 129 positions in 17 steps: the last batch holds one example, so one of two workers is given none.
TRAINING = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.02, seed=5)
STEPS, POSITIONS = 17, 129

SOURCE = """
import tensorflow as tf
import tf_keras

from trainer.randomness import uniform_integers
from trainer.task import Feature, Label, Task


def preprocessing_fn(inputs):
    return {"x": inputs["x"]}


def build(hyperparameters):
    if hyperparameters.get("nonsense"):
        return 5
    x = tf_keras.Input([4], name="x")
    hidden = tf_keras.layers.Dense(int(hyperparameters.get("units", 8)), activation="tanh")(x)
    return tf_keras.Model({"x": x}, tf_keras.layers.Dense(int(hyperparameters.get("outputs", 3)))(hidden))


def augment(inputs, seeds):
    # Large enough that an example with the seed of another would be noticed.
    moved = tf.cast(uniform_integers(seeds, -1, 2), tf.float32)
    return {"x": inputs["x"] + moved[:, tf.newaxis]}


TASK = Task(
    name="tiny",
    features=(Feature("x", shape=(4,)),),
    label=Label("colour", ("red", "green", "blue"), kind="text", visible_to_student="seen"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
    augment=augment,
)
"""


@dataclasses.dataclass(frozen=True)
class World:
    """What a job is given: the task, the transform graph, and the transformed examples, packed for each entry."""

    task: TaskRef
    graph: str
    examples: tuple[bytes, ...]
    folders: dict[str, str]

    def job(self, folder: Path, entry="teacher", **changes) -> TrainingJob:
        folder.mkdir()
        fields = {
            "entry": entry,
            "task": self.task,
            "examples_uri": self.folders[entry],
            "transform_graph_uri": self.graph,
            "model_uri": str(folder / "model"),
            "record_uri": str(folder),
            "strategy": StrategyConfig(name="one_device"),
            "training": TRAINING,
            "distillation": DistillationConfig(temperature=2.0, alpha=0.6) if entry == "student" else None,
        }
        return TrainingJob(**(fields | changes))

    def logits(self, job: TrainingJob) -> np.ndarray:
        """Of the exported model: float32 `[examples, members, classes]`."""
        loaded = tf.saved_model.load(job.model_uri)
        return loaded.signatures["transformed"](tf.constant(self.examples))["logits"].numpy()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    (folder / "tiny_task.py").write_text(SOURCE)
    task = TaskRef(module="tiny_task", search_path=str(folder))
    generator = np.random.default_rng(0)
    rows = [
        {
            "x": generator.standard_normal(4).astype(np.float32).tolist(),
            "colour": [] if number % 5 == 0 else [("red", "green", "blue")[generator.integers(CLASSES)]],
            "seen": int(number % 3 != 0),
        }
        for number in range(COUNT)
    ]
    spec = {
        "x": tf.io.FixedLenFeature([4], tf.float32),
        "colour": tf.io.VarLenFeature(tf.string),
        "seen": tf.io.FixedLenFeature([], tf.int64),
    }
    _, transformed = transform.analyze(task.load(), spec, rows, folder)
    examples = []
    for serialized in transformed:
        example = tf.train.Example.FromString(serialized)
        logits = 3 * generator.standard_normal(TEACHERS * CLASSES)
        example.features.feature["teacher_logits"].float_list.value.extend(logits)
        examples.append(example.SerializeToString())
    folders = {
        entry: packed.pack_all(folder / entry, examples, training.label_key(entry))
        for entry in ("teacher", "student")
    }
    return World(task, str(folder / "graph"), tuple(examples), folders)


def record(job, rank=0):
    return from_json(RankRecord, (Path(job.record_uri) / f"rank-{rank}.json").read_text())


@pytest.fixture(scope="module")
def ensemble(world, tmp_path_factory):
    """The finished job of two teachers."""
    job = world.job(tmp_path_factory.mktemp("ensemble") / "job", members=2)
    training.run(job)
    return job


def test_a_job_leaves_a_record_and_a_history(ensemble):
    left = record(ensemble)
    assert (left.role, left.rank, left.steps, left.examples) == ("chief", 0, 2 * STEPS, 2 * POSITIONS)
    history = json.loads((Path(ensemble.record_uri) / "history.json").read_text())
    assert history["parameters"] == 2 * ((4 + 1) * 8 + (8 + 1) * CLASSES)
    assert [[point["step"] for point in member] for member in history["members"]] == [[STEPS]] * 2
    assert all(0 < point["loss"] < 3 for member in history["members"] for point in member)


def test_each_member_is_the_model_of_its_own_seed(world, ensemble, tmp_path):
    both = world.logits(ensemble)
    assert both.shape == (COUNT, 2, CLASSES)
    assert np.abs(both[:, 0] - both[:, 1]).max() > 0.1
    for member in range(2):
        alone = world.job(
            tmp_path / str(member), training=dataclasses.replace(TRAINING, seed=TRAINING.seed + member)
        )
        training.run(alone)
        np.testing.assert_array_equal(world.logits(alone)[:, 0], both[:, member])


@pytest.fixture(scope="module")
def student(world, tmp_path_factory):
    """The finished job of a student."""
    job = world.job(tmp_path_factory.mktemp("student") / "job", "student")
    training.run(job)
    return job


def test_a_student_trained_again_is_the_same(world, student, tmp_path):
    again = world.job(tmp_path / "again", "student")
    training.run(again)
    assert world.logits(again).shape == (COUNT, 1, CLASSES)
    np.testing.assert_array_equal(world.logits(again), world.logits(student))


@pytest.mark.parametrize("change", [
    {"distillation": DistillationConfig(temperature=2.0, alpha=0.0)},
    {"distillation": DistillationConfig(temperature=2.0, alpha=1.0)},
    {"hyperparameters": {"units": 5}},
])  # fmt: skip
def test_a_student_is_trained_as_its_job_says(world, student, tmp_path, change):
    other = world.job(tmp_path / "other", "student", **change)
    training.run(other)
    assert np.abs(world.logits(other) - world.logits(student)).max() > 1e-2


def test_the_chief_tells_of_its_progress(world, tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    training.run(world.job(tmp_path / "job", members=2))
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(event["event"], event.get("member"), event.get("step")) for event in told] == [
        ("training", 0, STEPS),
        ("training", 1, STEPS),
        ("phase", None, None),
    ]


@pytest.mark.parametrize(("hyperparameters", "message"), [
    ({"outputs": 4}, r"task 'tiny' must end in logits \[batch, 3\], but ends in \(None, 4\)"),
    ({"nonsense": True}, r"task 'tiny' must build a tf_keras\.Model, but built a builtins\.int"),
])  # fmt: skip
def test_a_builder_that_breaks_the_contract_is_the_users_error(world, tmp_path, hyperparameters, message):
    with pytest.raises(TaskError, match=message):
        training.run(world.job(tmp_path / "job", hyperparameters=hyperparameters))


def test_a_worker_reports_the_users_error_and_ends_with_code_2(world, tmp_path, monkeypatch):
    job = world.job(tmp_path / "job", hyperparameters={"outputs": 4})
    file, failure = tmp_path / "job.json", tmp_path / "failure.json"
    file.write_text(to_json(job))
    monkeypatch.setenv("LIMBECK_FAILURE", str(failure))
    assert worker.main([str(file)]) == 2
    told = json.loads(failure.read_text())
    assert told["kind"] == "user"
    assert "must end in logits [batch, 3]" in told["message"]
    assert not Path(job.model_uri).exists()


def test_a_worker_that_is_done_ends_with_code_0(world, tmp_path, monkeypatch):
    job = world.job(tmp_path / "job", "student")
    file, failure = tmp_path / "job.json", tmp_path / "failure.json"
    file.write_text(to_json(job))
    monkeypatch.setenv("LIMBECK_FAILURE", str(failure))
    assert worker.main([str(file)]) == 0
    assert record(job).steps == STEPS
    assert not failure.exists()


def test_teachers_read_labels_and_students_what_they_may_see(world, tmp_path):
    logits = tf.constant([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    targets = {
        "label": tf.constant([0, 1], tf.int64),
        "student_label": tf.constant([-1, 1], tf.int64),
        "teacher_logits": tf.zeros([2, TEACHERS, CLASSES]),
    }
    first, second, uniform = -np.log(np.exp(2) / (np.exp(2) + 2)), np.log(3), np.full(3, 1 / 3)
    teacher = training.loss_of(world.job(tmp_path / "teacher"))
    np.testing.assert_allclose(teacher(logits, targets, Denominators(4.0, 2.0)), (first + second) / 2, rtol=1e-6)
    student = training.loss_of(
        world.job(tmp_path / "student", "student", distillation=DistillationConfig(temperature=1.0, alpha=0.25))
    )
    divergence = (uniform * (np.log(uniform) - np.array([2.0, 0, 0]) + np.log(np.exp(2) + 2))).sum()
    expected = 0.75 * second + 0.25 * divergence / 2
    np.testing.assert_allclose(student(logits, targets, Denominators(2.0, 1.0)), expected, rtol=1e-6)


def refusing_launcher():
    """Starts workers that cannot import what a training process shall not need."""
    refused = "tfx,apache_beam,kfp,keras,components,pipeline,kubeflow,cli"
    return LocalLauncher([sys.executable, str(Path(__file__).parent / "refusing.py"), refused, "train"])


@pytest.mark.processes
@pytest.mark.parametrize(("entry", "members"), [("teacher", 2), ("student", 1)])
def test_two_workers_train_the_same_models_as_one_device(world, tmp_path, entry, members):
    alone = world.job(tmp_path / "alone", entry, members=members)
    shared = world.job(tmp_path / "shared", entry, members=members, strategy=StrategyConfig(workers=2))
    training.run(alone)
    records = refusing_launcher().launch(shared, Cluster.of(shared.strategy))
    assert [(one.role, one.rank, one.steps) for one in records] == [
        ("chief", 0, members * STEPS),
        ("worker", 1, members * STEPS),
    ]
    # The last batch holds one example: the second worker's.
    halves = members * (POSITIONS - 1) // 2
    assert [one.examples for one in records] == [halves, halves + members]
    assert record(alone).examples == members * POSITIONS
    difference = np.abs(world.logits(alone) - world.logits(shared)).max()
    assert difference <= 1e-5, difference


@pytest.mark.processes
def test_a_process_of_its_own_trains_the_same_model_as_this_one(world, ensemble, tmp_path):
    job = world.job(tmp_path / "job", members=2)
    (only,) = refusing_launcher().launch(job, Cluster.of(job.strategy))
    assert only.examples == 2 * POSITIONS
    np.testing.assert_allclose(world.logits(job), world.logits(ensemble), rtol=0, atol=1e-5)


@pytest.mark.processes
def test_a_user_error_in_the_task_comes_out_of_launch_with_its_message(world, tmp_path):
    job = world.job(tmp_path / "job", strategy=StrategyConfig(workers=2), hyperparameters={"outputs": 4})
    with pytest.raises(UserError, match=r"task 'tiny' must end in logits \[batch, 3\], but ends in \(None, 4\)$"):
        launch(job, Cluster.of(job.strategy))
