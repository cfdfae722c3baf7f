"""Compares two tools that quantize: `make install-quantizer`, then `python benchmarks/quantizers/main.py --work DIR`.

Each seed is a run of the pipeline, as in benchmarks/compression, whose `DIR` may be given. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.quantizers.compare import Measured

_ROOT = Path(__file__).resolve().parents[2]
_QUANTIZER = _ROOT / ".venv-quantizer" / "bin" / "python"


def main() -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    from benchmarks.compression import runs

    parser = argparse.ArgumentParser(description="LiteRT's own quantizer against TensorFlow's converter.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps the runs")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="students and teachers (5)")
    parsed = parser.parse_args()
    if not _QUANTIZER.exists():
        sys.stderr.write(
            f"error: the quantizer has an environment of its own, and {_QUANTIZER} is missing: "
            "run `make install-quantizer`\n"
        )
        return 2
    found: list[Measured] = []
    for seed in range(parsed.seeds):
        runs.report_of("int8", seed, parsed.work)
        found += _of_run(runs.root_of(parsed.work, seed))
    sys.stdout.write("\n".join(lines(found)) + "\n")
    return 0


def _of_run(root: Path) -> Iterator[Measured]:
    from benchmarks.quantizers.compare import Measured

    command = [sys.executable, "-m", "benchmarks.quantizers.compare", str(root.resolve()), str(_QUANTIZER)]
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT, env=os.environ | variables
    )
    for line in done.stdout.splitlines():
        yield Measured(**json.loads(line))


def lines(found: Sequence[Measured]) -> list[str]:
    """Returns the table: means over seeds, and medians of latencies."""
    told = [
        "| weights of | tool | recipe | seeds | bytes | by gzip | accuracy, test | logits off by | a call, ms |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for model, tool, recipe in dict.fromkeys((one.model, one.tool, one.recipe) for one in found):
        some = [one for one in found if (one.model, one.tool, one.recipe) == (model, tool, recipe)]
        size, gzip, accuracy, off = (
            statistics.mean(getattr(one, name) for one in some)
            for name in ("bytes", "gzip", "accuracy", "difference")
        )
        milliseconds = statistics.median(one.milliseconds for one in some)
        figures = f"{accuracy:.2%} | {off:.3f} | {milliseconds:.4f}"
        if errors := [one.error for one in some if one.error]:
            figures = f"{errors[0].splitlines()[0][:60]} | |"
        told.append(f"| {model} | {tool} | `{recipe}` | {len(some)} | {size:,.0f} | {gzip:,.0f} | {figures} |")
    return told


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    raise SystemExit(main())
