"""A run that is told to stop: at once, with nothing left behind, and with a report."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from limbeck import events
from limbeck.cli.local_run.run_folder import RunFolder
from tests.cli import program

pytestmark = pytest.mark.processes
# Long, as other processes may have the machine: how fast a run ends is the affair of tests/integration/test_kill.py.
START_SECONDS = 120
STOP_SECONDS = 60


def start(folder: RunFolder, **variables: str) -> subprocess.Popen[str]:
    """Starts a run with these variables too, and waits until its runner has emitted its first event."""
    run = popen("run", "--root", str(folder.root), **variables)
    wait(run, lambda: folder.events.exists() and "\n" in folder.events.read_text(encoding="utf-8"))
    return run


def popen(verb: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Starts a verb for the task `digits`."""
    command = [sys.executable, str(program.PIPELINE), verb, "--task", "digits", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=program.environment() | variables
    )


def wait(run: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Waits until a process has reached something."""
    end = time.monotonic() + START_SECONDS
    while not reached():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end, "the runner did not start"
        time.sleep(0.05)


def of_the_run(folder: RunFolder) -> list[psutil.Process]:
    """Every living process that was started for the run: all inherit where its events go."""

    def belongs(process: psutil.Process) -> bool:
        try:
            marked = process.environ().get(events.ENVIRONMENT) == str(folder.events)
            return marked and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_the_run_with_all_its_processes_and_a_report(
    tmp_path: Path, number: signal.Signals, code: int
):
    folder = RunFolder(tmp_path / "root")
    run = start(folder)
    assert of_the_run(folder)

    run.send_signal(number)
    out, err = run.communicate(timeout=STOP_SECONDS)

    assert run.returncode == code, err
    assert of_the_run(folder) == []
    assert "Traceback" not in err
    assert "the run was stopped; start it again" in out
    report = json.loads(folder.report_json.read_text(encoding="utf-8"))
    assert (report["outcome"], report["serving"], report["gate"]) == ("stopped", None, None)
    assert report["error"] == f"the run was stopped by {number.name}"
    assert folder.report_html.exists()
    with folder.alone():
        pass


def test_signals_of_a_user_who_loses_patience_still_end_in_a_report(tmp_path: Path):
    folder = RunFolder(tmp_path / "root")
    run = start(folder)

    while run.poll() is None and not folder.report_json.exists():
        run.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = run.communicate(timeout=STOP_SECONDS)

    assert (run.returncode, err) == (130, "")
    assert "the run was stopped" in out
    assert of_the_run(folder) == []
    assert json.loads(folder.report_json.read_text(encoding="utf-8"))["outcome"] == "stopped"


def test_the_runner_does_not_outlive_a_killed_command_line(tmp_path: Path):
    folder = RunFolder(tmp_path / "root")
    run = start(folder)
    assert of_the_run(folder)

    run.kill()
    run.communicate(timeout=STOP_SECONDS)

    end = time.monotonic() + STOP_SECONDS
    while alive := of_the_run(folder):
        assert time.monotonic() < end, alive
        time.sleep(0.05)


def test_a_check_that_is_stopped_leaves_nothing_behind(tmp_path: Path):
    check = popen("check", TMPDIR=str(tmp_path))
    wait(check, lambda: any(path.stat().st_size for path in tmp_path.glob("limbeck-*/files/logs/events.jsonl")))
    [folder] = (RunFolder(path) for path in tmp_path.glob("limbeck-*/files"))
    assert of_the_run(folder)

    check.send_signal(signal.SIGINT)
    out, err = check.communicate(timeout=STOP_SECONDS)

    assert (check.returncode, err) == (130, "stopped\n")
    assert "nothing stands in the way" not in out
    assert of_the_run(folder) == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_sweeps_the_temporary_folders_of_runs_that_were_killed(tmp_path: Path):
    place = tmp_path / "temporary"
    dead, foreign = place / "limbeck-dead", place / "limbeck-foreign"
    for one in (dead, foreign):
        (one / "files").mkdir(parents=True)
    # A lock that nobody holds any more.
    (dead / "lock").touch()

    run = start(RunFolder(tmp_path / "root"), TMPDIR=str(place))
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=STOP_SECONDS)

    assert not dead.exists()
    assert foreign.exists()
