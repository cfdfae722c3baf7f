"""Every schedule for many numbers of stages and micro-batches: its order, its memory, its time, its weights."""

import importlib
import itertools

import pytest

from limbeck.errors import ConfigError
from limbeck.trainer.pipelining.schedule import Schedule
from limbeck.trainer.pipelining.schedules.registry import SCHEDULES, SYNCHRONOUS
from limbeck.trainer.pipelining.timeline import Durations, drawn, makespan, timeline

COUNTS = list(itertools.product((1, 2, 3, 4, 8), (1, 2, 3, 8, 16), (1, 2, 3)))
DRAWN = {"naive": (3, 2), "gpipe": (3, 4), "1f1b": (3, 4), "2bw": (3, 4, 2), "weight_stashing": (3, 4)}


def made(name: str) -> list[tuple[int, int, int, Schedule]]:
    """The schedule for all counts that it takes."""
    counts = [c for c in COUNTS if name != "2bw" or c[1] >= c[0] - 1]
    return [(*c, SCHEDULES[name](*c)) for c in counts]


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_drawing_in_its_docstring_is_the_schedule(name: str):
    module = importlib.import_module(SCHEDULES[name].__module__)
    lines = [line.strip() for line in module.__doc__.splitlines() if line.startswith("    stage")]
    assert "\n".join(lines) == drawn(SCHEDULES[name](*DRAWN[name]))


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_micro_batch_goes_forward_and_backward_on_every_stage(name: str):
    for stages, micro_batches, batches, schedule in made(name):
        assert len(schedule.stages) == stages
        updates = batches if name != "weight_stashing" else micro_batches * batches
        for actions in schedule.stages:
            kinds = [action.kind for action in actions]
            assert kinds.count("forward") == kinds.count("backward") == micro_batches * batches
            assert [a.number for a in actions if a.kind == "update"] == list(range(updates))
            assert len(set(actions)) == len(actions)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_merged_order_respects_what_each_action_needs(name: str):
    """From the definition: a forward pass after the stage before, a backward pass after the stage behind."""
    for stages, _, _, schedule in made(name):
        merged = list(schedule.merged())
        place = {(s, a.kind, a.number): at for at, (s, a) in enumerate(merged)}
        assert len(merged) == len(place) == sum(map(len, schedule.stages))
        for (stage, kind, number), at in place.items():
            if kind == "forward" and stage > 0:
                assert place[stage - 1, "forward", number] < at
            if kind == "backward":
                assert place[stage, "forward", number] < at
                assert stage == stages - 1 or place[stage + 1, "backward", number] < at
        for stage, actions in enumerate(schedule.stages):
            assert [a for s, a in merged if s == stage] == list(actions)


def test_so_many_micro_batches_are_alive():
    for name in SCHEDULES:
        for stages, micro_batches, batches, schedule in made(name):
            total = micro_batches * (batches if name in {"2bw", "weight_stashing"} else 1)
            for stage in range(stages):
                most = {"naive": 1, "gpipe": micro_batches}.get(name, min(stages - stage, total))
                assert schedule.alive(stage) == most, (name, stages, micro_batches, stage)


def test_so_many_versions_of_the_weights_are_held():
    for name in SCHEDULES:
        for stages, micro_batches, batches, schedule in made(name):
            for stage in range(stages):
                held = schedule.versions(stage)
                if name in SYNCHRONOUS:
                    assert held == 1
                elif name == "2bw":
                    assert held <= 2
                elif micro_batches * batches >= 2 * (stages - stage):
                    assert held == stages - stage
                else:
                    # The pipe runs empty before so many are read.
                    assert held <= stages - stage


@pytest.mark.parametrize("name", ["gpipe", "1f1b"])
def test_a_flush_takes_as_long_as_the_papers_say(name: str):
    """(M + K - 1) times a micro-batch, for each batch."""
    for stages, micro_batches, batches, schedule in made(name):
        spans = timeline(schedule, Durations.equal(stages, forward=1, backward=2))
        assert makespan(spans) == 3 * (micro_batches + stages - 1) * batches


def test_naive_takes_as_long_as_one_device():
    for stages, micro_batches, batches, schedule in made("naive"):
        assert makespan(timeline(schedule, Durations.equal(stages))) == 2 * stages * micro_batches * batches


@pytest.mark.parametrize("name", ["2bw", "weight_stashing"])
def test_without_a_flush_the_pipe_is_filled_once(name: str):
    for stages, micro_batches, batches, schedule in made(name):
        spans = timeline(schedule, Durations.equal(stages, forward=1, backward=2))
        assert makespan(spans) == 3 * (micro_batches * batches + stages - 1)


def test_weights_are_as_old_as_the_papers_say():
    for stages, _, _, schedule in made("weight_stashing"):
        for stage, actions in enumerate(schedule.stages):
            for action in (a for a in actions if a.kind != "update"):
                # Update n is made of micro-batch n, so the newest weights would be `number` updates old.
                assert action.version == max(0, action.number - (stages - 1 - stage))
    for _, micro_batches, _, schedule in made("2bw"):
        for action in (a for actions in schedule.stages for a in actions if a.kind != "update"):
            assert action.version == max(0, action.number // micro_batches - 1)


@pytest.mark.parametrize("name", SYNCHRONOUS)
def test_synchronous_schedules_read_the_newest_weights(name: str):
    for _, micro_batches, _, schedule in made(name):
        for action in (a for actions in schedule.stages for a in actions if a.kind != "update"):
            assert action.version == action.number // micro_batches


def test_two_versions_are_too_few_for_fewer_micro_batches():
    with pytest.raises(ConfigError, match="needs at least 3 micro-batches for 4 stages, received 2"):
        SCHEDULES["2bw"](4, 2)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    ("counts", "what"), [((0, 1), "stages"), ((1, 0), "micro-batches"), ((1, 1, 0), "batches")]
)
def test_nothing_has_no_schedule(name: str, counts: tuple[int, ...], what: str):
    with pytest.raises(ConfigError, match=f"{what}, received 0"):
        SCHEDULES[name](*counts)
