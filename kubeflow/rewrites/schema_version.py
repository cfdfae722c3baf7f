"""Refuses a spec of another schema than 2.1.0.

KFP's API server accepts only this version ("KFP only supports schema version 2.1.0"), and TFX writes 2.0.0 by default.
Vertex AI accepts both, so one graph works for both targets.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "TFX's default is 2.0.0 (KubeflowV2DagRunnerConfig.use_pipeline_spec_2_1)"
VERSION = "2.1.0"


def assert_version(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where it is of another schema."""
    if spec.get("schemaVersion") != VERSION:
        raise ConfigError(
            f"Kubeflow Pipelines runs pipeline specs of schema {VERSION}, received {spec.get('schemaVersion')}: "
            "compile the pipeline again"
        )
    return spec
