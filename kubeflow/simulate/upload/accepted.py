"""Finds the pipeline and the platform document in a file, as the API server does.

The server tells them apart by strict parsing. So a pipeline with one misspelt field is not a pipeline, and the file is
refused. A platform document with a misspelt outer key is silently dropped, and nothing of it reaches a pod. Here this
gives a warning.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import documents
from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser
from limbeck.kubeflow.simulate.versions import Rules

SCHEMA = "2.1.0"
_LARGEST = 32 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Accepted:
    """A pipeline that the server accepted.

    Attributes:
      spec: the PipelineSpec in canonical form.
      executors: executors by label, without fields that KFP does not know.
      platform: executors' entries of the Kubernetes platform by label, unchanged.
      platform_configuration: settings of the platform document for the whole pipeline.
      warnings: messages about what KFP silently drops.
    """

    spec: dict[str, Any]
    executors: dict[str, Any]
    platform: dict[str, Any]
    platform_configuration: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return str(self.spec["pipelineInfo"]["name"])


def accept(text: str, rules: Rules) -> Accepted:
    """Reads a compiled pipeline. Raises RefusedError if the server would refuse it."""
    if len(text.encode()) > _LARGEST:
        raise RefusedError("pipeline", f"the file has {len(text.encode())} bytes, and the server takes {_LARGEST}")
    minor = rules.number[1]
    strict = Parser(minor)
    specs, platforms, others = [], [], []
    for document in documents.read(text):
        try:
            spec = strict.message("PipelineSpec", document)
        except FieldError as error:
            platform = _platform(document, strict)
            if platform is None:
                others.append((document, str(error)))
            else:
                platforms.append(platform)
            continue
        if spec.get("pipelineInfo", {}).get("name") and "root" in spec:
            specs.append(spec)
        else:
            others.append((document, "pipelineInfo.name and root are required"))
    _count(specs, platforms, others)
    spec = specs[0]
    if spec.get("schemaVersion") != SCHEMA:
        raise RefusedError(
            "pipeline",
            f"it takes schema version {SCHEMA} only, the file has {spec.get('schemaVersion', 'none')}: "
            "compile for target kubeflow",
        )
    kubernetes = platforms[0] if platforms else {}
    try:
        deployment = Parser(minor, lenient=True).message("Deployment", spec.get("deploymentSpec", {}))
    except FieldError as error:
        raise RefusedError("run", f"deploymentSpec: {error}") from None
    executors = deployment.get("executors", {})
    entries = kubernetes.get("deploymentSpec", {}).get("executors", {})
    warnings = [f"the platform document names an executor that the pipeline has not: {label}" for label in entries]
    return Accepted(
        spec=spec,
        executors=executors,
        platform=entries,
        platform_configuration=kubernetes.get("pipelineConfig", {}),
        warnings=tuple(
            [text for text, label in zip(warnings, entries, strict=True) if label not in executors]
            + [f"a document of the file is ignored without a word: {reason}" for _, reason in others]
        ),
    )


def _platform(document: dict[str, Any], strict: Parser) -> dict[str, Any] | None:
    """Returns the Kubernetes part of a platform document; None for any other document."""
    try:
        platforms = strict.message("PlatformSpec", document).get("platforms", {})
    except FieldError:
        return None
    found = platforms.get("kubernetes")
    return found if isinstance(found, dict) else None


def _count(specs: list[Any], platforms: list[Any], others: list[tuple[Any, str]]) -> None:
    if len(specs) > 1:
        raise RefusedError("pipeline", "the file holds several pipelines")
    if len(platforms) > 1:
        raise RefusedError("pipeline", "the file holds several platform documents")
    if not specs:
        if any("pipelineSpec" in document for document, _ in others):
            hint = "it is a job of Vertex AI: compile for target kubeflow"
        elif others:
            hint = f"{others[0][1]}. KFP itself only says that the pipeline spec is invalid, not where"
        else:
            hint = "it is empty"
        raise RefusedError("pipeline", f"the file holds no pipeline spec: {hint}")
