"""A student that cannot be compressed is told before the first teacher is trained."""

import dataclasses
import json

import numpy as np
import pytest

from limbeck import events
from limbeck.errors import ConfigError, TaskError
from limbeck.reference import TaskRef
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.planned_student import PlannedStudent
from limbeck.trainer import training
from tests.trainer import world as worlds
from tests.trainer.compression import uncompressible

pytestmark = [pytest.mark.processes, pytest.mark.long]


def planned(world, folder, attribute, recipe):
    """Returns the job of a teacher whose student will be compressed."""
    return world.job(
        folder,
        task=TaskRef(module=uncompressible.__name__, attribute=attribute),
        planned_student=PlannedStudent(),
        planned_compression=CompressionConfig(recipe),
    )


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The file of events."""
    path = tmp_path / "events.jsonl"
    path.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return path


@pytest.mark.parametrize(
    ("attribute", "recipe", "rule"),
    [
        ("TEXTS", "float16", r"LiteRT has no operator for .*(AsString|StringToHashBucketFast).*preprocessing_fn"),
        ("OPERATOR", "int8", r"LiteRT has no operator for .*BesselI0e"),
        ("OPERATOR", "pruning", r"LiteRT has no operator for .*BesselI0e"),
        ("MIXING", "pqat", r"cannot be pruned: none of its layers .*Mixing.* can be.* or set compression\.recipe"),
        ("MIXING", "quantisation_aware", r"cannot be trained with quantisation: none of its layers"),
        # What only tensorflow-model-optimization notices.
        (
            "LAMBDA",
            "quantisation_aware",
            r"(?s)by recipe 'quantisation_aware': build it .*\n.*Error: .* Lambda layer",
        ),
        ("SUBCLASS", "clustering", r"cannot be clustered: it is a subclass of tf_keras\.Model"),
    ],
)
def test_no_teacher_is_trained_for_a_student_that_cannot_be_compressed(told, world, attribute, recipe, rule):
    job = planned(world, told.parent / "job", attribute, recipe)
    with pytest.raises(TaskError, match=rule) as caught:
        training.run(job)
    assert str(caught.value).startswith("the student of task 'mistaken' cannot")
    assert "training" not in [json.loads(line)["event"] for line in told.read_text().splitlines()]
    assert not (told.parent / "job" / "model").exists()


def test_a_student_is_not_trained_either_if_its_teachers_came_from_the_cache(world, tmp_path, monkeypatch):
    monkeypatch.setattr(training.generations, "train", lambda *_: pytest.fail("trained"))
    job = world.job(
        tmp_path / "job",
        "student",
        task=TaskRef(module=uncompressible.__name__, attribute="SUBCLASS"),
        planned_compression=CompressionConfig("pqat"),
    )
    with pytest.raises(TaskError, match="cannot be pruned: it is a subclass"):
        training.run(job)


def test_a_student_that_is_tried_changes_no_teacher(world, tmp_path):
    """Neither new weights of a student nor the random beginning of its clusters moves what comes after."""
    plain = planned(world, tmp_path / "plain", "GOOD", "pcqat")
    plain = dataclasses.replace(plain, planned_student=None, planned_compression=None)
    tried = planned(world, tmp_path / "tried", "GOOD", "pcqat")
    for job in (plain, tried):
        training.run(job)
    for one, other in zip(worlds.weights(plain), worlds.weights(tried), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_job_of_teachers_tries_the_compression_of_a_student_that_it_knows(world, tmp_path):
    with pytest.raises(ConfigError, match="only for a planned_student"):
        world.job(tmp_path / "job", planned_compression=CompressionConfig("int8"))
