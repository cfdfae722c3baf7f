"""Measures what serving costs, beside Triton: `python benchmarks/serving/main.py --work DIR`. Prints Markdown.

DIR keeps the two runs whose models are served. They are made if they are not there.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_CONNECTIONS = 64
_SHARE = 0.99
_BATCH = 32
_PRECISION = 0.08
_PIXELS = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0]
_PIXELS += [0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0]
_TENSOR = {"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": _PIXELS}
BODY = json.dumps({"inputs": [_TENSOR]}).encode()
_MODELS = [_STUDENT, _COMPRESSED, _TEACHER, _LARGE_TEACHER] = (
    "student",
    "compressed student",
    "teacher",
    "large teacher",
)
_DIGITS = {"compression.recipe": "int8"}
# What the cost of a teacher depends on. Its accuracy does not matter here, so it is hardly trained.
_LARGE = {
    "teachers.count": 8,
    "teachers.hyperparameters.width": 256,
    "teachers.epochs": 1,
    "training.epochs": 1,
    "controls": "false",
    "distillation.search": "false",
    "strategy.name": "one_device",
}


def main() -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Serve teachers and students, beside Triton.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps the runs")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each server (3)")
    parser.add_argument(
        "--minutes", type=float, default=12.0, metavar="M", help="after which no round would end (12)"
    )
    parser.add_argument("--seconds", type=float, default=1.5, metavar="S", help="of each load (1.5)")
    parser.add_argument("--limit", type=float, default=50.0, metavar="MS", help="that p99 must keep (50)")
    parser.add_argument("--models", nargs="+", choices=_MODELS, default=_MODELS, help="by default all")
    parsed = parser.parse_args()
    before, began = os.getloadavg()[0], time.monotonic()
    end_by_exception()
    with contextlib.ExitStack() as stack:
        servers = {}
        for setup, server in _servers(parsed.work.resolve(), parsed.models, stack):
            servers[setup] = stack.enter_context(server)
            _log(f"{setup} runs")
        _assert_answers_agree(servers)
        measure = functools.partial(_outcome, limit=parsed.limit / 1000, seconds=parsed.seconds)
        rounds: dict[Any, list[Any]] = {setup: [] for setup in servers}
        highest: dict[Any, list[float]] = {setup: [] for setup in servers}
        for number in range(parsed.rounds):
            round_began = time.monotonic()
            _measure_round(servers, measure, highest, rounds, number)
            now = time.monotonic()
            if 2 * now - round_began - began > 60 * parsed.minutes:
                break
    _tell(rounds, parsed, before)
    return 0


def end_by_exception() -> None:
    """Has SIGTERM raise SystemExit, so that the servers end, too. By default it ends this process alone."""

    def end(number: int, _: Any) -> None:
        # Another one must not interrupt the end of the servers.
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)


def _tell(rounds: dict[Any, list[Any]], parsed: argparse.Namespace, before: float) -> None:
    from benchmarks.serving import figures

    _say("\n".join(figures.lines(rounds)) + "\n")
    for model, base in ((_STUDENT, _TEACHER), (_STUDENT, _LARGE_TEACHER), (_COMPRESSED, _TEACHER)):
        for line in figures.against(rounds, model, base):
            _say(f"- {line}")
    late = max(figures.medians(one).late for one in rounds.values())
    count = len(next(iter(rounds.values())))
    _say(
        f"\nRequests/s: the highest rate at which 99 % of the requests were answered within {parsed.limit:g} ms of "
        f"their arrival. Medians of {count} rounds, {parsed.seconds:g} s for each load. The client began with 99 % of "
        f"the requests within {late:.1f} ms of their arrival. Load of the machine before {before:.1f}, "
        f"{os.cpu_count()} cores."
    )


def _servers(work: Path, names: Sequence[str], stack: contextlib.ExitStack) -> Iterator[tuple[Any, Any]]:
    """Yields each setup, and its server to be started."""
    from benchmarks.serving.figures import OURS, PEER, Setup
    from benchmarks.serving.servers import Model, limbeck, triton

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="limbeck-serving-")))
    cores = os.cpu_count() or 1
    for name in names:
        root = _run(work / "large", _LARGE) if name == _LARGE_TEACHER else _run(work / "digits", _DIGITS)
        teaches, compressed = name in (_TEACHER, _LARGE_TEACHER), name == _COMPRESSED
        model = Model(name, _teacher_of(root, folder / name.replace(" ", "-")) if teaches else root, compressed)
        # A file takes one example at a time.
        for batch in (1,) if compressed else (1, _BATCH):
            place = folder / f"{name}-{batch}".replace(" ", "-")
            for count in sorted({1, cores}):
                yield Setup(name, OURS, batch, count), limbeck(model, batch, place / f"limbeck-{count}", count)
            for count in sorted({1, cores}) if name == _STUDENT else (cores,):
                yield Setup(name, PEER, batch, count), triton(model, batch, place / f"triton-{count}", count)


def _run(root: Path, settings: dict[str, Any]) -> Path:
    """Makes a run, if it is not there. Returns its root."""
    if not list((root / "pipeline" / "TeacherTrainer" / "model").glob("*/Format-Serving")):
        command = [sys.executable, str(_ROOT / "pipeline.py"), "run", "--task", "digits", "--root", str(root)]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_ROOT)
        # A teacher that is hardly trained ships no student; it is there all the same.
        if not (root / "report.json").exists():
            raise SystemExit(f"the run in {root} ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return root


def _teacher_of(root: Path, place: Path) -> Path:
    """Puts a run's teacher where `serve` looks for a student. Returns that root."""
    models = (root / "pipeline" / "TeacherTrainer" / "model").glob("*/Format-Serving")
    newest = max(models, key=lambda model: int(model.parent.name))
    shutil.copytree(newest, place / "serving" / "1")
    return place


