"""A student is trained beside its teacher: the teacher stays what it was, and nothing of it is saved."""

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
from tests.trainer.session import hinted
from tests.trainer.world import STEPS, TRAINING, weights

pytestmark = pytest.mark.long

# What does not depend on the number of replicas.
LAYERS = DistillationConfig(
    temperature=2.0, alpha=0.6, hint_weight=1.0, hidden_cosine_weight=0.5, attention_weight=0.5
)
# With all that is drawn, and all that changes from step to step.
RELATIONS = dataclasses.replace(
    LAYERS,
    alpha=1.0,
    inputs="mixup",
    temperature_end=1.0,
    relational_distance_weight=1.0,
    relational_angle_weight=2.0,
)
MIXED = dataclasses.replace(LAYERS, alpha=1.0, inputs="mixup")


def of(attribute):
    return TaskRef(module=hinted.__name__, attribute=attribute)


@pytest.fixture(scope="module")
def teacher(world, tmp_path_factory):
    job = world.job(tmp_path_factory.mktemp("teachers") / "job", task=of("TASK"), members=2)
    training.run(job)
    return job


def job_of(world, folder, teacher, attribute="TASK", **changes):
    fields = {
        "task": of(attribute),
        "teacher_uri": teacher.model_uri,
        "teacher_hyperparameters": teacher.hyperparameters,
        "distillation": RELATIONS,
    }
    return world.job(folder, "student", **(fields | changes))


@pytest.fixture(scope="module")
def student(world, teacher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    job = job_of(
        world,
        folder / "job",
        teacher,
        checkpoint=CheckpointConfig(steps=5, keep=9),
        checkpoint_uri=str(folder / "checkpoints"),
    )
    before = [one.numpy() for one in tf.saved_model.load(teacher.model_uri).weights[0]]
    training.run(job)
    after = [one.numpy() for one in tf.saved_model.load(teacher.model_uri).weights[0]]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    return job


def test_projections_are_in_checkpoints_and_the_teacher_is_nowhere(student):
    state = checkpoint.latest(checkpoint.folder_of(student.checkpoint_uri, 0))
    shapes = [array.shape for name, array in sorted(state.arrays.items()) if name.startswith("weights/")]
    own = [(2, 4), (4,), (4, 4), (4,), (4, 3), (3,)]
    assert shapes == [*own, (4, 7), (4, 7)]
    assert [one.shape for one in weights(student)] == own
    stored = tf.train.list_variables(f"{student.model_uri}/variables/variables")
    assert sorted(tuple(shape) for name, shape in stored if name != "_CHECKPOINTABLE_OBJECT_GRAPH") == sorted(own)


def test_a_resumed_student_is_the_same_to_the_bit(world, tmp_path, teacher, student):
    folder = Path(checkpoint.folder_of(student.checkpoint_uri, 0))
    for step in (10, 15, STEPS):
        (folder / f"step-{step:08d}.json").unlink()
    kept = {"checkpoint": student.checkpoint, "checkpoint_uri": student.checkpoint_uri}
    resumed = job_of(world, tmp_path / "resumed", teacher, **kept)
    training.run(resumed)
    for one, other in zip(weights(student), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.processes
def test_two_workers_train_as_one(world, tmp_path, teacher):
    # The pooling of the student fails without any example, so no last batch of a single one.
    common = {"distillation": MIXED, "training": dataclasses.replace(TRAINING, epochs=2)}
    alone = job_of(world, tmp_path / "alone", teacher, **common)
    training.run(alone)
    spread = job_of(world, tmp_path / "spread", teacher, **common, strategy=StrategyConfig(workers=2))
    launch(spread, Cluster.of(spread.strategy))
    for one, other in zip(weights(alone), weights(spread), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_mistake_is_told_before_the_first_teacher_is_trained(world, tmp_path):
    planned = PlannedStudent(distillation=LAYERS)
    job = world.job(tmp_path / "job", task=of("MISSPELT"), planned_student=planned)
    with pytest.raises(TaskError, match=r"the student of task 'hinted' has no layer 'own_2'\. .*own_0"):
        training.run(job)
    assert not (tmp_path / "job" / "tensorboard").exists()


def test_weights_of_layers_without_hints_or_teacher_are_refused(world, tmp_path, teacher):
    with pytest.raises(ConfigError, match=r"hint_weight compares layers, but task 'hinted' does not say which"):
        training.run(job_of(world, tmp_path / "a", teacher, "WITHOUT"))
    augmented = DistillationConfig(inputs="augmented")
    with pytest.raises(ConfigError, match=r"augmented takes the task's augment, and task 'hinted' has none"):
        training.run(job_of(world, tmp_path / "c", teacher, distillation=augmented))
    with pytest.raises(ConfigError, match="the training of the student has no teacher: give it"):
        training.run(job_of(world, tmp_path / "b", teacher, teacher_uri=None))
