"""The metrics of a task equal NumPy's figures of the exported model, and are refused before training if they cannot."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError, TaskError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.reference import TaskRef
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.recovery import checkpoint
from tests.trainer.session import metered
from tests.trainer.world import COUNT, TRAINING, pack, values_of

pytestmark = pytest.mark.long

NAMES = {"log_loss", "accuracy", "top_2", "largest_logit", "cross_entropy", "undefined"}


def metered_job(world, folder, attribute="TASK", **changes):
    """Returns a job whose validation split has 21 examples, in batches of 8; some have no label."""
    return world.job(
        folder,
        task=TaskRef(module=metered.__name__, attribute=attribute),
        validation_uri=pack(folder.with_suffix(".packed"), world.examples[:21], "teacher"),
        **changes,
    )


def validations(job):
    points = json.loads((Path(job.record_uri) / "history.json").read_text())["members"][0]
    return [(point["step"], point["validation"]) for point in points if point["validation"]]


def by_numpy(world, job):
    """Returns the metrics of the exported model on the labelled examples of the validation split."""
    logits = world.logits(job, world.examples[:21])[:, 0].astype(float)
    labels = np.array([values_of(one, "label")[0] for one in world.examples[:21]])
    known = labels >= 0
    assert 0 < known.sum() < len(known)
    logits, labels = logits[known], labels[known]
    better = (logits > logits[np.arange(len(labels)), labels][:, np.newaxis]).sum(axis=1)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return {
        "top_2": (better < 2).mean(),
        "largest_logit": logits.max(),
        "cross_entropy": -logs[np.arange(len(labels)), labels].mean(),
    }


def assert_equal(found, expected):
    assert set(found["metrics"]) == NAMES
    # It is not finite, and JSON has no such number.
    assert found["metrics"]["undefined"] is None
    for name, value in expected.items():
        np.testing.assert_allclose(found["metrics"][name], value, rtol=1e-5, err_msg=name)


def test_metrics_are_those_of_the_model_at_the_end_of_each_epoch(world, tmp_path):
    job = metered_job(world, tmp_path / "job")
    training.run(job)
    found = validations(job)
    assert [step for step, _ in found] == [-(-COUNT * epoch // TRAINING.batch_size) for epoch in (1, 2, 3)]
    assert_equal(found[-1][1], by_numpy(world, job))
    # The state of an epoch does not go on in the next.
    assert len({json.dumps(one["metrics"]) for _, one in found}) == 3
    shown = {
        value.tag
        for file in (Path(job.record_uri) / "tensorboard" / "0").iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {tag.partition("/")[2] for tag in shown if tag.startswith("validation/")} == NAMES - {"undefined"}


@pytest.mark.processes
def test_metrics_are_the_same_on_replicas(world, tmp_path):
    job = metered_job(world, tmp_path / "job", strategy=StrategyConfig(name="mirrored", logical_devices=3))
    launch(job, Cluster.of(job.strategy))
    assert_equal(validations(job)[-1][1], by_numpy(world, job))


@pytest.mark.processes
def test_metrics_are_the_same_in_two_processes(world, tmp_path):
    job = metered_job(world, tmp_path / "job", strategy=StrategyConfig(workers=2))
    launch(job, Cluster.of(job.strategy))
    assert_equal(validations(job)[-1][1], by_numpy(world, job))


def test_a_resumed_training_tells_the_same_metrics(world, tmp_path):
    kept = {
        "checkpoint": CheckpointConfig(steps=5, keep=9),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
    }
    whole = metered_job(world, tmp_path / "whole", **kept)
    training.run(whole)
    for file in Path(checkpoint.folder_of(whole.checkpoint_uri, 0)).glob("step-*.json"):
        if file.name > "step-00000010.json":
            file.unlink()
    resumed = metered_job(world, tmp_path / "resumed", **kept)
    training.run(resumed)
    assert validations(resumed) == validations(whole)


@pytest.mark.parametrize(
    ("attribute", "rule"),
    [
        ("NOT_A_LIST", r"the metrics of task 'metered' must be a list of .*, but are a tf_keras.*\.Mean"),
        ("NO_METRIC", r"the metrics of task 'metered' must be a list of .*, but one is a builtins\.str"),
        ("RAISING_BUILDER", r"task 'metered' cannot build its metrics:\n(?s:.*)KeyError: 'missing'"),
        ("TAKEN", r"must have names of their own, but 'accuracy' is there twice \(log_loss, accuracy are always"),
        ("COUNTED_UP", r"must have the same names each time .* was 'auc.*', and then 'auc_.*': .*give it one"),
        (
            "RAISING",
            r"the metric 'raising' of task 'metered' fails on the first batch:\n(?s:.*)Error: no such batch",
        ),
        ("OF_PROBABILITIES", r"the metric 'auc' of task 'metered' fails on the first batch:\n"),
        (
            "SEVERAL",
            r"the metric 'several' of task 'metered' must be one number, but its result is a tensor of shape",
        ),
    ],
)
def test_metrics_that_cannot_be_computed_are_refused_before_training(world, tmp_path, attribute, rule):
    with pytest.raises(TaskError, match=rule):
        training.run(metered_job(world, tmp_path / "job", attribute))
    assert not (tmp_path / "job" / "tensorboard").exists()


def test_metrics_without_a_validation_split_are_refused(world, tmp_path):
    job = dataclasses.replace(metered_job(world, tmp_path / "job"), validation_uri=None)
    with pytest.raises(ConfigError, match="computed on the validation split, and there is none"):
        training.run(job)
