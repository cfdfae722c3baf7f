"""A mistake in a task is reported at once, with the task's own lines, and nothing is started again."""

import dataclasses
import json
import re

import pytest
import tensorflow as tf

from limbeck import events
from limbeck.errors import TaskError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.reference import TaskRef
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from tests.trainer import transform
from tests.trainer.session import mistakes
from tests.trainer.world import TRAINING

pytestmark = pytest.mark.long

MODULE = mistakes.__name__


def of(attribute):
    return TaskRef(module=MODULE, attribute=attribute)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Returns a function that returns the events so far."""
    path = tmp_path / "events.jsonl"
    path.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


def assert_own_frames_alone(message, function):
    frames = re.findall(r'File "([^"]+)", line \d+, in (\S+)', message)
    assert {file.rpartition("/")[2] for file, _ in frames} == {"mistakes.py"}
    assert function in [name for _, name in frames]


@dataclasses.dataclass(frozen=True)
class Told:
    """The beginning of a message, the function of the task that it shows, and its text about the exception."""

    rule: str
    function: str
    reason: str


MISTAKES = {
    "BUILDER": Told("task 'mistaken' cannot build its teacher:", "raising_builder", "KeyError: 'width'"),
    "OPTIMIZER": Told(
        "task 'mistaken' cannot build its optimizer:", "raising_optimizer", "TypeError: unsupported"
    ),
    "AUGMENT": Told(
        "augment of task 'mistaken' fails on the first batch:", "raising_augment", "Error: augment cannot"
    ),
    "GATHERING": Told("the teacher of task 'mistaken' fails on the first batch:", "call", "9 is not in [0, 2)"),
    "UPDATE": Told(
        "a training step of the teacher of task 'mistaken' fails:", "update_step", "Error: no such update"
    ),
    "SEVENTH": Told(
        "training the teacher of task 'mistaken' fails after step 0:", "count", "Error: seven is too many"
    ),
}


@pytest.mark.parametrize("attribute", MISTAKES)
def test_an_exception_of_the_task_is_reported_with_its_own_frames(world, tmp_path, attribute):
    expected = MISTAKES[attribute]
    with pytest.raises(TaskError) as caught:
        training.run(world.job(tmp_path / "job", task=of(attribute)))
    message = str(caught.value)
    assert message.startswith(expected.rule), message
    assert expected.reason in message
    assert_own_frames_alone(message, expected.function)
    assert not (tmp_path / "job" / "history.json").exists()


def test_an_augmentation_that_renames_an_input_is_the_users_error(world, tmp_path):
    with pytest.raises(
        TaskError, match=r"augment of task 'mistaken' must return the inputs \['x'\].*received \['y'\]"
    ):
        training.run(world.job(tmp_path / "job", task=of("RENAMING")))


@pytest.mark.parametrize("attribute", ["PROBABLE", "LAMBDA"])
def test_outputs_that_are_probabilities_are_refused_wherever_the_softmax_is(world, tmp_path, attribute):
    with pytest.raises(
        TaskError, match=r"must end in logits, but its outputs are never negative and sum to 1 .*Lambda"
    ):
        training.run(world.job(tmp_path / "job", task=of(attribute)))


def test_recomputation_of_a_layer_that_would_drop_others_is_refused(world, tmp_path):
    job = world.job(
        tmp_path / "job", task=of("STOCK_DROPOUT"), training=dataclasses.replace(TRAINING, recompute="all")
    )
    with pytest.raises(
        TaskError, match=r"draw other random numbers each time: stock\. Take limbeck.layers.dropout"
    ):
        training.run(job)


@pytest.mark.parametrize(("attribute", "made"), [("DOUBLING", 16), ("DROPPING", 7)])
def test_an_augmentation_that_changes_the_number_of_examples_is_told(world, tmp_path, attribute, made):
    with pytest.raises(
        TaskError,
        match=rf"augment of task 'mistaken' must keep the number of examples.*given 8, and returns {made} of 'x'",
    ):
        training.run(world.job(tmp_path / "job", task=of(attribute)))


def test_an_exception_of_preprocessing_is_reported_with_its_own_frames(tmp_path):
    spec = {
        "x": tf.io.FixedLenFeature([4], tf.float32),
        "colour": tf.io.FixedLenFeature([], tf.string),
        "seen": tf.io.FixedLenFeature([], tf.int64),
    }
    with pytest.raises(TaskError) as caught:
        transform.analyze(mistakes.PREPROCESSING, spec, [{"x": [0.0] * 4, "colour": "red", "seen": 1}], tmp_path)
    message = str(caught.value)
    assert message.startswith("preprocessing_fn of task 'mistaken' fails:"), message
    assert message.endswith("KeyError: 'xx'")
    assert_own_frames_alone(message, "raising_preprocessing")


@pytest.mark.processes
@pytest.mark.parametrize("workers", [1, 2])
def test_no_process_is_started_again_after_a_mistake_in_mid_training(world, tmp_path, told, workers):
    strategy = StrategyConfig(name="one_device") if workers == 1 else StrategyConfig(workers=2)
    job = world.job(tmp_path / "job", task=of("SEVENTH"), strategy=strategy)
    with pytest.raises(UserError, match=r"fails after step 0:\n(?s:.*)ValueError: seven is too many") as caught:
        launch(job, Cluster.of(job.strategy))
    assert_own_frames_alone(str(caught.value), "count")
    assert [event for event in told() if event["event"] == "restarting"] == []
