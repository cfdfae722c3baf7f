"""Shows a run while it is running: a line for each finished node, and one live line for the current work."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from limbeck.events import parse

_QUIET_SECONDS = 15.0


class RunProgress:
    """Reads the events of a run from their file, and prints them.

    On a terminal, the live line is redrawn in place. Elsewhere (a CI log), it is printed every 15 seconds.
    """

    def __init__(
        self, events: Path, console: Console | None = None, silent: Collection[str] = frozenset()
    ) -> None:
        """Takes the file to which the run appends its events, and the nodes whose notes are not shown."""
        self._file = events.open(encoding="utf-8")
        self._console = console or Console(highlight=False)
        self._rest = ""
        self._nodes: list[str] = []
        self._done = 0
        self._doing, self._detail, self._silent = "starting", "", silent
        self._since = self._printed = time.monotonic()
        self._live = Live(console=self._console, transient=True, refresh_per_second=4, get_renderable=self._line)

    def __enter__(self) -> RunProgress:
        """Starts the live line if there is a terminal."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes the live line."""
        self._live.stop()
        self._file.close()

    def update(self) -> None:
        """Reads the events since the last call."""
        self._rest += self._file.read()
        *lines, self._rest = self._rest.split("\n")
        for event in map(parse, lines):
            if event is not None:
                self._take(event)
        if not self._console.is_terminal and time.monotonic() - self._printed > _QUIET_SECONDS:
            self._console.print(self._line())
            self._printed = time.monotonic()

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "pipeline":
            self._nodes = event["nodes"]
        elif kind == "node_started":
            self._begin(event["node"])
        elif kind == "node_finished":
            self._done += 1
            took = "cached" if event["cached"] else f"{event['seconds']:.1f} s"
            self._console.print(f"{self._counter(self._done)} {event['node']:18} {took:>8}")
            self._printed = time.monotonic()
            if self._done == len(self._nodes):
                self._begin("finishing")
        elif kind == "note" and self._doing not in self._silent:
            self._note(event["text"])
        elif kind == "restarting":
            self._note(restarting_line(event))
        elif kind == "resumed":
            self._note(f"{event['entry']} {event['member'] + 1} goes on from step {event['step']}")
        elif kind == "phase":
            self._detail = event["what"]
        elif kind == "training":
            self._detail = training_line(event)

    def _note(self, text: str) -> None:
        self._console.print(f"        {text}", markup=False)
        self._printed = time.monotonic()

    def _begin(self, node: str) -> None:
        self._doing, self._detail, self._since = node, "", time.monotonic()

    def _counter(self, number: int) -> str:
        return f"  {number:2}/{len(self._nodes)}" if number <= len(self._nodes) else "      "

    def _line(self) -> Text:
        seconds = time.monotonic() - self._since
        detail = f"  {self._detail}" if self._detail else ""
        return Text(f"{self._counter(self._done + 1)} {self._doing:18} {seconds:6.0f} s{detail}")


def training_line(event: dict[str, Any]) -> str:
    """Returns the text of a `training` event: `teacher 2/5, step 300/608, loss 0.1234`.

    In a search it is `student, trial 2/8, step 300/608, loss 0.1234`.
    """
    of = f" {event['member'] + 1}/{event['members']}" if event["members"] > 1 else ""
    trial = f", {event['trial']}" if "trial" in event else ""
    return f"{event['entry']}{of}{trial}, step {event['step']}/{event['steps']}, loss {event['loss']:.4f}"


def restarting_line(event: dict[str, Any]) -> str:
    """Returns the text of a `restarting` event: `teacher chief was killed by SIGKILL: restart 1 of 3 in 2 s`."""
    if event["restart"] is None:
        return f"{event['reason']}: started again"
    pause = f" in {event['seconds']:.0f} s" if event["seconds"] >= 1 else ""
    return f"{event['reason']}: restart {event['restart']} of {event['restarts']}{pause}"
