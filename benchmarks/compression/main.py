"""Compresses the student of the digits task by each recipe: `python benchmarks/compression/main.py --work DIR`.

Each pair of recipe and seed is a run of the pipeline, and a line in `DIR/results.jsonl` that is not done again. The
runs of a seed share a root: teachers and student are trained once, and the others come from the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Runs the benchmark, and prints tables in Markdown. Returns the exit code of the process."""
    from benchmarks.compression import figures, runs
    from limbeck.trainer.compression.recipes import RECIPES

    names = [*RECIPES, "auto"]
    parser = argparse.ArgumentParser(description="Compress the student of the digits task by each recipe.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each recipe (5)")
    parser.add_argument("--recipes", nargs="+", choices=names, default=names, metavar="NAME")
    parsed = parser.parse_args()
    parsed.work.mkdir(parents=True, exist_ok=True)
    kept = parsed.work / "results.jsonl"
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(one["recipe"], one["seed"]) for one in results}
    for seed in range(parsed.seeds):
        for recipe in parsed.recipes:
            if (recipe, seed) not in done:
                report = runs.report_of(recipe, seed, parsed.work)
                alone = _alone(Path(report["serving"]) / "compressed")
                results.append(figures.of_run(recipe, seed, report, alone))
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    wanted = [one for one in results if one["recipe"] in parsed.recipes and one["seed"] < parsed.seeds]
    sys.stdout.write("\n".join(figures.lines(wanted, parsed.recipes)) + "\n")
    return 0


def _alone(folder: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compression.alone", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
