"""Artifact types that TFX has no class for."""

from __future__ import annotations

from tfx.types import artifact, value_artifact


class Predictions(artifact.Artifact):
    """One Parquet table: `example_id`, `split`, `model`, `label`, `logits`; see `limbeck.components.predictor`."""

    TYPE_NAME = "limbeck.Predictions"


class Measurements(artifact.Artifact):
    """`measurements.json`: parameters, bytes and latency of each model; see `limbeck.components.predictor`."""

    TYPE_NAME = "limbeck.Measurements"


class CompressedModel(artifact.Artifact):
    """`Format-Serving/`, with a `.tflite` file and its transformation; see `limbeck.trainer.serving.compressed`."""

    TYPE_NAME = "limbeck.CompressedModel"


class Findings(artifact.Artifact):
    """`findings.json`: curves, matrices and examples for the report; see `limbeck.components.reporter`."""

    TYPE_NAME = "limbeck.Findings"


# The next four have the names by which Kubeflow Pipelines and Vertex AI know what to draw.


class Metrics(artifact.Artifact):
    """Figures as custom properties, which are drawn as a table. No files."""

    TYPE_NAME = "system.Metrics"


class ClassificationMetrics(artifact.Artifact):
    """The custom properties `confusionMatrix` and `confidenceMetrics` (`limbeck.components.visualizer`). No files."""

    TYPE_NAME = "system.ClassificationMetrics"


class _Text:
    """A text as TFX's value artifacts keep it. It is the file at the URI itself, because that is what a UI reads."""

    def encode(self, value: str) -> bytes:
        return value.encode()

    def decode(self, serialized_value: bytes) -> str:
        return serialized_value.decode()


class HtmlPage(_Text, value_artifact.ValueArtifact):
    """A page, as one file at the URI of the artifact."""

    TYPE_NAME = "system.HTML"


class MarkdownPage(_Text, value_artifact.ValueArtifact):
    """A text in Markdown, as one file at the URI of the artifact."""

    TYPE_NAME = "system.Markdown"
