"""Measures the memory of activations: `python benchmarks/activation_memory/main.py`. Prints a table as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
# Micro-batches, and what is computed again.
_WAYS = (
    (1, "none"), (2, "none"), (4, "none"), (8, "none"), (1, "all"), (1, "except_last"), (4, "except_last"),
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Memory of a gradient, over the memory before it.")
    parser.add_argument("--models", nargs="+", default=["mlp", "transformer"], metavar="NAME", help="which models")
    parsed = parser.parse_args(arguments)
    from benchmarks.activation_memory.probe import Case

    _say("| model | micro-batches | recompute | peak, MiB | activations, MiB | share | gradient norm |")
    _say("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for model in parsed.models:
        plain = 0.0
        for micro_batches, recompute in _WAYS:
            found = _measured(Case(model, micro_batches, recompute))
            activations = found["peak"] - found["gradients"]
            plain = plain or activations
            _say(
                f"| {model} | {micro_batches} | {recompute} | {found['peak']:.1f} | {activations:.1f} | "
                f"{activations / plain:.2f} | {found['norm']:.6f} |"
            )
    return 0


def _measured(case: object) -> dict[str, float]:
    """Returns what the probe measures, in a process of its own."""
    environment = os.environ | {
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }
    given = json.dumps(dataclasses.asdict(case))  # type: ignore[call-overload]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.activation_memory.probe", given],
        cwd=_ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
