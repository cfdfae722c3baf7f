"""Compares searched students with the usual loss and with labels alone: `python benchmarks/search/main.py --work DIR`.

Each finished pair of table and seed is a line in `DIR/results.jsonl`, and is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_MODELS = ("teacher", "labels", "usual", "searched")


def main() -> int:
    """Runs the benchmark, and prints tables in Markdown. Returns the exit code of the process."""
    from benchmarks.search.tables import TABLES

    parser = argparse.ArgumentParser(description="Compare searched students with the usual loss and labels alone.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each table (5)")
    parser.add_argument("--tables", nargs="+", choices=sorted(TABLES), default=list(TABLES), metavar="NAME")
    parsed = parser.parse_args()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parsed.work.mkdir(parents=True, exist_ok=True)
    kept = parsed.work / "results.jsonl"
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(one["table"], one["seed"]) for one in results}
    for seed in range(parsed.seeds):
        for name in parsed.tables:
            if (name, seed) not in done:
                results.append(_run(name, seed, parsed.work))
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    wanted = [one for one in results if one["table"] in parsed.tables and one["seed"] < parsed.seeds]
    sys.stdout.write("\n".join(lines(wanted, parsed.tables)) + "\n")
    return 0


def lines(results: Sequence[dict[str, Any]], tables: Sequence[str]) -> list[str]:
    """Returns the tables: accuracy of each model, and differences to labels alone."""
    told = [
        "| table | runs | teacher | labels alone | usual loss | searched | usual - labels | searched - labels |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in tables:
        some = [one for one in results if one["table"] == name]
        if not some:
            continue
        figures = {model: [100 * one["test"][model] for one in some] for model in _MODELS}
        means = " | ".join(f"{statistics.mean(figures[model]):.2f}" for model in _MODELS)
        beside = " | ".join(
            _difference([a - b for a, b in zip(figures[model], figures["labels"], strict=True)])
            for model in ("usual", "searched")
        )
        told.append(f"| {name} | {len(some)} | {means} | {beside} |")
    told += [
        "",
        "| table | seed | chosen | searched - labels on validation | on test |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    told += [_choice(one) for name in tables for one in results if one["table"] == name]
    return told


def _difference(values: Sequence[float]) -> str:
    told = f"{statistics.mean(values):+.2f}"
    return f"{told} ± {statistics.stdev(values) / len(values) ** 0.5:.2f}" if len(values) > 1 else told


def _choice(one: dict[str, Any]) -> str:
    if one["chosen"] is None:
        return f"| {one['table']} | {one['seed']} | no search | | |"
    temperature, alpha = one["chosen"]
    taken = next(trial for trial in one["trials"] if trial["chosen"])
    named = "labels alone" if alpha == 0 else f"T {temperature:g}, alpha {alpha:g}"
    test = 100 * (one["test"]["searched"] - one["test"]["labels"])
    return f"| {one['table']} | {one['seed']} | {named} | {100 * taken['difference']:+.2f} | {test:+.2f} |"


def _run(name: str, seed: int, work: Path) -> dict[str, Any]:
    from benchmarks.search.training import World, measured

    with tempfile.TemporaryDirectory(dir=work) as folder:
        return measured(World(name, seed, Path(folder)))


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
