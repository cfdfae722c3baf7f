"""Measures how fast CSV becomes examples: `python benchmarks/csv_files/main.py`. Prints a table in Markdown."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_WORDS = ("red", "green", "blue", "white")
_MISSING = 0.05


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Read a table by ExampleGen, ours and the stock one, in turn.")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the table (200,000)")
    parser.add_argument("--runs", type=int, default=3, help="executions of each kind (3)")
    parsed = parser.parse_args(arguments)
    from benchmarks.csv_files.probe import OURS, STOCK

    before = os.getloadavg()[0]
    _say("| splits | what | wall, s | CPU, s | × stock, wall | × stock, CPU |")
    _say("| --- | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="limbeck-csv-") as folder:
        _write(Path(folder) / "data" / "all" / "table.csv", parsed.rows)
        for splits in ("given", "divided"):
            taken: dict[str, list[tuple[float, float]]] = {OURS: [], STOCK: []}
            for number in range(parsed.runs):
                for side in (OURS, STOCK) if number % 2 else (STOCK, OURS):
                    taken[side].append(_execution(side, folder, splits, parsed.rows))
            stock = _medians(taken[STOCK])
            for side, times in taken.items():
                wall, processor = _medians(times)
                _say(
                    f"| {splits} | {side} | {wall:.1f} | {processor:.1f} | {wall / stock[0]:.2f} | "
                    f"{processor / stock[1]:.2f} |"
                )
    _say(
        f"\n{parsed.rows:,} rows, medians of {parsed.runs}. Load before {before:.1f}, after {os.getloadavg()[0]:.1f}."
    )
    return 0


def _execution(side: str, folder: str, splits: str, rows: int) -> tuple[float, float]:
    """Returns the seconds of an execution, by the clock and of the processor."""
    command = [sys.executable, "-m", "benchmarks.csv_files.probe", side, folder, splits]
    done = subprocess.run(
        command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    wall, processor, count = map(float, done.stdout.split())
    if count != rows:
        raise RuntimeError(f"{side} wrote {count:.0f} of {rows} examples")
    return wall, processor


def _medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    walls, processors = zip(*times, strict=True)
    return statistics.median(walls), statistics.median(processors)


def _write(path: Path, rows: int) -> None:
    """Writes 20 columns: 8 of numbers, of which a twentieth is missing, 6 of integers, and 6 of words."""
    import numpy as np

    generator = np.random.default_rng(0)
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"column{number}" for number in range(20)) + "\n")
        for _ in range(rows):
            numbers = [
                "" if generator.random() < _MISSING else f"{value:.4f}" for value in 100 * generator.random(8)
            ]
            integers = generator.integers(0, 1000, 6).astype(str).tolist()
            words = [_WORDS[word] for word in generator.integers(0, len(_WORDS), 6)]
            file.write(",".join([*numbers, *integers, *words]) + "\n")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
