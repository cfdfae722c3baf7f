"""Recomputation against a gradient tape over the whole model: gradients, state, and what is in memory."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import ConfigError, TaskError
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.fitting.differentiation import Accumulated, WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.recomputation import Head, RecomputedModel, assert_kept_by_compilers, recomputed
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.host_memory import assert_swappable
from tests.trainer.fitting.graphs import above
from tests.trainer.pipelining.models import MODELS, batch, built, gradients, loss

pytestmark = pytest.mark.long


def recomputing(model, mode="all"):
    """All cuts, whatever is best: so that each layer is a block."""
    found = layout(model, "the teacher", "a test")
    return RecomputedModel(Head(model, loss), found, blocks_of(found, found.graph.cuts()), mode == "except_last")


def relative(one, other):
    return max(np.abs(a - b).max() / max(np.abs(b).max(), 1e-3) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("dtype", "mode", "bound"), [("float32", "all", 1e-6), ("float64", "except_last", 1e-14)])
def test_gradients_and_state_are_those_without_recomputation(name, dtype, mode, bound):
    whole, parts = built(name, dtype), built(name, dtype)
    given = batch(dtype=dtype)
    expected = gradients(WholeModel(whole, loss), given)
    value, found = gradients(recomputing(parts, mode), given)
    np.testing.assert_allclose(value, expected[0], rtol=bound)
    assert relative(found, expected[1]) <= bound
    # Dropout has dropped once, and batch normalisation has updated once.
    for one, other in zip(parts.non_trainable_variables, whole.non_trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=bound, atol=bound)


@pytest.mark.parametrize("name", ["residual", "masked"])
def test_what_is_kept_elsewhere_gives_the_same_gradients_to_the_bit(name):
    """`test_on_devices.py` shows where it is."""
    given, found = batch(), []
    for swap in (False, True):
        value, of_weights = gradients(dataclasses.replace(recomputing(built(name)), swap=swap), given)
        found.append([value, *of_weights])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_dropout_drops_what_it_dropped_in_each_micro_batch():
    whole, parts = built("residual"), built("residual")
    given = batch()
    expected = gradients(Accumulated(WholeModel(whole, loss), 2), given, times=2)[1]
    assert relative(gradients(Accumulated(recomputing(parts), 2), given, times=2)[1], expected) <= 1e-6
    counts = [layer.random_state.numpy()[1] for layer in parts.layers if hasattr(layer, "random_state")]
    assert counts == [4, 4]


def test_a_loss_scale_scales_gradients_and_not_the_value():
    """Here with the cuts that the product chooses."""
    given, scale, model = batch(), tf.constant(1024.0), built("residual")
    differentiate = recomputed(Head(model, loss), "except_last", "the teacher")
    assert 1 < len(differentiate.blocks) < len(model.layers)
    value, found = gradients(differentiate, given, scale)
    expected, plain = gradients(WholeModel(built("residual"), loss), given)
    assert value == pytest.approx(expected, rel=1e-6)
    assert relative([one / 1024 for one in found], plain) <= 1e-6


def test_no_example_gives_no_gradient():
    """A mean over no activity is NaN."""
    _, found = gradients(recomputing(built("residual")), batch(0))
    assert all((one == 0).all() for one in found)


def test_a_block_is_computed_again_only_when_the_block_behind_it_is_done():
    """Otherwise all blocks would be computed again at once, and their activations would be in memory together."""
    model = built("residual")
    found = layout(model, "the teacher", "a test")
    joints = [p for p in found.graph.joints() if found.graph.crossing(p)]
    differentiate = RecomputedModel(Head(model, loss), found, blocks_of(found, joints), except_last=False)
    given = batch()
    call = tf.function(
        lambda: differentiate(given.inputs, given.targets, given.denominators, None).gradients, autograph=False
    )
    operations = call.get_concrete_function().graph.get_operations()
    computed = [
        op for op in operations if op.type == "MatMul" and "wide_0/" in op.name and "gradient" not in op.name
    ]
    assert len(computed) == 2, "once forward, and once again"
    gradients_behind = {
        op.name for op in operations if op.type == "MatMul" and "gradient" in op.name and "wide_1" in op.name
    }
    assert len(gradients_behind) == 2, "of the kernel and of the input"
    assert gradients_behind <= {op.name for op in above(computed[1])}
    assert not gradients_behind & {op.name for op in above(computed[0])}


def test_no_variable_is_updated_before_a_block_that_is_computed_again_has_read_it():
    """TensorFlow keeps this order by itself, but not within a loop: some steps computed with newer weights."""

    def norms(differentiate_of):
        model, given = built("residual"), batch()
        optimizer = tf_keras.optimizers.SGD(1.0)
        optimizer.build(model.trainable_variables)
        step = GradientStep(tf.distribute.get_strategy(), model, optimizer, differentiate_of(model))
        data = iter(tf.data.Dataset.from_tensors((given.inputs, given.targets)).repeat())

        @tf.function(autograph=False)
        def call():
            def body(number, found):
                result = step.run((*data.get_next(), given.denominators))
                return number + 1, tf.tensor_scatter_nd_update(found, [[number]], [result.gradient_norm])

            return tf.while_loop(lambda number, _: number < 8, body, (0, tf.zeros([8])))[1]

        return call().numpy()

    found = norms(lambda model: recomputed(Head(model, loss), "all", "the teacher"))
    np.testing.assert_allclose(found, norms(lambda model: WholeModel(model, loss)), rtol=1e-5)


def test_a_model_that_cannot_be_cut_is_refused():
    class Own(tf_keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(
        TaskError, match=r"training.recompute=all cuts a model .* the teacher cannot be cut: it is a"
    ):
        recomputed(Head(Own(), loss), "all", "the teacher")
    x = tf_keras.Input([2], name="x")
    model = tf_keras.Model({"x": x}, tf_keras.layers.Dense(2)(x))
    model.add_loss(tf.reduce_sum(model.output))
    with pytest.raises(TaskError, match="which belongs to no block: call add_loss"):
        recomputed(Head(model, loss), "all", "the teacher")


def test_a_compiler_that_would_undo_it_is_refused(monkeypatch):
    assert_kept_by_compilers("all")
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit")
    with pytest.raises(ConfigError, match="XLA computes equal things once"):
        assert_kept_by_compilers("all")


def test_swap_is_refused_without_a_gpu():
    assert_swappable(("/gpu:0", "/job:worker/replica:0/task:0/device:GPU:0"))
    with pytest.raises(
        ConfigError, match=r"but a stage is on /cpu:1, where both are one memory: leave training.swap"
    ):
        assert_swappable(("/gpu:0", "/cpu:1"))
    with pytest.raises(ConfigError, match=r"but training.recompute is none: take training.recompute=except_last"):
        TrainingConfig(swap=True)
    if not tf.config.list_physical_devices("GPU"):
        with pytest.raises(ConfigError, match="but this machine has no GPU, where both are one memory"):
            assert_swappable()


@pytest.mark.processes
def test_each_replica_finds_its_own_state_again():
    """Dropout and batch normalisation have a state on each replica, and one replica has more examples."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.trainer.fitting.on_replicas"],
        env=os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    differences = json.loads(done.stdout)
    assert set(differences) == {"residual", "normalised"}
    assert max(differences.values()) <= 1e-6
