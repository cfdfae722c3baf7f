"""The effect of a job's settings for strategy, precision, steps and validation."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError, TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from tests.horovod_extra import needs_horovod
from tests.trainer.world import COUNT, POSITIONS, STEPS, TRAINING, edited, pack, values_of, weights

pytestmark = pytest.mark.long

ONE_DEVICE = StrategyConfig(name="one_device")
STRATEGIES = {
    "mirrored": StrategyConfig(name="mirrored", logical_devices=3),
    "central_storage": StrategyConfig(name="central_storage", logical_devices=2),
}


def history(job, member=0):
    """Returns the reported points of a member."""
    return json.loads((Path(job.record_uri) / "history.json").read_text())["members"][member]


@pytest.fixture(scope="module")
def plain(world, tmp_path_factory):
    """Trains a teacher and a student on one device."""
    folder = tmp_path_factory.mktemp("plain")
    jobs = {entry: world.job(folder / entry, entry) for entry in ("teacher", "student")}
    for job in jobs.values():
        training.run(job)
    return jobs


def run(world, folder, entry="teacher", **settings):
    """Runs the job with other training settings. Returns the finished job."""
    job = world.job(folder, entry, training=dataclasses.replace(TRAINING, **settings))
    training.run(job)
    return job


@pytest.mark.processes
@pytest.mark.parametrize("entry", ["teacher", "student"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_teachers_and_students_are_the_same_under_every_strategy(world, plain, tmp_path, name, entry):
    job = world.job(tmp_path / "job", entry, strategy=STRATEGIES[name])
    (only,) = launch(job, Cluster.of(job.strategy)).result
    assert (only.steps, only.examples) == (STEPS, POSITIONS)
    difference = np.abs(world.logits(job) - world.logits(plain[entry])).max()
    assert difference <= 1e-5, difference


@pytest.mark.parametrize("per_call", [1, 5])
def test_steps_per_call_change_only_the_reports(world, plain, tmp_path, per_call):
    job = run(world, tmp_path / "job", steps_per_call=per_call)
    assert [point["step"] for point in history(job)] == [*range(per_call, STEPS, per_call), STEPS]
    for one, other in zip(weights(job), weights(plain["teacher"]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("entry", ["teacher", "student"])
@pytest.mark.parametrize("accumulate", [3, 7])
def test_accumulation_gives_the_weights_of_the_whole_batch(world, plain, tmp_path, entry, accumulate):
    """A batch of 8 divides into neither, and the last batch has one example."""
    job = run(world, tmp_path / "job", entry, accumulate=accumulate)
    assert history(job)[-1]["step"] == STEPS
    for one, other in zip(weights(job), weights(plain[entry]), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    for one, other in zip(history(job), history(plain[entry]), strict=True):
        assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-4)
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


@pytest.mark.parametrize("entry", ["teacher", "student"])
def test_recomputation_gives_the_same_weights(world, plain, tmp_path, entry):
    job = run(world, tmp_path / "job", entry, recompute="all", accumulate=2)
    for one, other in zip(weights(job), weights(plain[entry]), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"clip_norm": 0.01, "schedule": "linear", "warmup_steps": 5},
        {"precision": "mixed_float16"},
    ],
    ids=["clipped", "mixed"],
)
def test_accumulation_changes_nothing_about_clipping_schedule_and_loss_scale(world, tmp_path, settings):
    jobs = [run(world, tmp_path / str(n), accumulate=n, **settings) for n in (1, 3)]
    tolerance = 2e-2 if "precision" in settings else 1e-5
    for one, other in zip(*map(weights, jobs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)
    assert [p["learning_rate"] for p in history(jobs[0])] == [p["learning_rate"] for p in history(jobs[1])]


def test_more_micro_batches_than_examples_are_refused():
    with pytest.raises(ConfigError, match=r"training.accumulate=65 is more than training.batch_size=64: lower it"):
        dataclasses.replace(TRAINING, batch_size=64, accumulate=65)


def test_the_learning_rate_of_each_step_follows_the_schedule(world, tmp_path):
    job = run(world, tmp_path / "job", steps_per_call=1, schedule="linear", warmup_steps=5)
    expected = [0.02 * min((step + 1) / 5, 1 - (step - 5) / (STEPS - 5)) for step in range(STEPS)]
    np.testing.assert_allclose([point["learning_rate"] for point in history(job)], expected, rtol=1e-5)


def test_gradients_are_clipped_as_the_job_says(world, plain, tmp_path):
    # Plain gradient descent, because the size of a gradient means little to Adam.
    settings = dataclasses.replace(TRAINING, schedule="constant", steps_per_call=1, epochs=1, batch_size=COUNT)
    moved = {}
    for clip in (None, 0.125):
        job = world.job(
            tmp_path / str(clip), task=world.variant("SGD"), training=dataclasses.replace(settings, clip_norm=clip)
        )
        training.run(job)
        moved[clip] = weights(job), history(job)[0]["gradient_norm"]
    (free, norm), (clipped, same_norm) = moved[None], moved[0.125]
    assert norm == same_norm > 0.125
    difference = [(one - other) / 0.02 for one, other in zip(clipped, free, strict=True)]
    length = np.sqrt(sum((values.astype(float) ** 2).sum() for values in difference))
    np.testing.assert_allclose(length, norm - 0.125, rtol=1e-3)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_nearly_the_same_and_exports_float32(world, plain, tmp_path, name):
    job = run(world, tmp_path / "job", precision=name)
    assert {values.dtype for values in weights(job)} == {np.dtype("float32")}
    logits, expected = world.logits(job), world.logits(plain["teacher"])
    assert logits.dtype == np.float32
    assert (logits != expected).any()
    np.testing.assert_allclose(logits, expected, rtol=0, atol=0.2)
    signature = tf.saved_model.load(job.model_uri).signatures["transformed"]
    types = {tensor.dtype for operation in signature.graph.get_operations() for tensor in operation.outputs}
    assert not types & {tf.float16, tf.bfloat16}


def validating(world, folder, patience, strategy=ONE_DEVICE, **settings):
    """Returns a job whose validation labels differ from its training labels, and the validation examples."""
    others = [
        edited(one, label=[(values_of(one, "label")[0] + 1) % 3]) if values_of(one, "label")[0] >= 0 else one
        for one in world.examples[:20]
    ]
    job = world.job(
        folder,
        validation_uri=pack(folder.with_suffix(".packed"), others, "teacher"),
        training=dataclasses.replace(
            TRAINING, epochs=8, early_stopping_patience=patience, schedule="constant", **settings
        ),
        strategy=strategy,
    )
    return job, others


def validated(world, folder, patience, **settings):
    """Returns the same, finished."""
    job, others = validating(world, folder, patience, **settings)
    training.run(job)
    return job, others


def replayed(losses, patience):
    """Returns the number of evaluations until `patience` in a row are no better than the best before them."""
    for count in range(patience + 1, len(losses) + 1):
        if losses[count - patience : count].min() >= losses[: count - patience].min():
            return count
    return None


@pytest.mark.parametrize("patience", [1, 3])
def test_training_ends_early_when_the_rule_says_so(world, tmp_path, patience):
    job, examples = validated(world, tmp_path / "job", patience)
    points = [point for point in history(job) if point["validation"]]
    losses = np.array([point["validation"]["metrics"]["log_loss"] for point in points])
    ends = [-(-COUNT * epoch // TRAINING.batch_size) for epoch in range(1, 9)]
    assert replayed(losses, patience) == len(losses) < len(ends)
    assert [point["step"] for point in points] == ends[: len(losses)]
    assert history(job)[-1]["step"] == ends[len(losses) - 1]

    # The figures equal the figures of the exported model, which is the model of the last step.
    logits = world.logits(job, examples)[:, 0].astype(float)
    labels = np.array([values_of(one, "label")[0] for one in examples])
    known = labels >= 0
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(losses[-1], -log_probabilities[known, labels[known]].mean(), rtol=1e-5)
    assert points[-1]["validation"]["metrics"]["accuracy"] == (logits.argmax(axis=1) == labels)[known].mean()
    assert points[-1]["validation"]["examples"] == known.sum()


@pytest.mark.processes
@pytest.mark.parametrize(
    "name", [*STRATEGIES, "multi_worker_mirrored", pytest.param("horovod", marks=needs_horovod)]
)
def test_every_strategy_ends_early_at_the_same_step(world, tmp_path, name):
    """A process that went on alone would wait for the others for ever."""
    alone, _ = validated(world, tmp_path / "alone", patience=1)
    strategy = STRATEGIES.get(name) or StrategyConfig(name=name, workers=2)
    job, _ = validating(world, tmp_path / "job", 1, strategy)
    records = launch(job, Cluster.of(strategy)).result
    ended = history(alone)[-1]["step"]
    assert [one.steps for one in records] == [ended] * strategy.processes
    for one, other in zip(history(job), history(alone), strict=True):
        assert (one["step"], bool(one["validation"])) == (other["step"], bool(other["validation"]))
        if one["validation"]:
            assert one["validation"]["metrics"] == pytest.approx(other["validation"]["metrics"], rel=1e-4)


def test_patience_without_a_validation_split_is_refused(world, tmp_path):
    with pytest.raises(ConfigError, match="needs a validation split"):
        world.job(tmp_path / "job", training=dataclasses.replace(TRAINING, early_stopping_patience=1))


def test_a_validation_split_without_labels_is_the_users_error(world, tmp_path):
    bare = [edited(one, label=[-1]) for one in world.examples[:5]]
    job = world.job(
        tmp_path / "job",
        validation_uri=pack(tmp_path / "packed", bare, "teacher"),
        training=dataclasses.replace(TRAINING, early_stopping_patience=1),
    )
    with pytest.raises(UserError, match="no labelled example to evaluate with"):
        training.run(job)


def test_tensorboard_shows_the_points_of_the_history(world, tmp_path):
    job, _ = validated(world, tmp_path / "job", patience=1, steps_per_call=4)
    shown = {}
    for file in (Path(job.record_uri) / "tensorboard" / "0").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                shown.setdefault(value.tag, {})[event.step] = value.simple_value
    points = history(job)
    validations = {point["step"]: point["validation"]["metrics"] for point in points if point["validation"]}
    expected = {
        f"training/{name}": {point["step"]: point[name] for point in points}
        for name in ("loss", "learning_rate", "gradient_norm")
    } | {
        f"validation/{name}": {step: metrics[name] for step, metrics in validations.items()}
        for name in ("log_loss", "accuracy")
    }
    assert shown.keys() == expected.keys()
    for tag, figures in expected.items():
        assert shown[tag].keys() == figures.keys()
        np.testing.assert_allclose(list(shown[tag].values()), list(figures.values()), rtol=1e-6)


def test_training_that_breaks_down_names_step_loss_rate_and_norm(world, tmp_path):
    with pytest.raises(
        TrainingFailedError,
        match=r"at step \d+ of 17: the loss is \S+, the gradient norm \S+, the learning rate \S+\. Lower training",
    ):
        run(world, tmp_path / "job", learning_rate=1e38, schedule="constant")
