"""What the terminal shows of the events of a run."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from limbeck import events
from limbeck.cli.local_run.progress import RunProgress, restarting_line, training_line
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError
from limbeck.launchers.supervisor import supervise
from limbeck.settings.recovery import RecoveryConfig


class Screen:
    """A file of events, and what is printed of it."""

    def __init__(self, path: Path, terminal: bool = False) -> None:
        path.touch()
        self.path = path
        self.console = Console(file=io.StringIO(), force_terminal=terminal, width=120, highlight=False)
        self.progress = RunProgress(path, self.console)

    def emit(self, kind: str, **fields: Any) -> None:
        self.write(json.dumps({"event": kind, "time": 0.0, **fields}) + "\n")

    def write(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)

    @property
    def text(self) -> str:
        return self.console.file.getvalue()

    @property
    def last_shown(self) -> str:
        """The last line that a terminal showed before it was erased."""
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)
        return [line for line in re.split(r"[\r\n]", plain) if line.strip()][-1]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    made = Screen(tmp_path / "events.jsonl")
    with made.progress:
        yield made


def test_finished_nodes_are_counted_and_cached_ones_say_so(screen: Screen):
    screen.emit("pipeline", nodes=["SchemaGen", "Transform", "Gate"])
    screen.emit("node_started", node="SchemaGen")
    screen.emit("node_finished", node="SchemaGen", cached=True, seconds=0.01)
    screen.emit("node_started", node="Transform")
    screen.emit("node_finished", node="Transform", cached=False, seconds=12.34)
    screen.emit("node_started", node="Gate")
    screen.progress.update()

    assert [line.split() for line in screen.text.splitlines()] == [
        ["1/3", "SchemaGen", "cached"],
        ["2/3", "Transform", "12.3", "s"],
    ]


def test_nothing_is_printed_twice(screen: Screen):
    screen.emit("pipeline", nodes=["Gate"])
    screen.emit("node_finished", node="Gate", cached=False, seconds=1.0)
    screen.progress.update()
    once = screen.text
    screen.progress.update()

    assert screen.text == once != ""


def test_a_half_written_line_waits_for_its_end(screen: Screen):
    screen.emit("pipeline", nodes=["Gate"])
    line = json.dumps({"event": "node_finished", "node": "Gate", "cached": False, "seconds": 1.5})
    screen.write(line[:20])
    screen.progress.update()
    assert screen.text == ""

    screen.write(line[20:])
    screen.progress.update()
    assert screen.text == ""

    screen.write("\n")
    screen.progress.update()
    assert screen.text.split() == ["1/1", "Gate", "1.5", "s"]


def test_events_as_processes_emit_them_are_understood(screen: Screen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(events.ENVIRONMENT, str(screen.path))
    events.emit("failed", user=True, message="nothing to show here")
    events.emit("pipeline", nodes=["Gate"])
    events.emit("node_finished", node="Gate", cached=True, seconds=0.0)
    screen.progress.update()

    assert screen.text.split() == ["1/1", "Gate", "cached"]


def test_a_note_is_shown_as_it_is(screen: Screen):
    screen.emit("note", text="feature 'size [cm]' added: [bold]FLOAT[/bold]")
    screen.progress.update()

    assert screen.text == "        feature 'size [cm]' added: [bold]FLOAT[/bold]\n"


def test_a_restart_is_shown_as_a_note(screen: Screen):
    screen.emit("restarting", reason="r [bold]", attempt=2, restart=1, restarts=3, seconds=2.0)
    screen.progress.update()

    assert screen.text == "        r [bold]: restart 1 of 3 in 2 s\n"


def test_where_a_training_goes_on_is_shown_as_a_note(screen: Screen):
    screen.emit("resumed", entry="teacher", member=1, step=500)
    screen.progress.update()

    assert screen.text == "        teacher 2 goes on from step 500\n"


def test_a_restart_as_the_supervisor_emits_it_is_shown(screen: Screen, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(events.ENVIRONMENT, str(screen.path))
    errors = [AttemptPreemptedError("student chief was pre-empted"), AttemptFailedError("student chief died", [])]

    def attempt() -> None:
        if errors:
            raise errors.pop()

    supervise(attempt, RecoveryConfig(), wait=lambda _: None)
    screen.progress.update()

    assert screen.text.splitlines() == [
        "        student chief died: restart 1 of 3 in 1 s",
        "        student chief was pre-empted: started again",
    ]


@pytest.mark.parametrize(("seconds", "pause"), [(0.0, ""), (0.5, ""), (1.0, " in 1 s"), (16.0, " in 16 s")])
def test_a_pause_is_told_where_somebody_would_notice_it(seconds: float, pause: str):
    event = {"reason": "it died", "restart": 2, "restarts": 3, "seconds": seconds}

    assert restarting_line(event) == f"it died: restart 2 of 3{pause}"


def test_on_a_terminal_the_live_line_says_what_is_at_work(tmp_path: Path):
    screen = Screen(tmp_path / "events.jsonl", terminal=True)
    with screen.progress:
        screen.emit("pipeline", nodes=["Transform", "TeacherTrainer"])
        screen.emit("node_finished", node="Transform", cached=False, seconds=1.0)
        screen.emit("node_started", node="TeacherTrainer")
        screen.emit("training", entry="teacher", member=1, members=5, step=30, steps=600, loss=0.25)
        screen.progress.update()

    assert "2/2 TeacherTrainer" in screen.last_shown
    assert "teacher 2/5, step 30/600, loss 0.2500" in screen.last_shown


def test_the_detail_of_one_node_does_not_stay_for_the_next(tmp_path: Path):
    screen = Screen(tmp_path / "events.jsonl", terminal=True)
    with screen.progress:
        screen.emit("node_started", node="TeacherTrainer")
        screen.emit("phase", what="exporting the model")
        screen.emit("node_started", node="Gate")
        screen.progress.update()

    assert "Gate" in screen.last_shown
    assert "exporting" not in screen.last_shown


def test_what_follows_the_last_node_is_no_node(tmp_path: Path):
    """It was shown as the node 2 of 1."""
    screen = Screen(tmp_path / "events.jsonl", terminal=True)
    with screen.progress:
        screen.emit("pipeline", nodes=["Gate"])
        screen.emit("node_started", node="Gate")
        screen.emit("node_finished", node="Gate", cached=False, seconds=1.0)
        screen.emit("phase", what="looking at the data")
        screen.progress.update()
    assert re.fullmatch(r"\s+finishing\s+0 s  looking at the data", screen.last_shown)


@pytest.mark.parametrize(
    ("members", "line"),
    [(1, "student, step 8/10, loss 1.2346"), (3, "student 1/3, step 8/10, loss 1.2346")],
)
def test_members_are_counted_where_there_are_several(members: int, line: str):
    event = {"entry": "student", "member": 0, "members": members, "step": 8, "steps": 10, "loss": 1.23456}

    assert training_line(event) == line
