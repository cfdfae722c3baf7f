"""A compiled file: for which service it is, and whether that would take it. All of it before the network is asked.

KFP answers a misspelt field with "pipeline spec is invalid", and both services answer a root that was never given, or
an image without a registry, minutes later in the log of a task.
"""

from __future__ import annotations

import dataclasses
import graphlib
import re
from pathlib import Path
from typing import Any

from limbeck.errors import ConfigError
from limbeck.kubeflow.out_of_reach import unpullable
from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import documents
from limbeck.kubeflow.simulate.upload.accepted import Accepted, accept
from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser
from limbeck.kubeflow.simulate.versions import DEFAULT, rules
from limbeck.kubeflow.specification import map_texts

_PLACEHOLDER_ROOT = re.compile(r"\w+://BUCKET\b")
_PLACEHOLDER_IMAGE = re.compile(r"(IMAGE|REGISTRY/.*|registry\.example/.*|.*<.*>.*|)")
_VERTEX_SCHEMAS = ("2.0.0", "2.1.0")


@dataclasses.dataclass(frozen=True)
class Document:
    """A compiled pipeline that its service would take.

    Attributes:
      target: `kubeflow` or `vertex`.
      text: of the file.
      spec: the pipeline spec.
      accepted: as KFP reads the file; None for Vertex AI.
      warnings: what the service would drop without a word, or what often goes wrong.
    """

    target: str
    text: str
    spec: dict[str, Any]
    accepted: Accepted | None
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.spec["pipelineInfo"]["name"])

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, each after those that it waits for."""
        tasks = self.spec["root"].get("dag", {}).get("tasks", {})
        order = graphlib.TopologicalSorter({name: task.get("dependentTasks", ()) for name, task in tasks.items()})
        try:
            return tuple(name for name in order.static_order() if name in tasks)
        except graphlib.CycleError:
            return tuple(tasks)


def read(path: Path) -> Document:
    """Reads a compiled file. Raises UserError if no service would run it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"FILE must be a compiled pipeline; {path} cannot be read: {error}") from None
    parts = documents.read(text)
    document = _vertex(text, parts[0]) if parts and "pipelineSpec" in parts[0] else _kubeflow(text)
    map_texts(document.spec, _assert_no_placeholder)
    return dataclasses.replace(document, warnings=(*document.warnings, *_image_warnings(document)))


def _kubeflow(text: str) -> Document:
    accepted = accept(text, rules(DEFAULT))
    return Document("kubeflow", text, accepted.spec, accepted, accepted.warnings)


def _vertex(text: str, job: dict[str, Any]) -> Document:
    try:
        spec = Parser(rules(DEFAULT).number[1]).message("PipelineSpec", job["pipelineSpec"])
    except FieldError as error:
        raise ConfigError(f"Vertex AI refuses the pipeline: pipelineSpec: {error}: compile it again") from None
    if spec.get("schemaVersion") not in _VERTEX_SCHEMAS:
        raise ConfigError(
            f"Vertex AI takes pipeline specs of schema {' or '.join(_VERTEX_SCHEMAS)}, the file has "
            f"{spec.get('schemaVersion', 'none')}: compile for target vertex"
        )
    if not spec.get("pipelineInfo", {}).get("name") or "root" not in spec:
        raise RefusedError("pipeline", "pipelineInfo.name and root are required: compile it again")
    return Document("vertex", text, spec, None)


def _assert_no_placeholder(text: str) -> None:
    found = _PLACEHOLDER_ROOT.search(text)
    if found is not None:
        raise ConfigError(
            f"the file was compiled without a root: it still holds the placeholder {found.group()}. Compile it again "
            "with --root gs://your-bucket/folder"
        )


def _image_warnings(document: Document) -> list[str]:
    executors = document.spec.get("deploymentSpec", {}).get("executors", {})
    images = sorted({one["container"].get("image", "") for one in executors.values() if "container" in one})
    warnings = []
    for image in images:
        if _PLACEHOLDER_IMAGE.fullmatch(image):
            raise ConfigError(
                f"the file was compiled without an image: its containers start from {image!r}. Push an image that "
                "holds this project and your task, and compile with --image REGISTRY/NAME:TAG"
            )
        warning = unpullable(image, document.target)
        if warning is not None and document.target == "vertex":
            raise ConfigError(warning)
        if warning is not None:
            warnings.append(warning)
    return warnings
