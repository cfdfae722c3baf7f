"""Compares what scores files of raw data: `python benchmarks/scoring/main.py`. Prints a table in Markdown.

Each figure is a call of `predict`, as a user makes it. The workers of Dask are there before, as on a cluster.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_PIPELINE = [sys.executable, str(_ROOT / "pipeline.py")]
_FILES = 8
_WORKERS = (1, 2)


def main() -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Score taxi trips by Beam and on a Dask cluster.")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="calls of each (3)")
    parser.add_argument("--rows", type=int, nargs="+", default=[15_000, 150_000], metavar="ROWS")
    parser.add_argument(
        "--root", type=Path, help="of a finished run of taxi; by default one is made, in 80 seconds"
    )
    parsed = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="limbeck-scoring-") as name:
        folder = Path(name)
        root = (parsed.root or folder / "taxi").resolve()
        if parsed.root is None:
            _run([*_PIPELINE, "run", "--task", "taxi", "--root", str(root)])
        _say("| rows | engine | workers | seconds | rows/s | × Beam with as many |")
        _say("| ---: | --- | ---: | ---: | ---: | ---: |")
        for rows in parsed.rows:
            data = written(root, folder / f"rows-{rows}", rows)
            for workers in _WORKERS:
                _tell(rows, workers, measured(folder, root, data, workers, parsed.runs))
    _say(f"\nMedians of {parsed.runs}, {_FILES} files. Load before {before:.1f}, {os.cpu_count()} cores.")
    return 0


def written(root: Path, folder: Path, rows: int) -> Path:
    """Writes trips of the run's data, again and again, as CSV in files of one size. Returns the folder."""
    folder.mkdir()
    [source] = (root / "data").glob("*/test/trips.csv")
    header, *trips = source.read_text(encoding="utf-8").splitlines()
    for number in range(_FILES):
        chosen = [trips[place % len(trips)] for place in range(number, rows, _FILES)]
        (folder / f"part-{number}.csv").write_text("\n".join([header, *chosen, ""]), encoding="utf-8")
    return folder


def measured(folder: Path, root: Path, data: Path, workers: int, runs: int) -> dict[str, float]:
    """Returns the median seconds of a call with each engine. They take turns, after a call of each that warms up."""
    seconds: dict[str, list[float]] = {"beam": [], "dask": []}
    with cluster(folder, workers) as address:
        settings = {
            "beam": [f"beam.workers={workers}"],
            "dask": ["scoring.engine=dask", f"scoring.address={address}"],
        }
        for number in range(runs + 1):
            for engine, values in settings.items():
                output = folder / f"answers-{data.name}-{engine}-{workers}-{number}"
                given = [word for value in values for word in ("--set", value)]
                began = time.monotonic()
                _run([*_PIPELINE, "predict", str(data), str(output), "--root", str(root), *given])
                if number:
                    seconds[engine].append(time.monotonic() - began)
    return {engine: statistics.median(found) for engine, found in seconds.items()}


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """A scheduler of Dask and workers of one thread, on this machine. Yields the address."""
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    processes = [
        _started(["distributed.cli.dask_scheduler", *options, "--port", "0", "--no-show"], subprocess.PIPE)
    ]
    try:
        address = _address(processes[0])
        for _ in range(workers):
            place = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder), "--memory-limit", "0"]
            processes.append(
                _started(["distributed.cli.dask_worker", address, *options, *place], subprocess.DEVNULL)
            )
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _started(words: list[str], told: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=told,
        text=True,
    )


def _address(scheduler: subprocess.Popen[str]) -> str:
    assert scheduler.stderr is not None  # noqa: S101  # it is a pipe
    for line in scheduler.stderr:
        found = re.search(r"Scheduler at:\s*(tcp://\S+)", line)
        if found:
            return found[1]
    raise SystemExit("the scheduler of Dask did not start: run `make install-dask`")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _tell(rows: int, workers: int, seconds: dict[str, float]) -> None:
    for engine, found in seconds.items():
        times = seconds["beam"] / found
        _say(f"| {rows:,} | {engine} | {workers} | {found:.1f} | {rows / found:,.0f} | {times:.2f} |")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