def _assert_answers_agree(servers: dict[Any, Any]) -> None:
    """Every server of a model must answer the same logits, or it does not do the same work."""
    import numpy as np

    first: dict[str, Any] = {}
    for setup, server in servers.items():
        request = server.request(BODY)
        url = f"http://127.0.0.1:{request.port}{request.path}"
        asked = urllib.request.Request(url, request.body, dict(request.headers))
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            outputs = {one["name"]: one["data"] for one in json.loads(answer.read())["outputs"]}
        logits = np.array(outputs["logits"])
        np.testing.assert_allclose(logits, first.setdefault(setup.model, logits), rtol=1e-4, atol=1e-4)


def _measure_round(
    servers: dict[Any, Any],
    measure: Any,
    highest: dict[Any, list[float]],
    rounds: dict[Any, list[Any]],
    number: int,
) -> None:
    """Measures all servers in turn, and adds to the rates and figures of each."""
    from benchmarks.serving.figures import Figures

    found = {}
    # Who is measured first in one round is last in the next.
    for setup, server in [*servers.items()][:: -1 if number % 2 else 1]:
        known = statistics.median(highest[setup]) if number else 0.0
        first, step = (known, 1.15) if known else (max(0.8 * _throughput(server), 1.0), 1.25)
        found[setup] = _highest(server, measure, first, step)
        highest[setup].append(found[setup][0])
        _log(f"round {number + 1}, {setup}: {found[setup][0]:,.0f} requests/s")
    for setup, server in servers.items():
        rate, processor = found[setup]
        rates = [statistics.median(highest[one]) for one in servers if one.model == setup.model]
        outcome, _ = measure(server, max(min(rates) / 2, 1.0))
        shares = [1000 * outcome.latency(0.5), 1000 * outcome.latency(_SHARE), 1000 * outcome.lateness(_SHARE)]
        rounds[setup].append(Figures(rate, 1000 * processor, outcome.rate, *shares))


def _throughput(server: Any) -> float:
    """Returns the requests/s of a server that has too many, after some that warm it up."""
    from benchmarks.serving.client import send
    from benchmarks.serving.load import arrivals

    request = server.request(BODY)
    send(request, 50, arrivals(50, 1.0, 0), _CONNECTIONS, 10.0)
    outcome = send(request, 5000, arrivals(5000, 1.0, 0), _CONNECTIONS, 0.5)
    _settle(server)
    return outcome.throughput


def _highest(server: Any, measure: Any, first: float, step: float) -> tuple[float, float]:
    """Returns the highest rate that holds, or 0, and the seconds of processor time for a request at it."""
    from benchmarks.serving.search import highest_rate

    processor = {}

    def holds(rate: float) -> bool:
        outcome, seconds = measure(server, rate)
        processor[rate] = seconds / len(outcome.arrived)
        return bool(outcome.holds(_SHARE, measure.keywords["limit"]))

    rate = highest_rate(holds, first, step, _PRECISION)
    return rate, processor.get(rate, math.nan)


def _outcome(server: Any, rate: float, *, limit: float, seconds: float) -> tuple[Any, float]:
    """Sends a load. Returns what happened, and the server's seconds of processor time."""
    from benchmarks.serving.client import send
    from benchmarks.serving.load import arrivals

    del limit
    # 99 % of fewer requests say little.
    times = arrivals(rate, min(max(seconds, 200 / rate), 3 * seconds), int(rate))
    before = server.processor_seconds()
    outcome = send(server.request(BODY), rate, times, _CONNECTIONS, 3.0)
    spent = server.processor_seconds() - before
    if outcome.unanswered:
        _settle(server)
    return outcome, spent


def _settle(server: Any) -> None:
    """Returns when the server has done what a load has left to it."""
    before = -1.0
    while (now := server.processor_seconds()) - before > 0.02:  # noqa: PLR2004
        before = now
        time.sleep(0.2)


def _log(text: str) -> None:
    sys.stderr.write(text + "\n")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main())
