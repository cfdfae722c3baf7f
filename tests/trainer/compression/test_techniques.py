"""Recipes that train: what their files hold, recomputed from the tensors of the file by NumPy, and what they refuse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer import compressing, training
from limbeck.trainer.compression import cluster, inspection, prune, quantise, technique, tuning
from limbeck.trainer.compression.technique import Stage
from limbeck.trainer.distribution import strategies
from limbeck.trainer.serving.compressed import FILE, CompressedModel
from limbeck.trainer.session.models import build_model
from tests.trainer.world import TRAINING, World, weights

UNITS, CLUSTERS, SPARSITY = 40, 5, 0.6
SETTINGS = {"epochs": 4, "learning_rate": 0.01, "sparsity": SPARSITY, "clusters": CLUSTERS, "representative": 40}
RECIPES = {
    "pruning": CompressionConfig("pruning", storage="float32", **SETTINGS),
    "two_of_four": CompressionConfig("pruning", storage="float32", pattern="two_of_four", **SETTINGS),
    "quantisation_aware": CompressionConfig("quantisation_aware", **SETTINGS),
    "pqat": CompressionConfig("pqat", **SETTINGS),
    "cqat": CompressionConfig("cqat", **SETTINGS),
    "pcqat": CompressionConfig("pcqat", **SETTINGS),
}
pytestmark = [pytest.mark.processes, pytest.mark.long]
WHO = "the student of task 'tiny'"


@pytest.fixture(scope="module")
def student(world: World, tmp_path_factory: pytest.TempPathFactory):
    job = world.job(tmp_path_factory.mktemp("student") / "job", "student", hyperparameters={"units": UNITS})
    training.run(job)
    return job


@pytest.fixture(scope="module")
def made(world: World, student, tmp_path_factory: pytest.TempPathFactory):
    """The finished job of each recipe."""
    jobs = {}
    for name, config in RECIPES.items():
        jobs[name] = world.job(
            tmp_path_factory.mktemp(name) / "job", "student", compression=config, student_uri=student.model_uri,
            hyperparameters=student.hyperparameters,
        )  # fmt: skip
        compressing.run(jobs[name])
    return jobs


def kernels(job) -> list[np.ndarray]:
    """Returns both kernels of a file, dequantised: float64 `[out, in]`."""
    content = (Path(job.model_uri) / FILE).read_bytes()
    found = {}
    for details, values in inspection.constants(content):
        scales = details["quantization_parameters"]["scales"]
        scale = (
            scales.reshape(-1, *[1] * (values.ndim - 1)) if len(scales) > 1 else (scales if len(scales) else 1.0)
        )
        if values.ndim == 2 and values.dtype in (np.int8, np.float32):
            found[values.shape] = (values.astype(float) - inspection.zero_points(details, values)) * scale
    return [found[UNITS, 4], found[3, UNITS]]


def stored(job) -> list[int]:
    """Returns the number of different stored values of both kernels."""
    record = json.loads((Path(job.model_uri) / "compression.json").read_text())
    return [one["distinct"] for one in record["tensors"] if len(one["shape"]) == 2]


def stage(config: CompressionConfig = RECIPES["pruning"], **changes) -> Stage:
    return Stage(**({"config": config, "steps": 20, "pruned": False, "clustered": False, "who": WHO} | changes))


@pytest.mark.parametrize("name", ["pruning", "pqat", "pcqat"])
def test_as_many_weights_are_0_in_the_file_as_were_asked_for(made, name: str):
    for kernel in kernels(made[name]):
        zeros = int((kernel == 0).sum())
        # Rounding to int8 may add some.
        assert zeros >= kernel.size - round(kernel.size * (1 - SPARSITY))
        assert zeros / kernel.size < SPARSITY + (0.02 if name == "pruning" else 0.2)


def test_two_of_four_neighbours_along_the_input_are_0(made):
    for kernel in kernels(made["two_of_four"]):
        kept = (kernel.reshape(len(kernel), -1, 4) != 0).sum(axis=2)
        assert kept.max() == 2
        assert (kernel == 0).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", ["cqat", "pcqat"])
def test_each_kernel_has_few_values_in_the_file(made, name: str):
    assert all(len(np.unique(kernel)) <= CLUSTERS for kernel in kernels(made[name]))
    assert max(stored(made[name])) <= CLUSTERS


def test_without_the_scheme_for_it_the_kernels_have_many_values(made):
    """Or the test above would say nothing of the chains."""
    assert min(stored(made["quantisation_aware"])) > CLUSTERS
    assert all((kernel == 0).mean() < SPARSITY / 2 for kernel in kernels(made["quantisation_aware"]))


@pytest.mark.parametrize(("name", "stages"), [("pruning", 1), ("pqat", 2), ("pcqat", 3)])
def test_each_technique_of_a_chain_was_trained(made, name: str, stages: int):
    history = json.loads((Path(made[name].record_uri) / "history.json").read_text())
    record = json.loads((Path(made[name].model_uri) / "compression.json").read_text())
    steps = -(-43 * 4 // TRAINING.batch_size)
    assert [curve[-1]["step"] for curve in history["members"]] == [steps] * stages
    assert len(record["remarks"]) == stages
    assert json.loads((Path(made[name].record_uri) / "rank-0.json").read_text())["steps"] == steps * stages


@pytest.mark.parametrize("name", ["quantisation_aware", "pqat", "pcqat"])
def test_what_is_trained_with_rounding_computes_in_int8(made, name: str):
    record = json.loads((Path(made[name].model_uri) / "compression.json").read_text())
    assert {one["dtype"] for one in record["tensors"]} == {"int8", "int32"}
    assert record["float_operators"] == ["TANH"] or record["float_operators"] == []


def test_the_files_still_answer_much_as_the_student(world: World, student, made):
    """Against a student that answers the same to every example, most of what was learnt is left."""
    expected = world.logits(student)[:, 0]
    for name, job in made.items():
        answers = CompressedModel(job.model_uri).answer_transformed(list(world.examples))
        apart = np.abs(answers - expected).mean() / np.abs(expected - expected.mean(axis=0)).mean()
        assert apart < (0.5 if name == "quantisation_aware" else 1.0), name


@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_without_a_technique_the_further_training_is_the_plain_one(world: World, tmp_path: Path, alpha: float):
    """The same initial weights, loss, order and optimizer: to the bit."""
    job = world.job(tmp_path / "plain", "student")
    job = dataclasses.replace(job, distillation=dataclasses.replace(job.distillation, alpha=alpha))
    training.run(job)
    session = training.join_job(job)
    tf_keras.utils.set_random_seed(TRAINING.seed)
    with strategies.scope(session.strategy):
        model = build_model(session)

    fitted = tuning.tune(session, model)

    assert fitted.steps == tuning.steps_of(session) > 0
    for got, wanted in zip(model.get_weights(), weights(job), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(("config", "steps", "reached"), [
    (RECIPES["pruning"], 1, SPARSITY), (RECIPES["pruning"], 7, SPARSITY), (RECIPES["pruning"], 1000, SPARSITY),
    (CompressionConfig("pruning", schedule="constant", **SETTINGS), 3, SPARSITY), (RECIPES["two_of_four"], 3, 0.5),
])  # fmt: skip
def test_the_whole_share_is_reached_within_any_number_of_steps(
    config: CompressionConfig, steps: int, reached: float
):
    schedule = prune._schedule(stage(config, steps=steps))
    shares = [float(schedule(tf.constant(step, tf.int64))[1]) for step in range(1, steps + 1)]
    updated = [bool(schedule(tf.constant(step, tf.int64))[0]) for step in range(1, steps + 1)]
    last = max(number for number, one in enumerate(updated) if one)
    assert shares[last] == pytest.approx(reached)
    assert shares == sorted(shares)


def given() -> tf_keras.layers.Layer:
    return tf_keras.Input([4], name="x")


class Subclass(tf_keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = tf_keras.layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs["x"])


class Own(tf_keras.layers.Layer):
    """A layer that cannot be copied: Keras cannot know what its argument is."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.inner = tf_keras.layers.Dense(len(units))

    def call(self, inputs):
        return self.inner(inputs)


