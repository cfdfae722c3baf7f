"""Starts the command line, and reads what it left."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt

PROJECT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 800


@dataclasses.dataclass(frozen=True)
class Finished:
    """A run that has ended."""

    code: int
    output: str
    report: dict[str, Any]

    @property
    def computed(self) -> set[str]:
        """Nodes that did not come from the cache."""
        return {stage["name"] for stage in self.report["stages"] if not stage["cached"]}


def run(task: str, root: Path, *settings: str, options: tuple[str, ...] = ()) -> Finished:
    """`pipeline.py run` from an unrelated working directory, with other options before the settings."""
    arguments = [*options] + [argument for setting in settings for argument in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, str(PROJECT / "pipeline.py"), "run", "--task", task, "--root", str(root), *arguments],
        capture_output=True,
        text=True,
        cwd=root.parent,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    log = (root / "logs" / "run.log").read_text(encoding="utf-8", errors="replace")[-3000:]
    assert (root / "report.json").exists(), f"{done.stdout}\n{done.stderr}\n{log}"
    return Finished(
        done.returncode,
        f"{done.stdout}\n{done.stderr}\n{log}",
        json.loads((root / "report.json").read_text(encoding="utf-8")),
    )


def own_digits(folder: Path) -> Path:
    """A copy of the digits task, as a user's own package outside the project; its sources may be edited."""
    package = folder / "own_digits"
    shutil.copytree(PROJECT / "tasks" / "digits", package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in package.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("tasks.digits", "own_digits"), encoding="utf-8")
    return package


def edit(path: Path, old: str, new: str) -> None:
    """Replaces a text that must stand in the file once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def weights(root: Path, node: str) -> list[npt.NDArray[Any]]:
    """Every variable of the model that a node exported last, in the order of their names."""
    import tensorflow as tf

    folder = max((root / "pipeline" / node / "model").iterdir(), key=lambda made: int(made.name))
    reader = tf.train.load_checkpoint(str(folder / "Format-Serving" / "variables" / "variables"))
    return [reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map()) if "weights" in name]
