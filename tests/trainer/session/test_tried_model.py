"""A teacher in stages is tried before its training without memory for all of it, and refused as any other."""

import dataclasses

import pytest

from limbeck.errors import TaskError
from limbeck.reference import TaskRef
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer import training
from limbeck.trainer.session import inputs, preflight
from tests.trainer.session import deep, mistakes
from tests.trainer.tensor_memory import counting
from tests.trainer.world import TRAINING

STAGES = PipeliningConfig(stages=2, micro_batches=4)


def try_(job):
    """Tries a job in stages, on the one device of this process."""
    session = training.join_job(dataclasses.replace(job, pipelining=PipeliningConfig()))
    preflight.check(dataclasses.replace(session, job=job), inputs.order_of(session, 0))


def peak_of_trial(used, job):
    try_(job)
    return used("peak")


@pytest.mark.parametrize("schedule", ["1f1b", "2bw"])
def test_a_teacher_is_tried_with_the_memory_of_a_block(world, tmp_path, schedule):
    """As a whole it has 12 MiB, built twice, and its slots of Adam are as much again."""
    task = TaskRef(module=deep.__name__)
    stages = dataclasses.replace(STAGES, schedule=schedule)
    job = world.job(tmp_path / "job", task=task, pipelining=stages, hyperparameters={"layers": 12})
    assert counting(peak_of_trial, job) < 4 * deep.MEGABYTES_A_LAYER


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        (
            "GATHERING",
            r"the teacher of task 'mistaken' fails on the first batch:\n(?s:.*) in call\n(?s:.*)9 is not in",
        ),
        ("LAMBDA", "must end in logits, but its outputs are never negative and sum to 1 .*Lambda"),
        ("STOCK_DROPOUT", r"draw other random numbers each time: stock\. Take limbeck.layers.dropout"),
        ("PROBABLE", "cannot be cut: it is a subclass of tf_keras.Model"),
    ],
)
def test_a_mistake_is_told_as_without_stages(world, tmp_path, attribute, told):
    job = world.job(
        tmp_path / "job",
        task=TaskRef(module=mistakes.__name__, attribute=attribute),
        pipelining=STAGES,
        training=dataclasses.replace(TRAINING, recompute="all"),
    )
    with pytest.raises(TaskError, match=told):
        try_(job)
