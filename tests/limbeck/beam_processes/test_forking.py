"""Workers of Beam's local runner that are forks: what they are, what they leave, and how their death is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from limbeck.beam_processes import fork_server, forking
from limbeck.launchers.local import forks
from limbeck.settings.beam import BeamConfig
from tests import children
from tests.limbeck.beam_processes import steps

pytestmark = pytest.mark.long

FLAGS = BeamConfig(workers=2).flags()
PATIENCE_SECONDS = 30


def parent(number: int) -> str:
    """What started the worker, and which process it is."""
    return f"{number} {os.getppid()} {os.getpid()}"


def edited(number: int, folder: str) -> str:
    """What a module of a user says now."""
    sys.path.insert(0, folder)
    from edited_module import SAID

    return f"{number} {SAID}"


def lines(output: Path) -> list[list[str]]:
    found = [line.split() for path in output.parent.glob("out*") for line in path.read_text().splitlines()]
    assert sorted(int(number) for number, *_ in found) == list(range(40))
    return found


def run(step: object, folder: Path, *arguments: str, flags: Sequence[str] = FLAGS) -> list[list[str]]:
    folder.mkdir()
    steps.run(step, flags, folder / "out", *arguments)
    return lines(folder / "out")


def test_the_runner_is_of_beams_own_type():
    """TensorFlow Transform and Beam look at the type itself, and a subclass gets other threads."""
    from apache_beam.runners.direct.direct_runner import DirectRunner

    assert type(forking.runner()) is DirectRunner


@pytest.mark.processes
def test_workers_are_forks_of_one_process_and_leave_nothing(tmp_path: Path):
    first, second = run(parent, tmp_path / "first"), run(parent, tmp_path / "second")
    [server] = children.running(fork_server.__name__)
    assert {int(one[1]) for one in (*first, *second)} == {server.pid}
    workers = {int(one[2]) for one in (*first, *second)}
    assert len(workers) == 4
    assert server.children() == []

    with pytest.raises(RuntimeError, match="a Beam worker was killed by SIGKILL"):
        steps.run(steps.die, FLAGS, tmp_path / "out")
    assert list(tmp_path.glob("out*")) == []
    assert server.children() == []

    forks.stop()
    assert not server.is_running()


@pytest.mark.processes
def test_workers_see_an_edit_between_two_pipelines(tmp_path: Path):
    module = tmp_path / "edited_module.py"
    for said in ("before", "behind"):
        module.write_text(f"SAID = '{said}'\n", encoding="utf-8")
        assert {one[1] for one in run(edited, tmp_path / said, str(tmp_path))} == {said}


@pytest.mark.processes
def test_beam_starts_the_workers_where_no_fork_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(forks.Forks, "_is_safe", lambda *_: False)
    forks.stop()
    found = run(parent, tmp_path / "first")
    assert children.running(fork_server.__name__) == []
    assert {int(one[2]) for one in found}.isdisjoint({os.getpid()})
