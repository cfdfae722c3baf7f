"""Artifact types that TFX has no class for."""

from __future__ import annotations

from tfx.types import artifact


class Predictions(artifact.Artifact):
    """One Parquet table: `example_id`, `split`, `model`, `label`, `logits`; see `components.predictor`."""

    TYPE_NAME = "limbeck.Predictions"


class Measurements(artifact.Artifact):
    """`measurements.json`: parameters, bytes and latency of each model; see `components.predictor`."""

    TYPE_NAME = "limbeck.Measurements"


class Findings(artifact.Artifact):
    """`findings.json`: what the report shows of the models in addition to figures; see `components.reporter`."""

    TYPE_NAME = "limbeck.Findings"
