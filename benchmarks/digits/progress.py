"""Shows the progress of the benchmark: a line for each finished training, and a bar with the time left."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

from rich import progress
from rich.console import Console

# Teachers and students take turns, and other programs use the machine. So the estimate follows the last ten minutes.
_ESTIMATED_SECONDS = 600.0


class BenchmarkProgress:
    """Shows phases and their trainings on a terminal or, without the bar, in a log."""

    def __init__(self, terminal: TextIO) -> None:
        """Takes the stream to write to."""
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=Console(file=terminal, highlight=False),
            speed_estimate_period=_ESTIMATED_SECONDS,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: progress.TaskID | None = None

    def __enter__(self) -> BenchmarkProgress:
        """Starts drawing."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the bars as they are."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Prints a line."""
        self._bar.console.print(text, markup=False, soft_wrap=True)

    def begin(self, phase: str, trainings: int) -> None:
        """Starts a phase with this number of trainings."""
        self._task = self._bar.add_task(phase, total=trainings)

    def advance(self, text: str) -> None:
        """Marks one training of the phase as finished."""
        self.say(text)
        if self._task is not None:
            self._bar.advance(self._task)
