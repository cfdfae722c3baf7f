"""One attempt of a task: runs its container, and reads its outputs."""

from __future__ import annotations

import dataclasses
import json
import posixpath
import shutil
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.launcher import command, output_file
from limbeck.kubeflow.simulate.launcher.errors import LauncherError
from limbeck.kubeflow.simulate.pod import process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.image import Image
from limbeck.kubeflow.simulate.uris import Location
from limbeck.kubeflow.simulate.versions import rules
from limbeck.kubeflow.simulate.vertex.executor_input import TaskError
from limbeck.kubeflow.simulate.vertex.store import Outputs, Store

Json = dict[str, Any]
# The nearest release of KFP. Vertex AI handles placeholders and output files in the same way.
_LIKE = rules("2.17")
_MOUNT = "/gcs"


@dataclasses.dataclass
class Ended:
    """How an attempt ended: its outputs, or why it has none; and the output of its container."""

    outputs: Outputs | None = None
    error: str = ""
    log: str = ""


class Containers:
    """Runs containers on this machine."""

    def __init__(
        self, image: Image, buckets: Buckets, store: Store, scratch: Path, variables: dict[str, str]
    ) -> None:
        """Takes what containers need.

        Args:
          image: the image of every container.
          buckets: hold the files below `/gcs`.
          store: receives the artifacts.
          scratch: folder of this machine for one container at a time.
          variables: environment variables of every container.
        """
        self._image, self._buckets, self._store = image, buckets, store
        self._scratch, self._variables = scratch, variables

    def run(self, executor_input: Json, component: Json, container: Json) -> Ended:
        """Runs a container to its end. Failures are part of the returned value."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        self._scratch.chmod(0o755)
        files = PodFiles(self._scratch / "files", process.USER)
        files.make(posixpath.join(_MOUNT, executor_input["outputs"]["outputFile"].split("/")[2]))
        ended = Ended()
        try:
            self._process(files, executor_input, container, ended)
            ended.outputs = self._outputs(files, executor_input, component)
        except (LauncherError, TaskError) as error:
            ended.error = str(error)
        finally:
            self._upload(files)
            shutil.rmtree(self._scratch, ignore_errors=True)
        return ended

    def _process(self, files: PodFiles, executor_input: Json, container: Json, ended: Ended) -> None:
        given = [*container.get("command", []), *container.get("args", [])]
        words = command.words(executor_input, {}, given, _LIKE)
        own = {each["name"]: each.get("value", "") for each in container.get("env", [])}
        path = self._scratch / "log"
        with path.open("wb") as log:
            try:
                code = process.run(
                    self._image, files, self._scratch, process.Command(words, {**self._variables, **own}), log
                )
            except OSError as error:
                raise TaskError(f"the container cannot be started: {error}") from None
        ended.log = path.read_text("utf-8", errors="replace")
        if code:
            lines = ended.log.strip().splitlines()
            raise TaskError(
                f"the container ended with exit status {code}" + (f"; its last line: {lines[-1]}" if lines else "")
            )

    def _outputs(self, files: PodFiles, executor_input: Json, component: Json) -> Outputs:
        written = output_file.read(files, executor_input["outputs"]["outputFile"], _LIKE.number[1])
        parameters = output_file.parameters(files, executor_input, component, written.get("parameterValues", {}))
        artifacts = {}
        for name, held in executor_input["outputs"].get("artifacts", {}).items():
            (artifact,) = held["artifacts"]
            told = (written.get("artifacts", {}).get(name, {}).get("artifacts") or [{}])[0]
            metadata = artifact["metadata"] | told.get("metadata", {})
            null = next((key for key, value in metadata.items() if value is None), None)
            if null is not None:
                raise TaskError(f"metadata {null!r} of output {name!r} is null")
            artifacts[name] = self._store.add(
                {"uri": told.get("uri") or artifact["uri"], "type": artifact["type"], "metadata": metadata}
            )
        return Outputs(artifacts, json.loads(json.dumps(parameters)))

    def _upload(self, files: PodFiles) -> None:
        top = files.host(_MOUNT)
        for path in sorted(each for each in top.rglob("*") if each.is_file()):
            bucket, *parts = path.relative_to(top).parts
            self._buckets.of(Location("gs://", bucket)).put("/".join(parts), path)
