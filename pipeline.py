"""The pipeline: raw data to a shipped student. `python pipeline.py --help` says how to run it.

`create_pipeline` says which node follows which, and nothing else. The folder of a component says what its node does,
and which settings it gets. Whoever runs the graph decides where it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

    from limbeck.components.graph.context import Context, Storage
    from limbeck.digests.dependencies import Project
    from limbeck.reference import TaskRef
    from limbeck.settings.config import Config


def create_pipeline(
    config: Config,
    ref: TaskRef,
    storage: Storage,
    *,
    beam_flags: Sequence[Any],
    generation: int = 0,
    metadata: Any = None,
    project: Project | None = None,
) -> Any:
    """Builds the graph.

    Args:
      config: the whole configuration.
      ref: the task.
      storage: where artifacts, data and served models are.
      beam_flags: flags of every Beam pipeline, each a text or a placeholder of TFX.
      generation: number of the accepted schema at `storage.accepted`. A number one higher replaces that schema by the
        schema of this run's data.
      metadata: an ML Metadata `ConnectionConfig`, for a local run.
      project: our own sources, for several pipelines that are made of one state of them; None reads them.

    Returns:
      A `tfx.orchestration.pipeline.Pipeline`.

    Raises:
      TaskError: if the task cannot be loaded.
    """
    from tfx.orchestration.pipeline import Pipeline

    from limbeck.components.graph.context import Context

    context = Context.of(config, ref, storage, project)
    return Pipeline(
        pipeline_name=f"limbeck-{context.task.name}",
        pipeline_root=storage.root,
        components=_nodes(context, generation),
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=list(beam_flags),
    )


def _nodes(context: Context, generation: int) -> list[BaseNode]:
    from tfx.components import ExampleValidator, SchemaGen, StatisticsGen

    from limbeck.components.anomaly_stop.component import anomaly_stop
    from limbeck.components.compressor.component import compressors
    from limbeck.components.distiller.component import distillers
    from limbeck.components.evaluator.component import evaluator
    from limbeck.components.example_gen.component import raw_examples
    from limbeck.components.gate.component import gate
    from limbeck.components.predictor.component import predictor
    from limbeck.components.pusher.component import pusher
    from limbeck.components.reporter.component import reporter
    from limbeck.components.teacher_labeler.component import teacher_labeler
    from limbeck.components.teacher_trainer.component import teacher_trainer
    from limbeck.components.transform.component import transform
    from limbeck.components.visualizer.component import visualizer
    from limbeck.models import COMPRESSED, STUDENT, TEACHER

    # Raw data -> transformed examples. The run stops on anomalies and on drift.
    raw = raw_examples(context)
    statistics = StatisticsGen(examples=raw.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=True)
    validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    stop = anomaly_stop(context, raw, statistics, schema, validator, generation=generation)
    transformed = transform(context, raw, schema, stop)
    # -> teachers -> soft targets -> the student, and its controls with the same steps and initial weights.
    teachers = teacher_trainer(context, transformed)
    labelled = teacher_labeler(context, transformed, teachers)
    students = distillers(context, transformed, labelled, teachers)
    student = students[STUDENT]
    # -> the student's compressed file, if the settings have a recipe for it.
    compressed = compressors(context, transformed, labelled, student)
    models = {TEACHER: teachers} | students | compressed
    # -> evaluation, verdict, findings, what a UI draws, and a pushed student if the verdict allows it.
    evaluated = evaluator(context, raw, student, teachers)
    predicted = predictor(context, raw, labelled, models)
    reported = reporter(
        context,
        predicted,
        labelled,
        models,
        raw=raw.outputs["examples"],
        transform_graph=transformed.outputs["transform_graph"],
        evaluator=evaluated,
    )
    judged = gate(context, student, predicted)
    shown = visualizer(context, predicted, reported, judged, models)
    pushed = pusher(context, student, judged, compressed.get(COMPRESSED))
    return [
        *(raw, statistics, schema, validator, stop, transformed),
        *(teachers, labelled, *students.values(), *compressed.values()),
        *(evaluated, predicted, reported, judged, shown, pushed),
    ]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from limbeck.__main__ import run

    run()