class Three:
    def __len__(self):
        return 3


def functional(*layers: tf_keras.layers.Layer) -> tf_keras.Model:
    start = hidden = given()
    for layer in layers:
        hidden = layer(hidden)
    return tf_keras.Model({"x": start}, hidden)


def inner() -> tf_keras.Model:
    start = tf_keras.Input([4])
    return tf_keras.Model(start, tf_keras.layers.Dense(3)(start), name="inner")


@pytest.mark.parametrize("one", [prune, cluster, quantise])
@pytest.mark.parametrize(("build", "rule"), [
    (Subclass, "it is a subclass of tf_keras.Model"),
    (lambda: functional(inner()), "it holds the model 'inner' as a layer"),
    (lambda: functional(tf_keras.layers.LayerNormalization()), r"none of its layers with weights \(LayerNormalization"),
    (lambda: functional(Own(Three()), tf_keras.layers.Dense(3)), "give each layer of the task a get_config"),
])  # fmt: skip
def test_what_cannot_be_wrapped_is_refused_with_the_remedy(one, build, rule: str):
    with pytest.raises(TaskError, match=rule) as caught:
        one.check(build(), stage())
    assert str(caught.value).startswith(WHO)


def test_a_layer_that_cannot_be_wrapped_is_left_and_named():
    model = functional(
        tf_keras.layers.Dense(8), tf_keras.layers.LayerNormalization(name="norm"), tf_keras.layers.Dense(3)
    )
    words = r"norm (LayerNormalization)"
    assert words in prune.remark(model, stage()) and words in cluster.remark(model, stage())
    assert words in quantise.remark(model, stage()) and "after the training" in quantise.remark(model, stage())
    wrapped = quantise.wrap(model, stage(RECIPES["quantisation_aware"]))
    kinds = [type(layer).__name__ for layer in wrapped.layers]
    assert kinds.count("QuantizeWrapperV2") == 2 and "LayerNormalization" in kinds


@pytest.mark.parametrize("one", [prune, cluster, quantise])
def test_the_model_that_is_wrapped_stays_as_it_was(one):
    model = functional(tf_keras.layers.Dense(8, activation="relu"), tf_keras.layers.Dense(3))
    before, layers = model.get_weights(), list(model.layers)
    wrapped = one.wrap(model, stage())
    for variable in wrapped.trainable_variables:
        variable.assign(variable + 1)
    assert model.layers == layers
    for got, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_nothing_is_trained_where_a_technique_of_the_chain_is_refused(
    world: World, student, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(tuning, "tune", lambda *_: pytest.fail("trained"))
    monkeypatch.setattr(technique, "assert_wrappable", lambda model, wanted, what, who: refuse(what))

    def refuse(what: str) -> None:
        if "quantisation" in what:
            raise TaskError("refused")

    job = world.job(
        tmp_path / "job", "student", compression=RECIPES["pcqat"], student_uri=student.model_uri,
        hyperparameters=student.hyperparameters,
    )  # fmt: skip
    with pytest.raises(TaskError, match="refused"):
        compressing.run(job)
    assert not Path(job.model_uri).exists()
