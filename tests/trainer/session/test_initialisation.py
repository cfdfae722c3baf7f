"""A student begins with weights of its trained teacher, in every process, and after a restart as before."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError, TaskError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.recovery import checkpoint
from limbeck.trainer.recovery.job_digest import job_digest
from tests.trainer.session import initialised
from tests.trainer.world import STEPS, TRAINING, weights

pytestmark = pytest.mark.long

# Steps that move no weight, so what is exported is what training began with.
STILL = dataclasses.replace(TRAINING, learning_rate=1e-30)


def of(attribute):
    return TaskRef(module=initialised.__name__, attribute=attribute)


@pytest.fixture(scope="module", params=["TASK", "VOCABULARY"])
def taught(request, world, tmp_path_factory):
    """Trains two teachers of a task. Returns the name of the task, and the job."""
    job = world.job(tmp_path_factory.mktemp("teachers") / "job", task=of(request.param), members=2)
    training.run(job)
    return request.param, job


@pytest.fixture(scope="module")
def teachers(world, tmp_path_factory):
    job = world.job(tmp_path_factory.mktemp("wide") / "job", task=of("TASK"), hyperparameters={"units": 5})
    training.run(job)
    return job


def student(world, folder, teachers, attribute="TASK", **changes):
    fields = {
        "task": of(attribute),
        "teacher_uri": teachers.model_uri,
        "teacher_hyperparameters": teachers.hyperparameters,
        "hyperparameters": teachers.hyperparameters,
        "training": STILL,
    }
    return world.job(folder, "student", **(fields | changes))


def values(job):
    """Returns the weights of each member of the exported model, without vocabularies."""
    members = tf.saved_model.load(job.model_uri).weights
    return [[one.numpy() for one in member if hasattr(one, "numpy")] for member in members]


def assert_begun_alike(ones, others):
    """Compares what training began with. A bias that began with 0 has moved by about the learning rate, 1e-30."""
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-25)


def test_a_student_begins_with_every_second_layer_of_the_first_teacher(world, tmp_path, taught):
    attribute, teachers = taught
    job = student(world, tmp_path / "job", teachers, attribute)
    training.run(job)
    (first, second), (found,) = values(teachers), values(job)
    if attribute == "VOCABULARY":
        # Scale and shift of the batch normalisation, whose statistics move without a learning rate, and the last layer.
        places = {0: 0, 1: 1, 4: 4, 5: 5}
    else:
        # Kernel and bias of the dense layers 0, 1, 2, and of the last one, after the batch normalisation.
        places = {0: 0, 1: 1, 2: 4, 3: 5, 4: 8, 5: 9, 10: 14, 11: 15}
    assert_begun_alike([found[place] for place in places], [first[place] for place in places.values()])
    assert np.abs(first[0] - second[0]).max() > 1e-3


@pytest.mark.parametrize("targets", ["labels", "pseudo_labels"])
def test_controls_begin_with_the_same_weights(world, tmp_path, teachers, targets):
    job = student(world, tmp_path / "student", teachers)
    control = student(world, tmp_path / "control", teachers, targets=targets)
    for one in (job, control):
        training.run(one)
    assert_begun_alike(values(job)[0], values(control)[0])


@pytest.mark.processes
@pytest.mark.parametrize(
    "strategy", [StrategyConfig(name="mirrored", logical_devices=2), StrategyConfig(workers=2)]
)
def test_every_process_begins_with_the_same_weights(world, tmp_path, teachers, strategy):
    alone = student(world, tmp_path / "alone", teachers, "NOISY")
    training.run(alone)
    spread = student(world, tmp_path / "spread", teachers, "NOISY", strategy=strategy)
    launch(spread, Cluster.of(spread.strategy))
    # Without the statistics of the batch normalisation: each replica has its own.
    one, other = (np.delete(np.array(values(job)[0], object), [8, 9]) for job in (alone, spread))
    assert_begun_alike(one, other)


def test_a_resumed_student_is_the_same_to_the_bit(world, tmp_path, teachers):
    changing = DistillationConfig(
        temperature=5.0, temperature_end=1.0, alpha=1.0, alpha_end=0.3, schedule="cosine"
    )
    kept = {
        "training": TRAINING,
        "distillation": changing,
        "checkpoint": CheckpointConfig(steps=5, keep=9),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
    }
    whole = student(world, tmp_path / "whole", teachers, "NOISY", **kept)
    training.run(whole)
    for step in (10, 15, STEPS):
        (Path(checkpoint.folder_of(whole.checkpoint_uri, 0)) / f"step-{step:08d}.json").unlink()
    resumed = student(world, tmp_path / "resumed", teachers, "NOISY", **kept)
    training.run(resumed)
    fresh = student(world, tmp_path / "fresh", teachers, "NOISY", training=TRAINING, distillation=changing)
    training.run(fresh)
    for job in (resumed, fresh):
        for one, other in zip(weights(whole), weights(job), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_teacher_is_part_of_what_determines_a_job(world, tmp_path, teachers):
    other = world.job(tmp_path / "other", task=of("TASK"), hyperparameters={"units": 5}, training=STILL)
    training.run(other)
    digests = [job_digest(student(world, tmp_path / name, one)) for name, one in (("a", teachers), ("b", other))]
    assert digests[0] != digests[1]


MISTAKES = [
    ("RAISING", r"initialise_student of task 'initialised' fails:\n(?s:.*)initialised\.py(?s:.*)layer_9"),
    ("FREEZING", r"must only set weights, but it froze, released or added some.*freeze layers in build_student"),
    ("IDLE", r"changed no weight of the student"),
    ("BREAKING", r"made weights of the student that are not finite"),
]


@pytest.mark.parametrize(("attribute", "rule"), MISTAKES)
def test_a_mistake_is_told_before_the_first_teacher_is_trained(world, tmp_path, attribute, rule):
    job = world.job(tmp_path / "job", task=of(attribute), planned_student=PlannedStudent())
    with pytest.raises(TaskError, match=rule):
        training.run(job)
    assert not (tmp_path / "job" / "tensorboard").exists()


def test_a_student_without_its_teacher_is_refused(world, tmp_path, teachers):
    with pytest.raises(
        ConfigError, match="has initialise_student, but the training of the student has no teacher"
    ):
        training.run(student(world, tmp_path / "job", teachers, teacher_uri=None))


def test_a_teacher_of_other_hyperparameters_is_refused(world, tmp_path, teachers):
    with pytest.raises(
        ConfigError, match=r"is not the one that build_teacher builds: weight 0 has shape \[4, 7\] and"
    ):
        training.run(student(world, tmp_path / "job", teachers, teacher_hyperparameters={"units": 7}))


def test_only_a_student_has_a_teacher(world, tmp_path, teachers):
    with pytest.raises(ConfigError, match="only a job of a student has a teacher_uri"):
        world.job(tmp_path / "job", teacher_uri=teachers.model_uri)
