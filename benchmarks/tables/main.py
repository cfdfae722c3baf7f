"""Compares new tasks with random forests: `python benchmarks/tables/main.py --work runs/benchmark-tables`.

Each table goes through the two commands that a user types. A run that was interrupted goes on from its cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_GATE_REFUSED = 3


def main() -> int:
    """Runs the benchmark, and prints a table in Markdown. Returns the exit code of the process."""
    from benchmarks.tables.data import LABEL, TABLES

    parser = argparse.ArgumentParser(description="Compare tasks that `tasks new` writes with random forests.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="trainings of each table (5)")
    parser.add_argument("--tables", nargs="+", choices=sorted(TABLES), default=list(TABLES), metavar="NAME")
    parsed = parser.parse_args()
    work: Path = parsed.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    _say("| table | rows | columns | measure | forest | teacher | student | weights of the student |")
    _say("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for name in parsed.tables:
        folder = work / name
        if not (folder / "new_task.py").is_file():
            folder.mkdir(exist_ok=True)
            TABLES[name](folder / "data.csv")
            _pipeline("tasks", "new", folder / "new_task.py", "--csv", folder / "data.csv", "--label", LABEL)
        _say(_line(name, folder, [_compared(folder, seed) for seed in range(parsed.seeds)]))
    return 0


def _compared(folder: Path, seed: int) -> dict[str, Any]:
    """Runs the task with one seed. Returns the report, with the forest's measure."""
    from benchmarks.tables import forest
    from limbeck.reference import TaskRef

    kept = folder / f"seed-{seed}.json"
    if not kept.is_file():
        root = folder / "root"
        _pipeline("run", "--task", folder / "new_task.py", "--root", root, "--set", f"training.seed={1000 * seed}")
        report = json.loads((root / "report.json").read_text(encoding="utf-8"))
        [examples] = (root / "pipeline" / "ExampleGen" / "examples").iterdir()
        task = TaskRef("new_task", search_path=str(folder)).load()
        report["forest"] = forest.measure(task, examples, report["measure"]["key"], seed)
        kept.write_text(json.dumps(report), encoding="utf-8")
        sys.modules.pop("new_task")
        sys.path.remove(str(folder))
    return dict(json.loads(kept.read_text(encoding="utf-8")))


def _line(name: str, folder: Path, reports: list[dict[str, Any]]) -> str:
    key = reports[0]["measure"]["key"]
    with (folder / "data.csv").open(encoding="utf-8") as file:
        columns, rows = next(file).count(",") + 1, sum(1 for _ in file)
    figures = [
        [report["forest"] for report in reports],
        *([report["models"][model]["metrics"][key] for report in reports] for model in ("teacher", "student")),
    ]
    told = [f"{statistics.mean(values):.3f} ± {statistics.pstdev(values):.3f}" for values in figures]
    weights = reports[0]["models"]["student"]["parameters"]
    return f"| {name} | {rows:,} | {columns} | {key} | {' | '.join(told)} | {weights:,} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _pipeline(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, str(_ROOT / "pipeline.py"), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in {0, _GATE_REFUSED}:
        raise SystemExit(f"{' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}")


if __name__ == "__main__":
    sys.path.insert(0, str(_ROOT))
    raise SystemExit(main())
