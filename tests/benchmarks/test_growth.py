"""What the benchmark of growth measures of some work."""

from __future__ import annotations

import time

from benchmarks.growth.main import cost_of


def test_memory_that_was_given_back_counts():
    def work() -> None:
        held = b"x" * (80 << 20)
        ends = time.process_time() + 0.2
        while time.process_time() < ends:
            pass
        del held

    cost = cost_of(work)
    assert cost.memory >= 75
    assert cost.wall >= 0.2
    assert cost.processor >= 0.2
