"""Refuses a Resolver on Kubeflow Pipelines, which looks for the latest blessed model in stock pipelines.

TFX compiles it to a special kind of executor, which Vertex AI supports. KFP accepts the pipeline at upload, and refuses
each run of it with "non-container and non-importer executor not implemented".
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP implements containers and importers, and no resolver"


def assert_no_resolver(spec: Spec, target: str) -> Spec:
    """Returns the spec. Raises ConfigError where a node is a Resolver, and the target is Kubeflow Pipelines."""
    executors = spec["deploymentSpec"]["executors"]
    found = sorted(
        name
        for name, component in spec["components"].items()
        if "resolver" in executors.get(component.get("executorLabel"), {})
    )
    if found and target == "kubeflow":
        raise ConfigError(
            f"Kubeflow Pipelines runs no Resolver, and the pipeline has {', '.join(found)}: leave it out, with the "
            "baseline_model of the Evaluator that takes its model; or compile for Vertex AI"
        )
    return spec
