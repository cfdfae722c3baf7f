"""`simulate` for a job of Vertex AI: prints each task as it ends; if it failed, with the end of its log."""

from __future__ import annotations

import json
from pathlib import Path

from limbeck.cli import exit_codes
from limbeck.kubeflow.simulate.vertex.engine import Task
from limbeck.kubeflow.simulate.vertex.simulation import Outcome, Request, simulate

_LINES = 30


def execute(request: Request, file: Path, trace: Path | None) -> int:
    """Simulates. Raises UserError for a job that Vertex AI refuses. Returns 1 if a run fails."""
    outcomes = simulate(request, _tell)
    if trace is not None:
        _write(trace, file, outcomes)
    for number, outcome in enumerate(outcomes, start=1):
        print(f"run {number}: {'Succeeded' if outcome.succeeded else 'Failed'}")
    return exit_codes.DONE if all(outcome.succeeded for outcome in outcomes) else exit_codes.OUR_FAULT


def _tell(task: Task) -> None:
    cached = " (from the cache)" if task.state == "SKIPPED" else ""
    tries = f" ({task.attempts} attempts)" if task.attempts > 1 else ""
    print(f"{task.state:13} {task.name}{cached}{tries}", flush=True)
    if task.error:
        print(f"  {task.error}")
        for line in task.log.splitlines()[-_LINES:]:
            print(f"  | {line}")


def _write(path: Path, file: Path, outcomes: list[Outcome]) -> None:
    document = {
        "question": f"{file.name}, simulated with the rules of Vertex AI",
        "runs": [outcome.trace for outcome in outcomes],
    }
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
