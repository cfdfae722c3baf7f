"""However a run ends, no process of it lives on.

The processes are found by a mark in their environment, which every one of them inherits; their command lines do not
say which run they belong to.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from limbeck.beam_processes import fork_server
from tests import children
from tests.integration.runs import PROJECT, SHORT

pytestmark = [pytest.mark.pipeline, pytest.mark.alone, pytest.mark.long]

MARK = "LIMBECK_TEST_MARK"
PATIENCE_SECONDS = 300.0
# What the issue promises.
SECONDS_TO_LIVE = 5.0


def start(root: Path, *settings: str) -> subprocess.Popen[bytes]:
    arguments = [argument for setting in (*SHORT, *settings) for argument in ("--set", setting)]
    command = [sys.executable, str(PROJECT / "pipeline.py"), "run", "--task", "digits", "--root", str(root)]
    return subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, MARK: str(root)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def living(root: Path) -> list[psutil.Process]:
    """Every process of the run that is no zombie."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Looks again and again, for there is no event to wait for in a foreign process."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def happened(root: Path, **wanted: object) -> bool:
    events = root / "logs" / "events.jsonl"
    if not events.exists():
        return False
    lines = [line for line in events.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    return any(wanted.items() <= json.loads(line).items() for line in lines)


def command_lines(root: Path) -> str:
    return "\n".join(" ".join(children.command(process)) for process in living(root))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        # The handler is that of SIGTERM; test_signals.py in tests/cli sends both.
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.release),
        (signal.SIGTERM, 143),
        (signal.SIGKILL, -9),
    ],
    ids=str,
)
def test_nothing_survives_a_signal_in_beam(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Beam's worker processes ignore the death of those who started them, and were seen alive 16 s after it."""
    root = tmp_path / "root"
    run = start(root, "beam.workers=2")
    try:
        assert until(lambda: fork_server.NAME in {one.name() for one in living(root)}, PATIENCE_SECONDS)
        run.send_signal(number)
        began = time.monotonic()
        assert until(lambda: not living(root), SECONDS_TO_LIVE), command_lines(root)
        assert run.wait() == code
        assert time.monotonic() - began < SECONDS_TO_LIVE
    finally:
        for process in living(root):
            process.kill()
    if number != signal.SIGKILL:
        assert json.loads((root / "report.json").read_text(encoding="utf-8"))["outcome"] == "stopped"


def test_nothing_survives_a_kill_on_an_engine_of_the_run(tmp_path: Path) -> None:
    """A job service, a pool and its workers: three generations, none of which Beam would end."""
    root = tmp_path / "root"
    run = start(root, "beam.engine=portable")
    try:
        assert until(lambda: happened(root, event="node_started", node="ExampleGen"), PATIENCE_SECONDS)
        lines = command_lines(root)
        assert all(f"limbeck.beam_processes.{name}" in lines for name in ("job_service", "pool", "boot"))
        run.kill()
        assert until(lambda: not living(root), SECONDS_TO_LIVE), command_lines(root)
        run.wait()
    finally:
        for process in living(root):
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda v: v.name)
def test_nothing_survives_a_signal_in_training(number: signal.Signals, tmp_path: Path) -> None:
    """The training processes are grandchildren, and wait for one another in C++."""
    root = tmp_path / "root"
    run = start(root, "teachers.epochs=2000")
    try:
        assert until(lambda: happened(root, event="training", entry="teacher"), PATIENCE_SECONDS)
        assert {"chief-0", "worker-0"} <= {process.name() for process in living(root)}
        run.send_signal(number)
        assert until(lambda: not living(root), SECONDS_TO_LIVE), command_lines(root)
        run.wait()
    finally:
        for process in living(root):
            process.kill()


def test_nothing_survives_the_process_that_runs_the_pipeline(tmp_path: Path) -> None:
    """As when memory runs out: the kernel kills the largest process, and the command line must still report."""
    root = tmp_path / "root"
    run = start(root, "beam.workers=2")
    try:
        assert until(lambda: fork_server.NAME in {one.name() for one in living(root)}, PATIENCE_SECONDS)
        [runner] = [
            process for process in living(root) if "limbeck.cli.local_run.runner" in children.command(process)
        ]
        runner.kill()
        assert until(lambda: not living(root), SECONDS_TO_LIVE), command_lines(root)
        assert run.wait() == 1
    finally:
        for process in living(root):
            process.kill()
    report = json.loads((root / "report.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "failed"
    assert "was killed by SIGKILL" in report["error"]
