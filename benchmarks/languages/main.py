"""Compares the halves of the transformer with the whole: `python benchmarks/languages/main.py --work runs/benchmark`.

Each seed is two runs: the task as it is, and with a student that begins with weights of its own. Both train the same
teacher. What is done already is kept, so an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_TASK = _ROOT / "tasks" / "languages"
_GATE_REFUSED = 3
_TEACHER = "teacher"
# What is compared: the name in the table, the form of the task, and the model of its report.
_ROWS = (
    ("teacher", "task", _TEACHER),
    ("distilled, begins with the teacher's blocks", "task", "student"),
    ("labels alone, begins with the teacher's blocks", "task", "student_hard_labels"),
    ("pseudo-labels, begins with the teacher's blocks", "task", "student_pseudo_labels"),
    ("distilled, from scratch", "from_scratch", "student"),
    ("labels alone, from scratch", "from_scratch", "student_hard_labels"),
    ("pseudo-labels, from scratch", "from_scratch", "student_pseudo_labels"),
)
_FORMS: Mapping[str, tuple[str, ...]] = {
    "task": ("--task", "languages"),
    "from_scratch": (
        *("--task", str(Path(__file__).with_name("from_scratch.py"))),
        *("--config", str(_TASK / "config.yaml")),
    ),
}


@dataclasses.dataclass(frozen=True)
class Figures:
    """One model of one run: share of right answers on the test split, weights, and median time of one answer in ms."""

    accuracy: float
    weights: int
    latency: float


def main() -> int:
    """Runs the benchmark, and prints a table in Markdown. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Compare halves of the transformer with the whole.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each form (5)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all runs")
    parsed = parser.parse_args()
    work: Path = parsed.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    reports = {
        (form, seed): _report(work, form, seed, parsed.set) for seed in range(parsed.seeds) for form in _FORMS
    }
    for seed in range(parsed.seeds):
        _assert_one_teacher([reports[form, seed] for form in _FORMS], seed)
    sys.stdout.write("\n".join([*table(reports, parsed.seeds), *_counting()]) + "\n")
    return 0


def table(reports: Mapping[tuple[str, int], Any], seeds: int) -> list[str]:
    """Returns the lines of a table in Markdown, with a row for each model.

    Args:
      reports: what `report.json` holds, by form of the task and seed.
      seeds: number of seeds, at least 1.
    """
    lines = [
        "| model | seeds | accuracy, test | of the teacher's | fewer weights | times as fast |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, form, model in _ROWS:
        found = [figures(reports[form, seed], model) for seed in range(seeds)]
        teachers = [figures(reports[form, seed], _TEACHER) for seed in range(seeds)]
        pairs = list(zip(found, teachers, strict=True))
        cells = [
            _spread([one.accuracy for one in found], 4),
            _spread([100 * one.accuracy / its.accuracy for one, its in pairs], 1, " %"),
            f"{100 * (1 - found[0].weights / teachers[0].weights):.0f} %",
            _spread([its.latency / one.latency for one, its in pairs], 2),
        ]
        if model == _TEACHER:
            cells[1:] = [""] * 3
        lines.append(f"| {name} | {seeds} | {' | '.join(cells)} |")
    return lines


def figures(report: Any, model: str) -> Figures:
    """Returns what a run's report says about one of its models."""
    said = report["models"][model]
    return Figures(said["metrics"]["accuracy"], said["parameters"], said["latency_ms_p50"])


def _counting() -> list[str]:
    """Returns the lines of what counting characters gives."""
    from benchmarks.languages.counts import accuracies
    from limbeck.tasks.languages.selection import divide, select
    from limbeck.tasks.languages.translations import translations

    divided = divide(select(translations()).sentences)
    return [
        f"| naive Bayes, 1 to {longest} characters | 1 | {accuracies(divided, longest)['test']:.4f} |  |  |  |"
        for longest in (1, 2, 4)
    ]


def _report(work: Path, form: str, seed: int, settings: Iterable[str]) -> Any:
    """Runs the task in one form with one seed, unless that was done. Returns the report."""
    file = work / f"{form}-{seed}.json"
    if not file.is_file():
        root = work / form
        assignments = [part for one in (f"training.seed={1000 * seed}", *settings) for part in ("--set", one)]
        done = subprocess.run(
            [sys.executable, str(_ROOT / "pipeline.py"), "run", *_FORMS[form], "--root", str(root), *assignments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, _GATE_REFUSED}:
            raise SystemExit(f"the run with seed {seed} ended with {done.returncode}:\n{done.stdout}")
        file.write_bytes((root / "report.json").read_bytes())
    return json.loads(file.read_text(encoding="utf-8"))


def _assert_one_teacher(reports: Sequence[Any], seed: int) -> None:
    """Raises SystemExit if the runs of one seed have teachers that answer differently."""
    answers = {tuple(report["models"][_TEACHER]["metrics"].items()) for report in reports}
    if len(answers) > 1:
        raise SystemExit(f"the runs with seed {seed} must have one teacher, received {sorted(answers)}")


def _spread(values: Sequence[float], digits: int, unit: str = "") -> str:
    mean = f"{statistics.mean(values):.{digits}f}{unit}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    raise SystemExit(main())
