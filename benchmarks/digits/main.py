"""Runs the benchmark of the digits task: `python benchmarks/digits/main.py --work runs/benchmark-digits`.

It can be killed at any moment. Started again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from benchmarks.digits.results import Result
    from limbeck.reference import TaskRef

_ROOT = Path(__file__).resolve().parents[2]
# Results depend on this code. An edit of it makes every training a new one.
_CODE = (
    "benchmarks.digits.data",
    "benchmarks.digits.training_runner",
    "limbeck.trainer.worker",
    "limbeck.trainer.training",
)


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    work: Path = parsed.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _noise_to(work / "log.txt") as terminal:
        figures = _run(work, parsed.seeds, parsed.quick, terminal)
    (work / "figures.md").write_text(figures, encoding="utf-8")
    sys.stdout.write(figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Compare the distilled student of the digits task with the same student on other targets, and "
        "print the figures as Markdown.",
        epilog="Whatever is finished stands in WORK/results.jsonl and is not done again, unless the code changed.",
    )
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=_positive, default=10, metavar="N", help="runs of the final figures (10)")
    parser.add_argument("--quick", action="store_true", help="train next to nothing: shows that it works")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, received {number}")
    return number


def _run(work: Path, runs: int, brief: bool, terminal: TextIO) -> str:
    from benchmarks.digits import data, plan
    from benchmarks.digits.benchmark import Benchmark
    from benchmarks.digits.progress import BenchmarkProgress
    from benchmarks.digits.results import Results
    from benchmarks.digits.training_runner import TrainingRunner
    from limbeck.cli import settings
    from limbeck.reference import TaskRef

    ref = TaskRef("limbeck.tasks.digits")
    config = settings.load(ref, None, [])
    with BenchmarkProgress(terminal) as progress:
        progress.say("loading TensorFlow and TFX, and transforming the data if that was not done before")
        code = _digest(ref)
        folder = work / code
        folder.mkdir(exist_ok=True)
        runner = TrainingRunner(folder, ref, data.prepare(folder / "data", ref, config))
        chosen = (plan.quick if brief else plan.full)(config, code, runs)
        results = Results(work / "results.jsonl")

        def advance(result: Result) -> None:
            progress.advance(f"{result.training}: validation accuracy {100 * result.validation.accuracy:.1f} %")

        return Benchmark(chosen, runner, results, progress.begin, advance).run()


def _digest(ref: TaskRef) -> str:
    import hashlib

    from limbeck.digests.code import code_digest, task_digests
    from limbeck.records import to_json

    parts = code_digest(_CODE) + to_json(task_digests(ref.load(), ref))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


@contextlib.contextmanager
def _noise_to(path: Path) -> Iterator[TextIO]:
    """Sends standard error to a file, also that of TensorFlow's C++ code and of training processes.

    Yields:
      The original standard error.
    """
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8") as terminal, path.open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stderr.flush()
            os.dup2(terminal.fileno(), 2)


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
