"""Their pipeline, with the student half: `python pipeline.py FOLDER` runs it below a folder that holds `data/`."""

import os
import sys
from pathlib import Path
from typing import Any

from tfx.components import CsvExampleGen, Pusher, SchemaGen, StatisticsGen, Trainer, Transform
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2

from limbeck import SavedTeacher
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.student_half import environment, student_half

CONFIG = Config(
    strategy=StrategyConfig(name="one_device"),
    training=TrainingConfig(epochs=40, batch_size=16, learning_rate=2e-2),
    distillation=DistillationConfig(temperature=2.0, alpha=1.0),
    # So few test rows prove no less.
    gate=GateConfig(tolerance=0.2),
)
TASK = str(Path(__file__).parent / "student.py")


def create(root: Path) -> Any:
    examples = CsvExampleGen(str(root / "data"))
    statistics = StatisticsGen(examples.outputs["examples"])
    schema = SchemaGen(statistics.outputs["statistics"], infer_feature_shape=True)
    transform = Transform(
        examples.outputs["examples"], schema.outputs["schema"], preprocessing_fn="trainer.model.preprocessing_fn"
    )
    trainer = Trainer(
        run_fn="trainer.model.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=trainer_pb2.TrainArgs(num_steps=1),
        eval_args=trainer_pb2.EvalArgs(num_steps=1),
    )
    half = student_half(
        TASK,
        CONFIG,
        examples=examples.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        model=trainer.outputs["model"],
        teacher=SavedTeacher("probabilities"),
    )
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(root / "serving"))
    pusher = Pusher(
        model=half.student.outputs["model"],
        model_blessing=half.gate.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
    )
    return Pipeline(
        pipeline_name="wine",
        pipeline_root=str(root / "pipeline"),
        components=[examples, statistics, schema, transform, trainer, *half.nodes, pusher],
        enable_cache=True,
        metadata_connection_config=sqlite_metadata_connection_config(str(root / "metadata.sqlite")),
    )


if __name__ == "__main__":
    os.environ.update(environment(TASK, CONFIG))
    LocalDagRunner().run(create(Path(sys.argv[1])))
