"""A container of a compiled pipeline as a process of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kubeflow.specs import container_of

PROJECT = Path(__file__).parents[2]


class Pod:
    """Runs a node's command on an executor input of KFP's form, whose places are folders of this machine."""

    def __init__(self, spec: dict[str, Any], node: str, folder: Path) -> None:
        self.container = container_of(spec, node)
        self.component = spec["components"][node]
        self.folder = folder
        self.folder.mkdir()
        self.output_file = folder / "output_metadata.json"

    def input(self, artifacts: dict[str, dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
        """What KFP 2.17 gives: inputs without types, and a log among the outputs."""
        outputs = {
            key: {"artifacts": [{"name": key, "type": one["artifactType"], "uri": str(self.folder / key)}]}
            for key, one in self.component["outputDefinitions"].get("artifacts", {}).items()
        }
        logs = {"name": "executor-logs", "type": {"schemaTitle": "system.Artifact"}, "uri": f"{self.folder}/logs"}
        files = {
            key: {"outputFile": str(self.folder / key)}
            for key in self.component["outputDefinitions"].get("parameters", {})
        }
        return {
            "inputs": {
                "artifacts": {
                    key: {"artifacts": [{"type": {"instanceSchema": ""}, **one}]} for key, one in artifacts.items()
                },
                "parameterValues": parameters,
            },
            "outputs": {
                "artifacts": outputs | {"executor-logs": {"artifacts": [logs]}},
                "parameters": files,
                "outputFile": str(self.output_file),
            },
        }

    def run(self, executor_input: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """The finished process."""
        arguments = [json.dumps(executor_input) if one == "{{$}}" else one for one in self.container["args"]]
        _, *command = self.container["command"]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def told(self) -> dict[str, Any]:
        """What it told of its outputs."""
        told: dict[str, Any] = json.loads(self.output_file.read_text(encoding="utf-8"))
        return told


def assert_done(done: subprocess.CompletedProcess[str]) -> None:
    """Fails with the end of what the process said, if it failed."""
    assert done.returncode == 0, done.stderr[-3000:]
