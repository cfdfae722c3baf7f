"""Pipelined gradients against those of the same micro-batches one after the other, on one tape.

Here all stages are on one device, whose arithmetic is the same. `test_pipelined.py` has several devices.
"""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.data.order import Order
from limbeck.trainer.fitting.differentiation import Accumulated, WholeModel
from limbeck.trainer.fitting.pipeline import PipelinedModel, StagedAnswers
from limbeck.trainer.fitting.pipeline_replica import StageCopy, further_replicas, merge_states
from limbeck.trainer.fitting.recomputation import Head
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.schedules.registry import SCHEDULES
from tests.trainer.fitting.graphs import above
from tests.trainer.pipelining.models import Batch, batch, built, gradients, loss

pytestmark = pytest.mark.long

MICRO_BATCHES = 3


def pipelined(model, stages, schedule="1f1b", recompute="none", micro_batches=MICRO_BATCHES, *, replicas=1):
    found = layout(model, "the teacher", "a test")
    cuts = found.graph.cuts()
    cuts = [cuts[len(cuts) * stage // stages] for stage in range(1, stages)]
    blocks = blocks_of(found, cuts)
    order = SCHEDULES[schedule](stages, micro_batches)
    further = further_replicas(blocks, ("/cpu:0",) * stages * replicas)
    return PipelinedModel(Head(model, loss), found, blocks, ("/cpu:0",) * stages, order, recompute, further)


@functools.cache
def expected(name, dtype):
    model = built(name, dtype)
    value, found = gradients(Accumulated(WholeModel(model, loss), MICRO_BATCHES), batch(dtype=dtype), times=2)
    return value, found, [one.numpy() for one in model.non_trainable_variables]


def assert_same(name, dtype, bound, *options, **more):
    model = built(name, dtype)
    value, found = gradients(pipelined(model, *options, **more), batch(dtype=dtype), times=2)
    wanted_value, wanted, state = expected(name, dtype)
    np.testing.assert_allclose(value, wanted_value, rtol=1e-6)
    for one, other in zip(found, wanted, strict=True):
        assert np.abs(one - other).max() <= bound * max(np.abs(other).max(), 1e-3)
    for one, other in zip(model.non_trainable_variables, state, strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=bound, atol=bound)


@pytest.mark.parametrize(
    ("stages", "schedule", "recompute"),
    [
        (1, "1f1b", "all"), (1, "gpipe", "none"), (2, "naive", "none"), (2, "gpipe", "all"),
        (2, "1f1b", "except_last"), (4, "naive", "all"), (4, "gpipe", "none"), (4, "1f1b", "none"), (4, "1f1b", "all"),
    ],
)  # fmt: skip
def test_gradients_and_state_are_those_without_stages(stages, schedule, recompute):
    """Dropout drops the same units, and penalties count once."""
    assert_same("residual", "float32", 1e-6, stages, schedule, recompute)


@pytest.mark.parametrize("name", ["skipping", "masked", "normalised"])
def test_values_that_skip_stages_masks_and_averages(name):
    assert_same(name, "float64", 1e-14, 3, "1f1b", "all" if name == "skipping" else "none")


@pytest.mark.parametrize(
    ("stages", "replicas", "schedule", "recompute"),
    [
        (1, 2, "gpipe", "all"), (1, 3, "1f1b", "none"), (2, 2, "naive", "none"), (2, 3, "gpipe", "none"),
        (4, 2, "1f1b", "except_last"), (4, 3, "1f1b", "all"),
    ],
)  # fmt: skip
def test_replicas_give_the_gradients_of_one(stages, replicas, schedule, recompute):
    assert_same("skipping", "float32", 1e-6, stages, schedule, recompute, replicas=replicas)


@pytest.mark.parametrize(("stages", "replicas"), [(1, 3), (2, 2), (4, 2)])
def test_replicas_in_double_precision(stages, replicas):
    """With an embedding, whose gradient is in slices."""
    assert_same("masked", "float64", 1e-14, stages, replicas=replicas)


def part_of(given, replicas, number):
    """The part of a batch that a replica takes, as `Order.share` says, with the counts of the whole batch."""
    rows = Order(len(given.targets["label"]), len(given.targets["label"]), 1, 0).share(0, number, replicas)
    inputs, targets = ({name: one[rows] for name, one in some.items()} for some in (given.inputs, given.targets))
    return Batch(inputs, targets, given.denominators)


@pytest.fixture
def sums_as_written():
    """TensorFlow makes one sum of several additions on the same device: in this order, but of all micro-batches."""
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
    yield
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": True})


def test_replicas_are_summed_in_the_order_of_their_numbers(sums_as_written):
    """To the bit: floating-point sums depend on their order."""
    given = batch()
    found = gradients(pipelined(built("skipping"), 2, replicas=3), given)[1]
    each = [gradients(pipelined(built("skipping"), 2), part_of(given, 3, number))[1] for number in range(3)]
    for one, first, second, third in zip(found, *each, strict=True):
        np.testing.assert_array_equal(one, (first + second) + third)


def test_replicas_do_not_wait_for_each_other():
    """No pass of one is behind a pass of another. They meet where their gradients are summed."""
    differentiate, given = pipelined(built("residual"), 2, replicas=2), batch()
    call = tf.function(
        lambda: differentiate(given.inputs, given.targets, given.denominators, None).gradients, autograph=False
    )
    operations = call.get_concrete_function().graph.get_operations()
    for own, other in (("replica0/stage", "replica1/stage"), ("replica1/stage", "replica0/stage")):
        mine = [one for one in operations if own in one.name and one.type == "MatMul"]
        assert len(mine) > MICRO_BATCHES
        before = {one for last in mine for one in above(last) if other in one.name}
        # A constant is named after the first pass that reads it.
        assert [one.name for one in before if one.type != "Const"] == []


def test_averages_are_the_means_of_those_of_the_replicas():
    """And each replica normalises over its own micro-batches."""
    model, given = built("normalised"), batch()
    _, found = gradients(pipelined(model, 2, replicas=2), given)
    alone = [built("normalised") for _ in range(2)]
    each = [
        gradients(Accumulated(WholeModel(one, loss), MICRO_BATCHES), part_of(given, 2, number))[1]
        for number, one in enumerate(alone)
    ]
    for one, first, second in zip(found, *each, strict=True):
        np.testing.assert_allclose(one, first + second, rtol=1e-5, atol=1e-6)
    for one, first, second in zip(
        model.non_trainable_variables, *(m.non_trainable_variables for m in alone), strict=True
    ):
        np.testing.assert_allclose(one.numpy(), (first.numpy() + second.numpy()) / 2, rtol=1e-6)


def test_the_state_of_replicas_becomes_one_by_the_rule_of_each_variable():
    rules = tf.VariableAggregation

    def of(value, rule):
        return tf.Variable(value, trainable=False, aggregation=rule)

    state = [
        of(2.0, rules.MEAN),
        of(2.0, rules.NONE),
        of(5, rules.SUM),
        of(5, rules.ONLY_FIRST_REPLICA),
        of(5, rules.NONE),
    ]
    began = [one.read_value() for one in state]
    copies = [
        StageCopy(tuple(state), tuple(tf.Variable(one) for one in values))
        for values in ([5.0, 5.0, 7, 7, 7], [8.0, 8.0, 8, 8, 8])
    ]
    for one in state[2:]:
        one.assign(6)
    merge_states(state, copies, began)
    assert [one.numpy() for one in state] == [5.0, 5.0, 5 + 1 + 2 + 3, 6, 6]


def test_a_replica_without_examples():
    """The last batch of a training may be smaller than the number of replicas."""
    found = gradients(pipelined(built("skipping"), 2, replicas=3), batch(2))[1]
    wanted = gradients(WholeModel(built("skipping"), loss), batch(2))[1]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["residual", "skipping", "masked", "normalised"])
def test_stages_answer_as_the_model_is_served(name):
    model, inputs = built(name), batch().inputs
    stages = pipelined(model, 3)
    answers = StagedAnswers(model, stages.layout, stages.stages, stages.devices)
    np.testing.assert_array_equal(answers(inputs).numpy(), model(inputs, training=False).numpy())


def test_where_the_model_is_cut_changes_no_bit():
    """The cuts follow from measured times, which differ from run to run."""
    found = []
    for place in (0, 2):
        model = built("residual")
        plan = layout(model, "the teacher", "a test")
        blocks = blocks_of(plan, (plan.graph.joints()[place],))
        one = PipelinedModel(Head(model, loss), plan, blocks, ("/cpu:0",) * 2, SCHEDULES["1f1b"](2, 2))
        found.append(gradients(one, batch())[1])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_loss_scale_scales_gradients_and_not_the_value():
    value, found = gradients(pipelined(built("skipping"), 2), batch(), tf.constant(1024.0))
    expected, plain = gradients(WholeModel(built("skipping"), loss), batch())
    assert value == pytest.approx(expected, rel=1e-6)
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_allclose(one / 1024, other, rtol=1e-4, atol=1e-7)


def test_a_batch_that_is_smaller_than_its_micro_batches():
    """The last batch of a training may be. A micro-batch without examples has no part in a mean over activities."""
    model = built("residual")
    given = batch(2)
    found = gradients(pipelined(model, 2), given)[1]
    wanted = gradients(Accumulated(WholeModel(built("residual"), loss), MICRO_BATCHES), given)[1]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_each_stage_does_its_actions_in_the_order_of_the_schedule():
    """The graph says so, not luck: each action is behind the one before it on its stage."""
    model = built("residual")
    differentiate, given = pipelined(model, 2, "1f1b"), batch()
    call = tf.function(
        lambda: differentiate(given.inputs, given.targets, given.denominators, None).gradients, autograph=False
    )
    operations = call.get_concrete_function().graph.get_operations()
    # In the order in which the graph was made: the forward passes of the micro-batches, F0 F1 B0 F2 B1 B2 on stage 0.
    forward = [
        op for op in operations if op.type == "MatMul" and "/first/" in op.name and "gradient" not in op.name
    ]
    backward = [op for op in operations if op.type == "MatMul" and "/first/" in op.name and "gradient" in op.name]
    assert [len(forward), len(backward)] == [MICRO_BATCHES, MICRO_BATCHES]
    behind = [forward[0], forward[1], backward[0], forward[2], backward[1], backward[2]]
    for one, other in itertools.pairwise(behind):
        assert one in above(other), (one.name, other.name)
    assert backward[1] not in above(forward[2])


def test_a_micro_batch_without_examples_changes_no_average():
    """The mean over no example is NaN. Batch normalisation would keep it, and give NaN as a gradient."""
    model, plain = built("normalised"), built("normalised")
    gradients_found = gradients(pipelined(model, 2), batch(2))[1]
    wanted = gradients(Accumulated(WholeModel(plain, loss), 2), batch(2))[1]
    for one, other in zip(gradients_found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
    for one, other in zip(model.non_trainable_variables, plain.non_trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)
