"""The whole digits pipeline as KFP ran it, twice: 16 steps, then all of them from the cache.

What the steps wrote stands in the trace, so stand-ins write it again. All else is the simulation's own: the executor
inputs, artifacts, executions and cache of a real pipeline of TFX.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from limbeck.kubeflow.simulate.driver.outputs import LOG
from limbeck.kubeflow.simulate.pod import process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.image import Image
from limbeck.kubeflow.simulate.uris import local_path
from tests.kubeflow.simulate import comparison, probe
from tests.kubeflow.simulate.probe import TRACES

FOLDER = TRACES / "2.17.0-digits"
EXPECTED: list[dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))["runs"]


class StandIns:
    """Steps that write what the trace says that they wrote, in its order."""

    def __init__(self) -> None:
        self._steps: Iterator[Any] = (
            task for run in EXPECTED for task in run["tasks"] if task["kind"] == "EXECUTOR"
        )

    def run(self, image: Image, files: PodFiles, scratch: Path, command: process.Command, log: IO[bytes]) -> int:
        """Stands for `process.run`."""
        step = next(self._steps)
        (outputs,) = (json.loads(word)["outputs"] for word in command.words if word.startswith('{"inputs"'))
        for name, held in outputs["artifacts"].items():
            if name != LOG:
                _write(files, name, held["artifacts"][0]["uri"])
        if "output_metadata" in step:
            files.host(outputs["outputFile"]).write_text(json.dumps(step["output_metadata"]), encoding="utf-8")
        return int(step["exit"])


def _write(files: PodFiles, name: str, uri: str) -> None:
    """Writes files of the sizes that the bucket of the trace holds."""
    task = uri.split("/")[-3]
    for key, size in EXPECTED[0]["bucket"].items():
        _, _, _, _, of_task, _, of_name, *rest = key.split("/")
        if (of_task, of_name) == (task, name):
            path = "/".join([local_path(uri), *rest])
            files.make(path.rpartition("/")[0])
            files.host(path).write_bytes(b"x" * size)


def test_the_whole_pipeline_is_driven_as_kfp_drove_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "run", StandIns().run)
    monkeypatch.setattr(process, "check", lambda: None)

    outcomes = probe.run((FOLDER / "pipeline.json").read_text("utf-8"), "2.17", {}, {})

    ours = [_comparable(outcome.trace, run) for outcome, run in zip(outcomes, EXPECTED, strict=True)]
    assert not comparison.differences(ours, [_comparable(run, run) for run in EXPECTED], "digits")


def _comparable(run: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """What this trace holds, which numbers ids in another order, and leaves the pods out."""
    plain = json.loads(re.sub(r"<uuid\d+>", "<uuid>", json.dumps(_parsed({key: run[key] for key in kept}))))
    for task in plain["tasks"]:
        for key in ("pod", "said", "output_metadata"):
            task.pop(key, None)
    plain.get("artifacts", []).sort(key=lambda each: each["uri"])
    return dict(plain)


def _parsed(value: Any) -> Any:
    """JSON within texts parsed, artifacts without their names, which are ids here and told ones there."""
    if isinstance(value, dict):
        found = {key: _parsed(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if key != "name" or "uri" not in found}
    if isinstance(value, list):
        return [_parsed(each) for each in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _parsed(json.loads(value))
        except ValueError:
            return value
    return value
