"""Compares whole runs: `python benchmarks/end_to_end/main.py`. Prints a table in Markdown.

Each run is a new process with a root of its own, and is then repeated in the same root, from its cache.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_GATE_REFUSED = 3
STOCK, OURS = "stock TFX, one model", "ours, teachers and student"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run took.

    Attributes:
      wall: seconds of the clock.
      processor: seconds of user and system time, of the process and all that it started.
      memory: the largest resident set of any of these processes, in MiB.
    """

    wall: float
    processor: float
    memory: float


def main() -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Compare our taxi run with the stock TFX taxi pipeline.")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each pipeline (3)")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.NAME=VALUE")
    parsed = parser.parse_args()
    before = os.getloadavg()[0]
    first: dict[str, list[Run]] = {STOCK: [], OURS: []}
    again: dict[str, list[Run]] = {STOCK: [], OURS: []}
    areas: dict[str, list[str]] = {STOCK: [], OURS: []}
    for number in range(parsed.runs):
        for name in (STOCK, OURS) if number % 2 else (OURS, STOCK):
            with tempfile.TemporaryDirectory(prefix="limbeck-end-to-end-") as folder:
                root = Path(folder)
                command = _command(name, root, parsed.settings)
                first[name].append(measure(command, root / "output.txt"))
                areas[name].append(_area(name, root))
                again[name].append(measure(command, root / "output.txt"))
    _say(
        "| pipeline | wall, s | × stock | CPU, s | × stock | largest process, MiB | again, s | again / first | AUC |"
    )
    _say("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for name in first:
        _say(_line(name, first, again, areas))
    _say(f"\nMedians of {parsed.runs}. Load before {before:.1f}, {os.cpu_count()} cores.")
    return 0


def measure(command: Sequence[str], output: Path) -> Run:
    """Runs a program to its end.

    Raises:
      SystemExit: if it fails; with the end of its output. A refusal by the gate is no failure.
    """
    with output.open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, _GATE_REFUSED}:
        said = output.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _command(name: str, root: Path, settings: Sequence[str]) -> list[str]:
    if name == STOCK:
        return [sys.executable, "-m", "benchmarks.end_to_end.stock", str(root)]
    assigned = [part for one in settings for part in ("--set", one)]
    return [sys.executable, "pipeline.py", "run", "--task", "taxi", "--root", str(root / "run"), *assigned]


def _area(name: str, root: Path) -> str:
    if name == STOCK:
        command = f"from benchmarks.end_to_end import stock; print(stock.area(stock.Path({str(root)!r})))"
        done = subprocess.run(
            [sys.executable, "-c", command], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return f"{float(done.stdout.split()[-1]):.4f}"
    models = json.loads((root / "run" / "report.json").read_text(encoding="utf-8"))["models"]
    return "teacher {:.4f}, student {:.4f}".format(
        *(models[one]["metrics"]["auc"] for one in ("teacher", "student"))
    )


def _line(name: str, first: dict[str, list[Run]], again: dict[str, list[Run]], areas: dict[str, list[str]]) -> str:
    def middle(runs: list[Run], attribute: str) -> float:
        return float(statistics.median(getattr(one, attribute) for one in runs))

    wall, repeated = middle(first[name], "wall"), middle(again[name], "wall")
    cells = [
        name,
        f"{wall:.0f}",
        f"{wall / middle(first[STOCK], 'wall'):.2f}",
        f"{middle(first[name], 'processor'):.0f}",
        f"{middle(first[name], 'processor') / middle(first[STOCK], 'processor'):.2f}",
        f"{max(one.memory for one in first[name]):,.0f}",
        f"{repeated:.1f}",
        f"{repeated / wall:.2f}",
        "; ".join(areas[name]),
    ]
    return f"| {' | '.join(cells)} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
