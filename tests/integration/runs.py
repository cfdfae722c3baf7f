"""Starts the command line, and reads what it left."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt

from limbeck.cli import exit_codes
from tests.integration.forks import Program
from tests.integration.preimported import Server

PROJECT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 800
# It looks at what was accepted before, which no cache knows.
NEVER_CACHED = {"AnomalyStop"}
# Short trainings, for tests that are not about how well something learns.
SHORT = ("teachers.count=2", "teachers.epochs=2", "training.epochs=3", "gate.tolerance=1.0", "search.budget=2")


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run that has ended. Its report is empty if it was refused before its first node."""

    code: int
    output: str
    report: dict[str, Any]

    @property
    def computed(self) -> set[str]:
        """Nodes that did not come from the cache."""
        return {stage["name"] for stage in self.report["stages"] if not stage["cached"]}


@functools.cache
def server() -> Server:
    """Has imported TFX, and forks; started when it is first needed."""
    return Server()


def stop_server() -> None:
    """Ends it, where it was started."""
    if server.cache_info().currsize:
        server().stop()
        server.cache_clear()


def run(task: str, root: Path, *settings: str, options: tuple[str, ...] = (), fresh: bool = False) -> Finished:
    """`pipeline.py run` from an unrelated working directory.

    Args:
      task: as `--task` takes it.
      root: of the run.
      settings: as `--set` takes them.
      options: others, before the settings.
      fresh: whether the program is started as a user starts it, and not as a fork of one that has imported TFX.
    """
    assignments = [argument for setting in settings for argument in ("--set", setting)]
    return _finished(["run", "--task", task, "--root", str(root), *options, *assignments], root, fresh)


def rerun(node: str, root: Path) -> Finished:
    """`pipeline.py rerun` from an unrelated working directory."""
    return _finished(["rerun", node, "--root", str(root)], root, fresh=False)


def check(task: Path, folder: Path, *settings: str) -> tuple[int, str]:
    """`pipeline.py check` from a folder; returns its exit code and what it printed."""
    assignments = [argument for setting in settings for argument in ("--set", setting)]
    output = folder / "check-output.txt"
    output.write_bytes(b"")
    program = Program(
        "tests.integration.forked_run", ["check", "--task", str(task), *assignments], str(folder), str(output)
    )
    return server().run(program, TIMEOUT_SECONDS), output.read_text(encoding="utf-8")


def _finished(arguments: list[str], root: Path, fresh: bool) -> Finished:
    output = root.parent / f"{root.name}-output.txt"
    output.write_bytes(b"")
    if fresh:
        command = [sys.executable, str(PROJECT / "pipeline.py"), *arguments]
        with output.open("ab") as file:
            code = subprocess.run(
                command, stdout=file, stderr=file, cwd=root.parent, timeout=TIMEOUT_SECONDS, check=False
            ).returncode
    else:
        program = Program("tests.integration.forked_run", arguments, str(root.parent), str(output))
        code = server().run(program, TIMEOUT_SECONDS)
    log = root / "logs" / "run.log"
    # A run that was refused before it began has none.
    end = log.read_text(encoding="utf-8", errors="replace")[-3000:] if log.exists() else ""
    said = f"{output.read_text(encoding='utf-8')}\n{end}"
    left = root / "report.json"
    assert left.exists() or code == exit_codes.USER_MISTAKE, said
    return Finished(code, said, json.loads(left.read_text(encoding="utf-8")) if left.exists() else {})


def own_digits(folder: Path) -> Path:
    """A copy of the digits task, as a user's own package outside the project; its sources may be edited."""
    package = folder / "own_digits"
    shutil.copytree(PROJECT / "tasks" / "digits", package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in package.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("limbeck.tasks.digits", "own_digits"), encoding="utf-8")
    return package


def edit(path: Path, old: str, new: str) -> None:
    """Replaces a text that must stand in the file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def weights(root: Path, node: str, first: bool = False) -> list[npt.NDArray[Any]]:
    """Every variable of the model that a node exported last, or first, in the order of their names."""
    import tensorflow as tf

    made = sorted((root / "pipeline" / node / "model").iterdir(), key=lambda folder: int(folder.name))
    folder = made[0 if first else -1]
    reader = tf.train.load_checkpoint(str(folder / "Format-Serving" / "variables" / "variables"))
    return [reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map()) if "weights" in name]
