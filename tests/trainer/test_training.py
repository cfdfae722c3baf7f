import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck import events
from limbeck.errors import TaskError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer import training, worker
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation.targets import label_key, loss_of
from limbeck.trainer.job import FURTHER_MODELS
from tests.trainer.world import (
    CLASSES,
    COUNT,
    POSITIONS,
    STEPS,
    TEACHERS,
    TRAINING,
    edited,
    pack,
    random_logits,
    values_of,
    weights,
)

pytestmark = pytest.mark.long


def record(job, rank=0):
    return from_json(RankRecord, (Path(job.record_uri) / f"rank-{rank}.json").read_text())


@pytest.fixture(scope="module")
def ensemble(world, tmp_path_factory):
    """Returns the finished job of two teachers."""
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


def test_each_member_is_trained_with_its_own_seed(world, ensemble, tmp_path):
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
    """Returns the finished job of a student."""
    job = world.job(tmp_path_factory.mktemp("student") / "job", "student")
    training.run(job)
    return job


def test_a_student_trained_again_is_the_same(world, student, tmp_path):
    again = world.job(tmp_path / "again", "student")
    training.run(again)
    assert world.logits(again).shape == (COUNT, 1, CLASSES)
    np.testing.assert_array_equal(world.logits(again), world.logits(student))


def test_students_of_several_seeds_are_no_ensemble(world, student, tmp_path):
    """The first is exported as if it were alone; the second is beside the record, for its answers."""
    job = world.job(tmp_path / "job", "student", members=2, separate=True)
    training.run(job)
    further = dataclasses.replace(job, model_uri=f"{job.record_uri}/{FURTHER_MODELS}")
    second = world.job(
        tmp_path / "second", "student", training=dataclasses.replace(TRAINING, seed=TRAINING.seed + 1)
    )
    training.run(second)

    np.testing.assert_array_equal(world.logits(job), world.logits(student))
    np.testing.assert_array_equal(world.logits(further), world.logits(second))
    assert np.abs(world.logits(second) - world.logits(student)).max() > 1e-3
    ours, alone = (json.loads((Path(one.record_uri) / "history.json").read_text()) for one in (job, student))
    assert ours["parameters"] == alone["parameters"]
    assert [len(one["members"]) for one in (ours, alone)] == [2, 1]


@pytest.mark.parametrize("change", [
    {"targets": "labels"},
    {"targets": "pseudo_labels"},
    {"distillation": DistillationConfig(temperature=2.0, alpha=0.0)},
    {"distillation": DistillationConfig(temperature=2.0, alpha=1.0)},
    {"hyperparameters": {"units": 5}},
])  # fmt: skip
def test_a_student_is_trained_as_its_job_says(world, student, tmp_path, change):
    other = world.job(tmp_path / "other", "student", **change)
    training.run(other)
    assert np.abs(world.logits(other) - world.logits(student)).max() > 1e-2


def test_pseudo_labels_are_labels_that_the_teachers_give(world, tmp_path):
    probabilities = np.exp(random_logits()) / np.exp(random_logits()).sum(axis=-1, keepdims=True)
    answers = probabilities.mean(axis=1).argmax(axis=-1).tolist()
    labelled = [edited(one, student_label=[answer]) for one, answer in zip(world.examples, answers, strict=True)]
    assert answers != [values_of(one, "student_label")[0] for one in world.examples]
    jobs = (
        world.job(tmp_path / "pseudo", "student", targets="pseudo_labels"),
        world.job(
            tmp_path / "labels", "student", targets="labels", examples_uri=pack(tmp_path / "packed", labelled)
        ),
    )
    for job in jobs:
        training.run(job)
    for one, other in zip(*map(weights, jobs), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("entry", ["teacher", "student"])
def test_a_task_may_bring_an_optimizer_of_its_own(world, tmp_path, entry):
    # One step on all examples.
    once = TrainingConfig(epochs=1, batch_size=COUNT, learning_rate=0.25, seed=3)
    job = world.job(tmp_path / "job", entry, targets="labels", task=world.variant("SGD"), training=once)
    training.run(job)

    tf_keras.utils.set_random_seed(3)
    model = world.task.load().build_student({})
    labels = np.array([values_of(one, label_key(entry))[0] for one in world.examples])
    x = np.array([values_of(one, "x") for one in world.examples], np.float32)[labels >= 0]
    with tf.GradientTape() as tape:
        losses = tf_keras.losses.sparse_categorical_crossentropy(labels[labels >= 0], model({"x": x}), True)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.variables)
    for trained, initial, gradient in zip(weights(job), model.get_weights(), gradients, strict=True):
        np.testing.assert_allclose(trained, initial - 0.25 * gradient.numpy(), rtol=0, atol=1e-6)
        assert np.abs(gradient).max() > 1e-3


def test_anything_but_an_optimizer_is_the_users_error(world, tmp_path):
    with pytest.raises(
        TaskError, match=r"task 'tiny' must build a tf_keras\.optimizers\.Optimizer, but built a builtins\.str$"
    ):
        training.run(world.job(tmp_path / "job", task=world.variant("MISTAKEN")))


def test_the_chief_reports_its_progress(world, tmp_path, monkeypatch):
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
    objective = world.task.load().objective
    teacher = loss_of(world.job(tmp_path / "teacher"), objective)
    np.testing.assert_allclose(teacher(logits, targets, Denominators(4.0, 2.0)), (first + second) / 2, rtol=1e-6)
    student = loss_of(
        world.job(tmp_path / "student", "student", distillation=DistillationConfig(temperature=1.0, alpha=0.25)),
        objective,
    )
    divergence = (uniform * (np.log(uniform) - np.array([2.0, 0, 0]) + np.log(np.exp(2) + 2))).sum()
    expected = 0.75 * second + 0.25 * divergence / 2
    np.testing.assert_allclose(student(logits, targets, Denominators(2.0, 1.0)), expected, rtol=1e-6)


def refusing_launcher():
    """Returns a launcher whose workers cannot import the packages that a training process must not need."""
    refused = "tfx,apache_beam,kfp,keras,components,pipeline,kubeflow,cli"
    return LocalLauncher(
        [sys.executable, str(Path(__file__).parent / "serving" / "refusing.py"), refused, "train"]
    )


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
    # The last batch holds one example, and the second worker has it.
    halves = members * (POSITIONS - 1) // 2
    assert [one.examples for one in records] == [halves, halves + members]
    assert record(alone).examples == members * POSITIONS
    difference = np.abs(world.logits(alone) - world.logits(shared)).max()
    assert difference <= 1e-5, difference


@pytest.mark.processes
def test_another_process_trains_the_same_model_as_this_one(world, ensemble, tmp_path):
    job = world.job(tmp_path / "job", members=2)
    (only,) = refusing_launcher().launch(job, Cluster.of(job.strategy))
    assert only.examples == 2 * POSITIONS
    np.testing.assert_allclose(world.logits(job), world.logits(ensemble), rtol=0, atol=1e-5)


@pytest.mark.processes
def test_a_user_error_in_the_task_comes_out_of_launch_with_its_message(world, tmp_path):
    job = world.job(tmp_path / "job", strategy=StrategyConfig(workers=2), hyperparameters={"outputs": 4})
    with pytest.raises(
        UserError,
        match=r"task 'tiny' must end in logits \[batch, 3\], but ends in \(None, 4\): let its last layer have 3 units$",
    ):
        launch(job, Cluster.of(job.strategy))
