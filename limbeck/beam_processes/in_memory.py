"""Finds out whether Beam's local runner runs a pipeline, and how much it keeps in memory.

The local runner keeps in memory all rows that one stage passes to the next by a shuffle, or that are read twice.
Between several workers a shuffle is needed. A single process that reads, computes and writes row by row needs memory
for some rows only. So steps in one process do not shuffle. A step that needs a shuffle is refused if its rows cannot
fit.
"""

from __future__ import annotations

from typing import Any

from apache_beam.options.pipeline_options import DirectOptions, StandardOptions

from limbeck.engines.local import FORKING

REMEDY = "give it more memory, take an engine that keeps rows on disks (beam.engine=flink), or use fewer rows"
_LOCAL = (None, "DirectRunner", "SwitchingDirectRunner", FORKING)


def is_local(options: Any) -> bool:
    """Returns whether the local runner runs pipelines with these `PipelineOptions`."""
    return options.view_as(StandardOptions).runner in _LOCAL


def is_alone(options: Any) -> bool:
    """Returns whether one process does all work of a pipeline with these `PipelineOptions`."""
    direct = options.view_as(DirectOptions)
    return is_local(options) and direct.direct_num_workers == 1 and direct.direct_running_mode == "in_memory"
