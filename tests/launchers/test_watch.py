"""Which end of a process ends an attempt, without a process."""

from __future__ import annotations

import queue
from pathlib import Path

from limbeck.launchers.failure import Ending, Exit
from limbeck.launchers.heartbeat import Pulses
from limbeck.launchers.watch import watch


def watched(folder: Path, *exits: Exit, expendable: frozenset[int] = frozenset({1, 2})) -> Ending:
    """A chief, two workers and a server; the ends come in this order."""
    ends: queue.SimpleQueue[Exit] = queue.SimpleQueue()
    for one in exits:
        ends.put(one)
    failures = {rank: str(folder / f"failure-{rank}") for rank in range(4)}
    pulses = Pulses({rank: str(folder / f"beat-{rank}") for rank in range(4)}, 60.0)
    return watch(ends, failures, pulses, 0.0, serving=frozenset({1, 2, 3}), expendable=expendable)


def test_an_attempt_is_over_when_the_chief_is_and_nobody_waits_for_who_serves(tmp_path: Path):
    assert watched(tmp_path, Exit(0, 0)) == Ending((), {})


def test_a_lost_worker_is_no_failure_as_long_as_another_lives(tmp_path: Path):
    assert watched(tmp_path, Exit(1, -9), Exit(0, 0)) == Ending((), {})


def test_the_last_worker_is(tmp_path: Path):
    assert watched(tmp_path, Exit(1, -9), Exit(2, -9), Exit(0, 0)).failed == (Exit(2, -9),)


def test_a_lost_server_is_even_if_it_says_that_all_is_well(tmp_path: Path):
    assert watched(tmp_path, Exit(3, -9), Exit(0, 0)).failed == (Exit(3, -9),)
    assert watched(tmp_path, Exit(3, 0), Exit(0, 0)).failed[0] == Exit(3, 0)


def test_a_lost_chief_is(tmp_path: Path):
    assert watched(tmp_path, Exit(0, 1)).failed == (Exit(0, 1),)
