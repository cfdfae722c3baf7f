"""Runs the digits task with a recipe. The runs of a seed share a root: teachers and student are trained once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_PUSHED = 0


def root_of(work: Path, seed: int) -> Path:
    """Returns the root of the runs of a seed."""
    return work / f"seed-{seed}"


def report_of(recipe: str, seed: int, work: Path) -> dict[str, Any]:
    """Runs the pipeline, and returns its report.

    Raises:
      SystemExit: if the run does not end well. It says what the run printed.
    """
    root = root_of(work, seed)
    # The gate must ship every file, also one that is too bad: it is measured.
    settings = {
        "compression.recipe": recipe,
        "training.seed": 100 * seed,
        "controls": "false",
        "gate.tolerance": 1.0,
    }
    command = [sys.executable, str(_ROOT / "pipeline.py"), "run", "--task", "digits", "--root", str(root)]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != _PUSHED:
        raise SystemExit(
            f"the run of {recipe} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    report: dict[str, Any] = json.loads((root / "report.json").read_text(encoding="utf-8"))
    return report
