"""The stock taxi pipeline of the tfx package, and a student of its model: `python taxi_pipeline.py FOLDER`."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

# The stock model is one of Keras 2, and TFX must be told so before it is imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

from tfx.components import Pusher
from tfx.examples.chicago_taxi_pipeline import taxi_pipeline_native_keras as stock
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.proto import pusher_pb2

from limbeck import SavedTeacher, Splits
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.student_half import environment, student_half

TASK = str(Path(__file__).parent / "taxi_student.py")
CONFIG = Config(
    strategy=StrategyConfig(name="one_device"),
    training=TrainingConfig(epochs=10, batch_size=128, learning_rate=5e-3),
    distillation=DistillationConfig(temperature=1.0, alpha=0.5),
    gate=GateConfig(tolerance=0.01),
)


def add_student(pipeline: Any, serving: Path) -> None:
    """Adds the student half to a pipeline of stock components, and a Pusher for the student."""
    nodes = {node.id: node for node in pipeline.components}
    half = student_half(
        TASK,
        CONFIG,
        examples=nodes["CsvExampleGen"].outputs["examples"],
        transform_graph=nodes["Transform"].outputs["transform_graph"],
        model=nodes["Trainer"].outputs["model"],
        teacher=SavedTeacher("probabilities", signature="serving_default", output="outputs"),
        splits=Splits(train="train", test="eval"),
    )
    pusher = Pusher(
        model=half.student.outputs["model"],
        model_blessing=half.gate.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
        ),
    ).with_id("StudentPusher")
    pipeline.components = [*pipeline.components, *half.nodes, pusher]


def stock_pipeline(root: Path) -> Any:
    """Returns the stock pipeline on copies of its data and its module."""
    package = Path(stock.__file__).parent
    shutil.copytree(package / "data" / "simple", root / "data", dirs_exist_ok=True)
    (root / "module").mkdir(exist_ok=True)
    module = shutil.copy(package / "taxi_utils_native_keras.py", root / "module")
    return stock._create_pipeline(
        pipeline_name="taxi",
        pipeline_root=str(root / "pipeline"),
        data_root=str(root / "data"),
        module_file=str(module),
        serving_model_dir=str(root / "serving"),
        metadata_path=str(root / "metadata.sqlite"),
        beam_pipeline_args=[],
    )


def main(root: Path) -> None:
    """Runs both below a folder."""
    pipeline = stock_pipeline(root)
    add_student(pipeline, root / "serving-student")
    os.environ.update(environment(TASK, CONFIG, checkpoints=str(root / "checkpoints")))
    LocalDagRunner().run(pipeline)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
