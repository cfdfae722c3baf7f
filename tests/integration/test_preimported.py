"""A fork that becomes a program is not to be told from one that was started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.forks import Program
from tests.integration.preimported import PROJECT, Server

pytestmark = pytest.mark.processes


def test_a_fork_stands_as_a_program_does(tmp_path: Path) -> None:
    """Both are started by a process that has files open, handles signals, and goes on with its own variables."""
    command = [sys.executable, "-m", "tests.integration.standing_twice", str(tmp_path)]
    variables = {**os.environ, "PYTHONPATH": str(PROJECT)}
    assert subprocess.run(command, cwd=PROJECT, env=variables, check=False).returncode == 7

    fork, program = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("fork", "program"))
    assert fork["leads its session"]
    assert fork["variables"]["WHOSE"] == "the program's"
    for standing, name in ((fork, "fork"), (program, "program")):
        assert standing.pop("arguments") == [str(tmp_path / f"{name}.json"), "7"]
        assert standing.pop("outputs") == [str(tmp_path / f"{name}.txt")] * 2
        assert (tmp_path / f"{name}.txt").read_text() == "said\n"
    assert fork == program


def test_the_server_runs_one_program_after_another_and_tells_how_each_ended(tmp_path: Path) -> None:
    server = Server(packages=["json"])
    try:
        for code in (0, 3):
            file = tmp_path / f"{code}.json"
            program = Program(
                "tests.integration.standing", [str(file), str(code)], str(tmp_path), str(tmp_path / "output.txt")
            )
            assert server.run(program, seconds=60) == code
            assert json.loads(file.read_text())["folder"] == str(tmp_path)
        broken = Program("tests.integration.no_such_module", [], str(tmp_path), str(tmp_path / "output.txt"))
        assert server.run(broken, seconds=60) == 1
    finally:
        server.stop()
    assert "No module named" in (tmp_path / "output.txt").read_text()


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    # It waits for a reader, and there is none.
    os.mkfifo(tmp_path / "pipe")
    server = Server(packages=["json"])
    try:
        program = Program(
            "tests.integration.standing", [str(tmp_path / "pipe")], str(tmp_path), str(tmp_path / "output.txt")
        )
        with pytest.raises(TimeoutError):
            server.run(program, seconds=0.5)
    finally:
        # It waits for the fork that was killed.
        server.stop()
