"""Compares every strategy with one device, and its evaluation and prediction with NumPy."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer.data.packed import PackedExamples
from tests.horovod_extra import needs_horovod
from tests.trainer import packed
from tests.trainer.distribution import spread

pytestmark = [pytest.mark.processes, pytest.mark.long]

STRATEGIES = {
    "mirrored-2": StrategyConfig(name="mirrored", logical_devices=2),
    "mirrored-3": StrategyConfig(name="mirrored", logical_devices=3),
    "central-2": StrategyConfig(name="central_storage", logical_devices=2),
    "central-3": StrategyConfig(name="central_storage", logical_devices=3),
    "workers-2": StrategyConfig(workers=2, communication="ring"),
    "horovod-3": StrategyConfig(name="horovod", workers=3),
}
REPLICAS = {"mirrored-2": 2, "mirrored-3": 3, "central-2": 2, "central-3": 3, "workers-2": 2, "horovod-3": 3}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("splits")
    packed.pack_all(folder / "all", packed.examples(spread.COUNT, spread.CLASSES))
    packed.pack_all(folder / "one", [packed.serialize(example_id="a", x=[1.0, -2.0, 0.5], label=2)])
    return folder


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    (results,) = spread.run(StrategyConfig(name="one_device"), data, tmp_path_factory.mktemp("alone") / "one")
    assert results["replicas"] == 1
    return results


# Three replicas, if there may be any number, because they divide a batch less evenly than two.
MARKS = {
    "mirrored-2": pytest.mark.release,
    "central-2": pytest.mark.release,
    "horovod-3": [pytest.mark.release, needs_horovod],
}
PARAMETERS = [pytest.param(name, marks=MARKS.get(name, ())) for name in STRATEGIES]


@pytest.fixture(scope="module")
def results_of(data, tmp_path_factory):
    """Returns a function that takes the name of a strategy, and returns the results of each of its processes."""
    return functools.cache(
        lambda name: spread.run(STRATEGIES[name], data, tmp_path_factory.mktemp(name) / "spread")
    )


@pytest.fixture(scope="module", params=PARAMETERS)
def several(request, results_of):
    """Returns the results of each process of a strategy."""
    results = results_of(request.param)
    assert [one["replicas"] for one in results] == [REPLICAS[request.param]] * len(results)
    return results


# Adam divides by the root of tiny second moments, which magnifies rounding errors.
@pytest.mark.parametrize(("case", "tolerance"), [
    ("sgd", 1e-6), ("adam", 1e-5), ("clipped", 1e-6), ("embedding", 1e-6), ("accumulated", 1e-6), ("recomputed", 1e-6),
])  # fmt: skip
def test_several_replicas_train_the_model_of_one_device(alone, several, case, tolerance):
    expected = alone[f"{case}/weights"]
    assert np.abs(expected - alone[f"{case}/initial"]).max() > 0.02, "nothing was learnt"
    for process in several:
        np.testing.assert_array_equal(process[f"{case}/initial"], alone[f"{case}/initial"])
        np.testing.assert_allclose(process[f"{case}/weights"], expected, rtol=0, atol=tolerance)
        for figure in ("losses", "norms", "rates"):
            np.testing.assert_allclose(
                process[f"{case}/{figure}"], alone[f"{case}/{figure}"], rtol=1e-4, atol=1e-6
            )
    assert sum(int(process[f"{case}/examples"]) for process in several) == spread.ORDER.positions


def test_micro_batches_train_the_model_of_whole_batches(alone, several):
    for process in several:
        np.testing.assert_allclose(process["accumulated/weights"], alone["sgd/weights"], rtol=0, atol=1e-6)


def test_larger_gradients_were_clipped(alone):
    for case in ("clipped", "embedding"):
        assert alone[f"{case}/norms"].min() < spread.CLIP < alone[f"{case}/norms"].max()
    assert np.abs(alone["clipped/weights"] - alone["sgd/weights"]).max() > 1e-3


def test_all_processes_end_with_the_same_weights_and_figures(several):
    for key in several[0]:
        if not key.endswith("/examples"):
            for one, other in itertools.pairwise(several):
                np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_batch_normalisation_ignores_replicas_without_examples(alone, several):
    """Each replica has statistics of its own examples, so they are not quite the statistics of one device."""
    for process in several:
        trained, expected = process["batch-norm/weights"], alone["batch-norm/weights"]
        assert np.isfinite(trained).all()
        assert np.abs(trained - expected).mean() < 0.1


def test_float16_is_trained_with_a_loss_scale(alone, several):
    for process in (alone, *several):
        if "float16/weights" not in process:
            pytest.skip("Keras has no mixed precision under this strategy")
        assert process["float16/iterations"] == spread.ORDER.steps
        assert process["float16/scale"] == 2.0**15, "it overflowed"
        np.testing.assert_allclose(process["float16/weights"], alone["sgd/weights"], rtol=0, atol=5e-3)
        assert (process["float16/weights"] != alone["sgd/weights"]).any()


def test_bfloat16_is_trained_nearly_to_the_same_weights(alone, several):
    for process in (alone, *several):
        if "bfloat16/weights" not in process:
            pytest.skip("Keras has no mixed precision under this strategy")
        np.testing.assert_allclose(process["bfloat16/weights"], alone["sgd/weights"], rtol=0, atol=4e-2)
        assert (process["bfloat16/weights"] != alone["sgd/weights"]).any()


@pytest.mark.parametrize("split", ["all", "one"])
def test_evaluation_and_prediction_are_those_of_numpy(data, alone, several, split):
    kernel = alone["adam/weights"][: spread.WIDTH * spread.CLASSES].reshape([spread.WIDTH, spread.CLASSES])
    bias = alone["adam/weights"][kernel.size :]
    examples = PackedExamples(data / split)
    read = tf.io.parse_example(examples.read(np.arange(len(examples))).serialized(), packed.SPEC)
    logits = read["x"].numpy().astype(float) @ kernel + bias
    labels = read["label"].numpy()
    known = labels >= 0
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    for process in (alone, *several):
        np.testing.assert_allclose(process[f"{split}/logits"], logits, rtol=0, atol=2e-5)
        assert process[f"{split}/logits"].shape == logits.shape
        assert process[f"{split}/examples"] == known.sum()
        assert process[f"{split}/accuracy"] == (logits.argmax(axis=1) == labels)[known].mean()
        expected = -log_probabilities[known, labels[known]].mean()
        np.testing.assert_allclose(process[f"{split}/log_loss"], expected, rtol=1e-5)


@needs_horovod
@pytest.mark.release
def test_two_trainings_under_horovod_are_equal_to_the_bit(data, results_of, tmp_path):
    """With three processes, the order of additions shows in the last bit. A busy machine must not change it."""
    first, again = results_of("horovod-3"), spread.run(STRATEGIES["horovod-3"], data, tmp_path / "again")
    for one, other in zip(first, again, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_nccl_without_a_gpu_is_the_users_error():
    from limbeck.trainer.distribution import strategies

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there are GPUs")
    with pytest.raises(ConfigError, match=r"strategy\.communication=nccl needs GPUs"):
        strategies.build(StrategyConfig(communication="nccl"))
