"""How many weights teacher and student have, and how fast they answer: measured as a run of the pipeline does."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.languages import network
from benchmarks.languages.training import TEACHER, Data, Seed
from limbeck.examples import TEST
from limbeck.records import from_json, to_json

_STUDENT = "soft targets, teacher's blocks"
# A seed's teacher and student are as large and as fast as those of any other.
_ROUNDS = 3


def lines(seed: Seed, data: Data) -> list[str]:
    """Returns the lines of a table with weights and latencies of the models of a seed, in several rounds."""
    weights = {name: seed.weights(name) for name in (TEACHER, _STUDENT)}
    rounds = [_milliseconds(seed, data) for _ in range(_ROUNDS)]
    fewer = 100 * (1 - weights[_STUDENT] / weights[TEACHER])
    told = [
        "| round | teacher, ms | student, ms | times as fast |",
        "| ---: | ---: | ---: | ---: |",
        *(
            f"| {number} | {teacher:.3f} | {student:.3f} | {teacher / student:.2f} |"
            for number, (teacher, student) in enumerate(rounds, 1)
        ),
    ]
    told += ["", *_network(seed, data)]
    return [*told, "", f"{weights[TEACHER]:,} and {weights[_STUDENT]:,} weights: {fewer:.0f} % fewer."]


def _network(seed: Seed, data: Data) -> list[str]:
    """Returns the lines of a table with times of the networks alone, the shortest of several rounds."""
    models = [str(seed.model(name)) for name in (TEACHER, _STUDENT)]
    command = [sys.executable, "-m", network.__name__, str(data.folder / f"{TEST}.gz"), *models]
    rounds = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(_ROUNDS)
    ]
    told = [
        "| sentences a call | teacher, ms | student, ms | times as fast |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for size in network.SIZES:
        teacher, student = (min(one[str(size)][index] for one in rounds) for index in range(2))
        told.append(f"| {size} | {teacher:.3f} | {student:.3f} | {teacher / student:.2f} |")
    return told


def _milliseconds(seed: Seed, data: Data) -> tuple[float, float]:
    """Returns the median milliseconds of an answer of teacher and student, on one thread of a new process."""
    from limbeck.trainer.serving.latency import LatencyRequest, LatencyResult

    models = {name: str(seed.model(name)) for name in (TEACHER, _STUDENT)}
    with tempfile.TemporaryDirectory() as folder:
        request, result = Path(folder) / "request.json", Path(folder) / "result.json"
        request.write_text(to_json(LatencyRequest(models, str(data.timed))), encoding="utf-8")
        command = [sys.executable, "-m", "limbeck.trainer.serving.latency", str(request), str(result)]
        subprocess.run(command, check=True, capture_output=True)
        found = from_json(LatencyResult, result.read_text(encoding="utf-8")).latencies
    return found[TEACHER].p50, found[_STUDENT].p50
