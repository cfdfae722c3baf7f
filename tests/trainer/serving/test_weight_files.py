"""A model is exported from a sketch and files of weights, and is the model that is exported from memory."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import given
from hypothesis import strategies as st

from limbeck.errors import TaskError
from limbeck.reference import TaskRef
from limbeck.trainer import training
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.serving.weight_files import WeightFiles, parts_of
from limbeck.trainer.session import finish, saved_weights
from limbeck.trainer.session.models import build_model
from tests.trainer.session import deep
from tests.trainer.tensor_memory import counting
from tests.trainer.world import weights

LAYERS = 12


@given(st.lists(st.integers(0, 50), max_size=30))
def test_parts_are_all_in_order_and_none_is_larger_than_the_largest(sizes):
    found = parts_of(sizes)
    assert [number for begin, end in found for number in range(begin, end)] == list(range(len(sizes)))
    assert all(begin < end and sum(sizes[begin:end]) <= max(sizes) for begin, end in found)
    # None could have taken the first of the next part, too.
    assert all(sum(sizes[begin : end + 1]) > max(sizes) for begin, end in found[:-1])


def test_equal_sizes_are_parts_of_their_own():
    assert parts_of([4, 1, 3, 4, 4, 2, 2, 1]) == [(0, 1), (1, 3), (3, 4), (4, 5), (5, 7), (7, 8)]


def test_two_members_are_exported_with_the_memory_of_a_layer(world, tmp_path):
    assert counting(peak_of_export, world, tmp_path) < 3 * deep.MEGABYTES_A_LAYER


def peak_of_export(used, world, tmp_path):
    task = TaskRef(module=deep.__name__)
    jobs = [
        world.job(tmp_path / name, task=task, members=2, hyperparameters={"layers": LAYERS})
        for name in ("sketched", "plain")
    ]
    sessions = [training.join_job(job) for job in jobs]
    tf_keras.utils.set_random_seed(3)
    trained = [build_model(sessions[0]) for _ in range(2)]
    parts = tmp_path / "parts"
    parts.mkdir()
    files = WeightFiles(parts)
    used.begin()
    copies = [finish.sketched_copy(sessions[0], one, files) for one in trained]
    finish.export(sessions[0], copies, [Fitted()] * 2, files)
    peak = used("peak")
    assert not list(parts.iterdir())
    plain = [finish.plain_copy(sessions[1], one.get_weights()) for one in trained]
    finish.export(sessions[1], plain, [Fitted()] * 2)
    wanted = [one for model in trained for one in model.get_weights()]
    for one, other in zip(weights(jobs[0]), wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(*(world.logits(job) for job in jobs))
    contents = [dict(tf.train.list_variables(f"{job.model_uri}/variables/variables")) for job in jobs]
    assert contents[0] == contents[1]
    # One index, and files of data: nothing else was left.
    kinds = [path.name.split("-")[0] for path in sorted((Path(jobs[0].model_uri) / "variables").iterdir())]
    assert kinds.count("variables.index") == 1 and set(kinds) == {"variables.index", "variables.data"}
    assert saved_weights.members(jobs[0].model_uri) == 2
    again = build_model(sessions[0])
    saved_weights.load(again, jobs[0].model_uri, "the teacher", "build_teacher", 1)
    for one, other in zip(again.get_weights(), trained[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    return peak


def test_another_model_is_refused(world, tmp_path):
    task = TaskRef(module=deep.__name__)
    job = world.job(tmp_path / "job", task=task, hyperparameters={"layers": 1})
    other = world.job(tmp_path / "other", task=task, hyperparameters={"layers": 2})
    trained = build_model(training.join_job(other))
    with pytest.raises(TaskError, match="must be the same model each time that it is built"):
        finish.sketched_copy(training.join_job(job), trained, WeightFiles(tmp_path))
