"""What is said of the measurements: a line for each server, in Markdown. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

OURS, PEER = "Limbeck", "Triton"
# What each calls the processes that hold the model.
_COPIES = {OURS: "workers", PEER: "instances"}


@dataclasses.dataclass(frozen=True)
class Setup:
    """What was measured.

    Attributes:
      model: its name in the table.
      server: OURS or PEER.
      batch: the most examples in a call; 1 is no batching.
      instances: processes that hold the model.
    """

    model: str
    server: str
    batch: int
    instances: int = 1


@dataclasses.dataclass(frozen=True)
class Figures:
    """One round of one setup.

    Attributes:
      highest: the highest rate that held, in requests/s.
      processor: milliseconds of processor time of the server for a request at that rate.
      rate: a rate that all servers of the model bear, in requests/s.
      p50: median latency at it, in ms.
      p99: within which 99 % were answered at it, in ms.
      late: within how many ms of their arrival the client began with 99 % of the requests at it.
    """

    highest: float
    processor: float
    rate: float
    p50: float
    p99: float
    late: float


def medians(rounds: Sequence[Figures]) -> Figures:
    """Returns the median of each figure. Raises ValueError if there is no round."""
    if not rounds:
        raise ValueError("there must be at least one round; received none")
    columns = zip(*[dataclasses.astuple(one) for one in rounds], strict=True)
    return Figures(*[statistics.median(column) for column in columns])


def peer(measured: dict[Setup, Figures], setup: Setup) -> float | None:
    """Returns the highest rate of the best peer with the same model and kind of batching; None if there is none."""
    rates = [
        figures.highest
        for one, figures in measured.items()
        if one.server == PEER and one.model == setup.model and (one.batch > 1) == (setup.batch > 1)
    ]
    return max(rates, default=None)


def lines(rounds: dict[Setup, list[Figures]]) -> list[str]:
    """Returns the table."""
    measured = {setup: medians(figures) for setup, figures in rounds.items()}
    told = [
        "| model | server | batch | requests/s | × Triton | CPU, ms a request | at requests/s | p50, ms | p99, ms |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for setup, one in measured.items():
        best = peer(measured, setup)
        ratio = f"{one.highest / best:.2f}" if best and setup.server == OURS else ""
        name = (
            setup.server if setup.instances == 1 else f"{setup.server}, {setup.instances} {_COPIES[setup.server]}"
        )
        told.append(
            f"| {setup.model} | {name} | {'no' if setup.batch == 1 else setup.batch} | {one.highest:,.0f} | {ratio} | "
            f"{one.processor:.2f} | {one.rate:,.0f} | {one.p50:.1f} | {one.p99:.1f} |"
        )
    return told


def against(rounds: dict[Setup, list[Figures]], model: str, base: str) -> list[str]:
    """Returns how many times as many requests/s a model serves as another one, in each of our ways of serving."""
    best = {setup: medians(figures).highest for setup, figures in rounds.items() if setup.server == OURS}
    told = []
    for setup, rate in best.items():
        other = best.get(dataclasses.replace(setup, model=base))
        if setup.model == model and other:
            kind = "without batches" if setup.batch == 1 else f"in batches of {setup.batch}"
            kind += "" if setup.instances == 1 else f", {setup.instances} workers"
            told.append(f"{model}, {kind}: {rate / other:.1f} × the requests/s of {base}.")
    return told
