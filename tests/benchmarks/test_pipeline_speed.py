"""The bound, the simulation and the picture of a pipeline, by hand-made times; and the search for the largest model."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.largest_model.search import largest
from benchmarks.pipeline_speed.bound import MeasuredBlock, Plan, gain_bound, simulated_seconds
from benchmarks.pipeline_speed.main import cases
from benchmarks.pipeline_speed.picture import Measured, actions_of, busy_share, drawn
from benchmarks.pipeline_speed.stages import by_size

EQUAL = [MeasuredBlock(1.0, 2.0)] * 8


@pytest.mark.parametrize("stages", [1, 2, 4, 8])
@pytest.mark.parametrize("micro_batches", [1, 2, 8, 16])
@pytest.mark.parametrize("schedule", ["naive", "gpipe", "1f1b"])
def test_equal_blocks_reach_the_bound_of_their_schedule(schedule, stages, micro_batches):
    """One device takes three seconds for each of eight blocks and each micro-batch."""
    one = 3.0 * 8 * micro_batches
    found = simulated_seconds(EQUAL, Plan(schedule, stages, micro_batches))
    assert found == pytest.approx(one / gain_bound(schedule, stages, micro_batches))


@pytest.mark.parametrize(("schedule", "micro_batches"), [("2bw", 4), ("weight_stashing", 1)])
def test_without_a_flush_the_pipe_is_filled_once_for_all_batches(schedule, micro_batches):
    found = simulated_seconds(EQUAL, Plan(schedule, 4, micro_batches), batches=5)
    assert found == pytest.approx(3.0 * 8 * micro_batches / gain_bound(schedule, 4, micro_batches, 5))


def test_eight_stages_against_two_without_a_pipeline():
    """By hand: naive takes 24 s a micro-batch; eight stages take 3 s for each of M + 7."""
    for micro_batches in (1, 8, 32):
        slow = simulated_seconds(EQUAL, Plan("naive", 2, micro_batches, "naive"))
        fast = simulated_seconds(EQUAL, Plan("1f1b", 8, micro_batches))
        assert slow / fast == pytest.approx(24 * micro_batches / (3 * (micro_batches + 7)))


def test_unequal_blocks_and_transfers_cost():
    """By hand: a stage of 1 + 2 s and one of 3 + 3 s, and a transfer of 0.5 s: F0 1, sent, F0 and B0 6, sent, B0 2."""
    blocks = [MeasuredBlock(1.0, 2.0, 5), MeasuredBlock(3.0, 3.0, 7)]
    assert simulated_seconds(blocks, Plan("1f1b", 2, 1, seconds_per_byte=0.1)) == pytest.approx(10.0)


def test_an_action_lasts_from_its_first_operation_to_its_last():
    operations = [
        ("stage0_F0/dense/MatMul:MatMul", 10.0, 11.0),
        ("stage0_F0/dense/Tanh:Tanh", 11.0, 12.0),
        ("while/stage1_F0/dense/MatMul:MatMul", 12.5, 14.0),
        ("stage1_B0/gradient_tape/dense/MatMul:MatMul", 14.0, 16.0),
        ("stage0_B0/gradient_tape/dense/MatMul:MatMul", 16.0, 18.0),
        ("global_norm/L2Loss:L2Loss", 19.0, 20.0),
        ("backstage0_F7/other", 1.0, 2.0),
    ]
    found = actions_of(operations)
    assert found == [
        Measured(0, "F0", 0.0, 2.0), Measured(0, "B0", 6.0, 8.0),
        Measured(1, "F0", 2.5, 4.0), Measured(1, "B0", 4.0, 6.0),
    ]  # fmt: skip
    assert busy_share(found) == pytest.approx((4.0 + 3.5) / 16.0)


def test_time_in_which_two_actions_overlap_counts_once():
    assert (
        busy_share([Measured(0, "F0", 0.0, 2.0), Measured(0, "F1", 1.0, 3.0), Measured(0, "B0", 4.0, 5.0)]) == 0.8
    )


def test_the_picture_has_a_box_for_each_action_at_its_place():
    found = [Measured(0, "F0", 0.0, 1.0), Measured(1, "F0", 1.0, 4.0)]
    root = ET.fromstring(drawn(found, "<naive>"))
    boxes = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.find("*") is not None]
    assert [(float(one.get("x")), float(one.get("width"))) for one in boxes] == [(60.0, 250.0), (310.0, 750.0)]
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"<naive>", "stage 0", "stage 1", "F0"} <= set(texts)


@pytest.mark.parametrize(
    ("limit", "first", "step"), [(0, 8, 1), (1, 8, 1), (42, 8, 1), (42, 100, 1), (42, 8, 4), (3, 8, 4)]
)
def test_the_largest_is_found_with_few_trials(limit, first, step):
    tried = []

    def holds(number):
        tried.append(number)
        return number <= limit

    assert largest(holds, first, step) == limit // step * step
    assert len(tried) == len(set(tried)) <= 10 and all(number % step == 0 for number in tried)


def test_stages_are_as_equal_as_blocks_allow():
    assert by_size([1, 1, 1, 1], 2) == [0, 2]
    assert by_size([8, 1, 1, 1, 1], 2) == [0, 1]


def test_weight_stashing_takes_a_batch_as_one_micro_batch():
    assert cases(["1f1b", "weight_stashing"], [1, 2]) == [("1f1b", 1), ("1f1b", 2), ("weight_stashing", 1)]
