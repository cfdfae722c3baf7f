"""A schedule that cannot run, or that would train on other weights, is refused when it is made."""

import pytest

from limbeck.trainer.pipelining.schedule import Schedule, backward, forward, update
from limbeck.trainer.pipelining.timeline import Durations, makespan, timeline

F0, B0, F1, B1 = forward(0), backward(0), forward(1), backward(1)


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        (((F0, B0), (F0, F0, B0)), "twice"),
        (((F0, B0), (F0,)), "every stage computes every micro-batch, but stage 1"),
        (((F0, B0), (F1, B1)), "every stage computes every micro-batch, but stage 1"),
        (((B0, F0),), "goes back through the weights that it came through, but B0 of stage 0"),
        (((F0, B0, F1, B1), (F1, B1, F0, B0)), r"wait for each other for ever, at \['B0', 'F1'\]"),
        (((forward(0, 1), backward(0, 1), update(0)),), "reads weights that it has not written, at F0"),
        (((F0, update(0), backward(0, 1)),), "B0 of stage 0 reads version 1, and its forward pass 0"),
        (((F0, B0, update(1)),), "reads weights that it has not written, at U1"),
    ],
)
def test_what_is_no_schedule(stages: tuple, says: str):
    with pytest.raises(ValueError, match=says):
        Schedule(stages)


def test_time_counts_transfers_and_the_stage_that_is_slowest():
    """By hand: stage 1 receives at 1 + 0.5, computes until 3.5 and 7.5; its gradient is back at 8."""
    schedule = Schedule(((F0, B0, update(0)), (F0, B0, update(0))))
    spans = timeline(schedule, Durations([1, 2], [3, 4], [0.25, 0.75], [0.5]))
    assert {(span.stage, str(span.action)): (span.begin, span.end) for span in spans} == {
        (0, "F0"): (0, 1),
        (1, "F0"): (1.5, 3.5),
        (1, "B0"): (3.5, 7.5),
        (0, "B0"): (8, 11),
        (1, "U0"): (7.5, 8.25),
        (0, "U0"): (11, 11.25),
    }
    assert makespan(spans) == 11.25


@pytest.mark.parametrize(("forward_", "transfer"), [([1], [1]), ([1, 1], [])])
def test_durations_are_those_of_the_stages(forward_: list[int], transfer: list[int]):
    with pytest.raises(ValueError, match="durations"):
        timeline(Schedule(((F0, B0),)), Durations(forward_, forward_, forward_, transfer))
    with pytest.raises(ValueError, match="1 stages need as many durations, received 2"):
        timeline(Schedule(((F0, B0),)), Durations.equal(2))
