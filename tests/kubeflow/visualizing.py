"""Visualizer behind importers of what it reads, compiled as the whole pipeline is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.components.visualizer import left
from tests.kubeflow.specs import Spec

# Where the importers find their artifacts.
GIVEN = "minio://mlpipeline/given"


def compiled(target: Any, output: Path) -> Spec:
    """The pipeline spec for a run of the task digits with the settings of the sample; the file is left at `output`."""
    from tfx.dsl.components.common.importer import Importer
    from tfx.orchestration.pipeline import Pipeline
    from tfx.types import standard_artifacts

    from limbeck.components.artifacts import types
    from limbeck.components.graph.context import Context, Storage
    from limbeck.components.visualizer.component import visualizer
    from limbeck.kubeflow import compile as compiler
    from limbeck.models import MODELS
    from limbeck.reference import find

    kinds = {"findings": types.Findings, "measurements": types.Measurements}
    kinds |= {"blessing": standard_artifacts.ModelBlessing}
    given = {
        name: Importer(f"{GIVEN}/{name}", kind, output_key=name).with_id(f"Given-{name}")
        for name, kind in kinds.items()
    }
    context = Context.of(
        left.sample().config, find("digits"), Storage("gs://a/r", "gs://a/s", "gs://a/d", "gs://a/c")
    )
    # Of the nodes that train, it takes the names only.
    models = dict.fromkeys((name for name, one in MODELS.items() if not one.compressed), given["findings"])
    shown = visualizer(context, given["measurements"], given["findings"], given["blessing"], models)
    pipeline = Pipeline("shown", "gs://a/r", components=[*given.values(), shown])
    compiler.write(pipeline, output, compiler.Options(target=target, image="example/limbeck:1"))
    document = yaml.safe_load(output.read_text(encoding="utf-8"))
    return dict(document if target == "kubeflow" else document["pipelineSpec"])
