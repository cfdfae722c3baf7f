"""Compares halves of the transformer with the whole: `python benchmarks/languages/main.py --work runs/benchmark`.

Each model of each seed is trained once: what is done already is kept, so an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.languages.training import Data, Seed

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Runs the benchmark, and prints tables in Markdown. Returns the exit code of the process."""
    from benchmarks.languages import training
    from limbeck.settings import sources

    parser = argparse.ArgumentParser(description="Compare halves of the transformer with the whole.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds (5)")
    parser.add_argument("--search", action="store_true", help="train students on the losses of the search as well")
    parser.add_argument("--teacher-epochs", type=int, metavar="N", help="passes of the teacher (the task's own)")
    parsed = parser.parse_args()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parsed.work.mkdir(parents=True, exist_ok=True)
    data = training.data_in(parsed.work / "data")
    config = sources.load([sources.read_yaml(_ROOT / "tasks" / "languages" / "config.yaml")])
    epochs = parsed.teacher_epochs or config.teachers.epochs or config.training.epochs
    seeds = [
        training.Seed(data, config, number, epochs, parsed.work / f"seed-{number}-{epochs}")
        for number in range(parsed.seeds)
    ]
    students = training.students(searched=parsed.search)
    for seed in seeds:
        seed.train(students)
        sys.stderr.write(f"seed {seed.number} is done\n")
    sys.stdout.write("\n".join(_lines(data, seeds, list(students), searched=parsed.search)) + "\n")
    return 0


def _lines(data: Data, seeds: Sequence[Seed], students: Sequence[str], *, searched: bool) -> list[str]:
    """Returns the lines of all tables."""
    from benchmarks.languages import counts, latency, tables, training
    from limbeck.examples import TEST, VALIDATION
    from limbeck.tasks.languages.selection import divide, select
    from limbeck.tasks.languages.translations import translations

    test, divided = data.labels(TEST), divide(select(translations()).sentences)
    answers = {name: [seed.answers(name, TEST) for seed in seeds] for name in (training.TEACHER, *students)}
    told = tables.accuracies(answers, test)
    told += ["", *tables.differences(answers, test, training.messages(divided[TEST], test))]
    if searched:
        judged = {name: [seed.answers(name, VALIDATION) for seed in seeds] for name in students}
        objective = training.task(from_blocks=True).load().objective
        told += ["", *tables.choices(judged, data.labels(VALIDATION), answers, test, objective)]
    return [*told, "", *latency.lines(seeds[0], data), "", *counts.lines(divided)]


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
