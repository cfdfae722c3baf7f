"""Measures what distillation passes on, and what stored soft targets save.

    python benchmarks/distillation/main.py --work DIR [--parts hinton stored few_labels keras munge] [--seeds N]

Each finished measurement is a line in `DIR/<part>.jsonl`, and is not done again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[2]


class Part(NamedTuple):
    """One part: the field and the values of what is measured, how, and the table that is made of it."""

    field: str
    values: Sequence[Any]
    measured: Callable[[Any, int, Path], dict[str, Any]]
    lines: Callable[[Sequence[Mapping[str, Any]]], list[str]]


def main() -> int:
    """Runs the benchmark, and prints tables in Markdown. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(
        description="Measure what distillation passes on, and what stored targets save."
    )
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--parts", nargs="+", choices=sorted(parts()), default=list(parts()), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each (5)")
    parsed = parser.parse_args()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parsed.work.mkdir(parents=True, exist_ok=True)
    for name in parsed.parts:
        results = _results(parsed.work / f"{name}.jsonl", parts()[name], parsed.seeds)
        sys.stdout.write("\n".join([f"## {name}", "", *parts()[name].lines(results), "", ""]))
    return 0


def parts() -> dict[str, Part]:
    """Returns the parts by name."""
    from benchmarks.distillation import few_labels, hinton, munge, peer, stored

    return {
        "hinton": Part("table", hinton.TABLES, hinton.measured, hinton.lines),
        "stored": Part("ratio", stored.RATIOS, stored.measured, stored.lines),
        "few_labels": Part("table", few_labels.TABLES, few_labels.measured, few_labels.lines),
        "keras": Part("pair", tuple(peer.PAIRS), peer.measured, peer.lines),
        "munge": Part("table", munge.TABLES, munge.measured, munge.lines),
    }


def _results(kept: Path, part: Part, seeds: int) -> list[dict[str, Any]]:
    """Returns all measurements of a part. Those that are not kept are made."""
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(one[part.field], one["seed"]) for one in results}
    for seed in range(seeds):
        for value in part.values:
            if (value, seed) in done:
                continue
            with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
                results.append(part.measured(value, seed, Path(folder)))
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(results[-1]) + "\n")
    return [one for one in results if one["seed"] < seeds]


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
