"""Finds the largest model that can be trained: `python benchmarks/largest_model/main.py`. Prints tables as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.largest_model.probe import Case

_ROOT = Path(__file__).resolve().parents[2]
_PROBE = "benchmarks.largest_model.probe"
# Hidden layers of each kind of blocks. The largest of the unequal ones has eight times the weights of the smallest.
_WIDTHS: dict[str, tuple[int, ...]] = {"equal": (), "unequal": (256, 2048, 512, 1024)}


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    if parsed.part in ("all", "stages"):
        _stages(parsed)
    if parsed.part in ("all", "recomputation"):
        _recomputation(parsed)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The largest model under a limit of memory for each process.")
    parser.add_argument("--part", choices=["all", "stages", "recomputation"], default="all")
    parser.add_argument("--limit", type=int, default=96, metavar="MB", help="tensors of each process")
    parser.add_argument("--stages", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--blocks", nargs="+", choices=list(_WIDTHS), default=list(_WIDTHS))
    parser.add_argument("--optimizers", nargs="+", default=["sgd", "adam"])
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--examples", type=int, default=2048, help="of a batch, for recomputation")
    return parser


def _stages(parsed: argparse.Namespace) -> None:
    from benchmarks.largest_model.probe import Case

    _say("| blocks | optimizer | stages | blocks that train | weights | of k times one stage |")
    _say("| --- | --- | ---: | ---: | ---: | ---: |")
    for kind in parsed.blocks:
        for optimizer in parsed.optimizers:
            single = 0.0
            for count in parsed.stages:
                found, weights = _largest(Case(0, count, optimizer, parsed.width, _WIDTHS[kind]), parsed.limit)
                # Blocks of one kind: the number of weights is what counts where they differ.
                single = single or weights / count
                _say(
                    f"| {kind} | {optimizer} | {count} | {found} | {weights:,} | {weights / (count * single):.2f} |"
                )


def _recomputation(parsed: argparse.Namespace) -> None:
    from benchmarks.largest_model.probe import Case

    _say("\n| one process | micro-batches | recompute | blocks that train | weights | of plain |")
    _say("| --- | ---: | --- | ---: | ---: | ---: |")
    plain = 0
    for micro_batches, recompute in ((1, "none"), (8, "none"), (1, "except_last"), (8, "except_last")):
        case = Case(
            0, 1, "sgd", parsed.width, examples=parsed.examples, micro_batches=micro_batches, recompute=recompute
        )
        found, weights = _largest(case, parsed.limit)
        plain = plain or weights
        _say(f"| sgd | {micro_batches} | {recompute} | {found} | {weights:,} | {weights / plain:.2f} |")


def _largest(case: Case, limit: int) -> tuple[int, int]:
    """Returns the largest number of blocks that train under the limit in MB, and the weights of that model."""
    from benchmarks.largest_model.search import largest
    from benchmarks.pipeline_speed.launching import ProbeFailedError, probed

    cores = sorted(os.sched_getaffinity(0))
    servers = [str(cores[number % len(cores)]) for number in range(1, case.stages)]
    variables = {"TF_CPU_ALLOCATOR_USE_BFC": "1", "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(limit)}
    weights = {0: 0}

    def fits(layers: int) -> bool:
        asked = dataclasses.asdict(dataclasses.replace(case, layers=layers))
        try:
            found = probed(_PROBE, asked, servers, variables)
        except ProbeFailedError as error:
            if error.code >= 0:
                raise
            # Right at the limit, some operations of TensorFlow crash instead of raising ResourceExhaustedError.
            return False
        if found["fits"]:
            weights[layers] = found["weights"]
        return bool(found["fits"])

    step = max(case.stages, len(case.widths))
    first = case.stages * limit * 2**20 // (case.width**2 * 4 * 4)
    found = largest(fits, max(step, first), step)
    return found, weights[found]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
