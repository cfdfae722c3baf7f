"""What the command line prints at the end of a check."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.cli.checking import estimate
from limbeck.cli.checking.outcome import Outcome
from limbeck.cli.checking.remarks import remarks
from limbeck.counted import counted
from limbeck.examples import SPLITS
from limbeck.settings.config import Config


def lines(outcome: Outcome, config: Config, seconds: float) -> Iterator[str]:
    """Yields the lines.

    Args:
      outcome: what the check found out.
      config: the settings of the run.
      seconds: duration of the check.
    """
    yield f"nothing stands in the way of a run; the check took {estimate.duration(seconds)}"
    data = outcome.data
    read = ", ".join(
        f"{data.rows[split]:,} of {_about(data.rows[split], data.all_rows[split])} of {split}"
        for split in SPLITS
        if split in data.rows
    )
    yield f"rows that were read: {read}"
    answers = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(outcome.answers.items()))
    yield f"one request to the exported student was answered: {answers}"
    odd = remarks(data)
    yield "what is odd about these rows:" if odd else "nothing is odd about these rows"
    yield from (f"  - {remark}" for remark in odd)
    yield from _time(outcome, config)


def _time(outcome: Outcome, config: Config) -> Iterator[str]:
    parts = estimate.parts(outcome, config)
    total = sum(part.seconds for part in parts) + outcome.data_seconds
    yield f"a run takes at least {estimate.duration(total)}; this is an estimate:"
    for part in parts:
        yield (
            f"  {part.what}: {part.models} x {counted(part.steps, 'step')} of {1000 * part.step_seconds:.3g} ms, and "
            f"{estimate.duration(part.start_seconds)} to start and to export: {estimate.duration(part.seconds)}"
        )
    yield (
        f"  reading, describing and transforming the data: {estimate.duration(outcome.data_seconds)} for these rows, "
        "and more for more"
    )
    yield "  soft targets, evaluation and latency are not measured; nor is a loss of time by several processes"


def _about(rows: int, all_rows: int) -> str:
    return f"{all_rows:,}" if rows == all_rows else f"about {all_rows:,}"
