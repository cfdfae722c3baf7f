"""Runs stages of the pipeline in this process, first on few rows and then on many: `stages.py FOLDER ROWS`.

Prints, for each stage, the bytes of the rows that it was given, and by how many bytes the memory that no file backs
grew at most, as JSON. The few rows have paid for what a stage takes once: imports, graphs, pools.
"""

import dataclasses
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow_transform as tft
from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.components.schema_gen.executor import Executor as SchemaGen
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import json_utils, proto_utils

from benchmarks.memory import anonymous
from limbeck.beam_processes import byte_counts
from limbeck.components.artifacts.files import split_files
from limbeck.components.artifacts.record_files import content_bytes
from limbeck.components.evaluator.evaluation import evaluation_config
from limbeck.components.example_gen.executor import CsvExecutor
from limbeck.components.example_gen.options import Options, to_custom_config
from limbeck.components.mapping.this_process import ThisProcess
from limbeck.components.predictor import over_files
from limbeck.components.predictor.asked import AskedModels
from limbeck.components.properties.code import CodeRef, code_properties
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler.executor import Executor as TeacherLabeler
from limbeck.components.transform.executor import Executor as Transform
from limbeck.examples import LABEL
from limbeck.reference import TaskRef
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.packing import pack
from limbeck.trainer.data.runs import Limits
from limbeck.trainer.serving import export
from limbeck.trainer.session.inputs import packed_spec
from tests.components import rehearsal
from tests.components.larger import task

FEW, COPIES = 300, 4
SPLITS = ("train", "validation", "test")
TASK = TaskRef(task.__name__)
CODE = code_properties(CodeRef(TASK, "digest"))
# Sorting and merging take some of these at a time.
LIMITS = Limits(read_examples=256, run_bytes=1 << 20, block_bytes=1 << 20)


def write(folder: Path, rows: int) -> None:
    """Writes CSV files: two for each large split. Few texts, so that nothing has to remember many of them."""
    tail = "x" * (task.TEXT_BYTES - 20)
    for split, count in zip(SPLITS, (rows, 16, rows), strict=True):
        (folder / split).mkdir(parents=True)
        for number in range(2):
            lines = (f"{row % 97:020d}{tail},{row}.5,{task.CLASSES[row % 2]}\n" for row in range(number, count, 2))
            with (folder / split / f"{number}.csv").open("w", encoding="utf-8") as file:
                file.write("text,size,kind\n")
                file.writelines(lines)


@dataclasses.dataclass
class Stages:
    """The stages, one after the other, each with the results of those before."""

    folder: Path
    found: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)

    def all(self, rows: int) -> None:
        write(self.folder / "data", rows)
        self.example_gen()
        self.statistics_gen()
        self.transform()
        self.models()
        self.training()
        self.teacher_labeler()
        self.predictor()
        self.evaluator()

    def example_gen(self) -> None:
        self.raw = self.artifact(standard_artifacts.Examples, "raw")
        inputs = [example_gen_pb2.Input.Split(name=split, pattern=f"{split}/*") for split in SPLITS]
        properties = {
            "input_base": str(self.folder / "data"),
            "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=inputs)),
            "output_config": proto_utils.proto_to_json(example_gen_pb2.Output()),
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            "custom_config": proto_utils.proto_to_json(to_custom_config(Options())),
        }
        content = sum(path.stat().st_size for path in (self.folder / "data").rglob("*.csv"))
        self.run("ExampleGen", content, CsvExecutor, {}, {"examples": self.raw}, properties)

    def statistics_gen(self) -> None:
        self.statistics = self.artifact(standard_artifacts.ExampleStatistics, "statistics")
        content, properties = self.content(self.raw, *SPLITS), {"exclude_splits": "[]"}
        outputs = {"statistics": self.statistics}
        self.run("StatisticsGen", content, StatisticsGen, {"examples": self.raw}, outputs, properties)

    def transform(self) -> None:
        self.schema = self.artifact(standard_artifacts.Schema, "schema")
        properties = {"infer_feature_shape": 1, "exclude_splits": "[]"}
        self.run("SchemaGen", 0, SchemaGen, {"statistics": self.statistics}, {"schema": self.schema}, properties)
        self.transformed = self.artifact(standard_artifacts.Examples, "transformed")
        self.graph = self.artifact(standard_artifacts.TransformGraph, "graph")
        self.run(
            "Transform",
            self.content(self.raw, *SPLITS),
            Transform,
            {"examples": self.raw, "schema": self.schema},
            {
                "transform_graph": self.graph,
                "transformed_examples": self.transformed,
                "updated_analyzer_cache": self.artifact(standard_artifacts.TransformCache, "cache"),
            },
            {
                "preprocessing_fn": "limbeck.trainer.data.preprocessing.preprocessing_fn",
                "custom_config": json_utils.dumps(CODE),
                "disable_statistics": 1,
                "force_tf_compat_v1": 0,
            },
        )

    def models(self) -> None:
        """Exports models that nobody trained."""
        output, self.model = tft.TFTransformOutput(self.graph.uri), {}
        for name in ("teacher", "student"):
            self.model[name] = self.artifact(standard_artifacts.Model, name)
            export.save([task.build({})], task.TASK, output, f"{self.model[name].uri}/Format-Serving")

    def training(self) -> None:
        """Packs the training split, as if it had several times its rows, and reads an epoch of batches.

        Some megabytes of batches are on their way at any time. Against them, the split alone is small.
        """
        objective, packed = task.TASK.objective, self.folder / "packed"
        spec, sources = packed_spec(self.graph.uri, objective), COPIES * split_files([self.transformed], "train")
        content = COPIES * self.content(self.transformed, "train")
        packed.mkdir()
        self.step("packing", content, lambda: pack(sources, packed, spec, LABEL, objective, limits=LIMITS))

        def epoch() -> None:
            order = Order(len(PackedExamples(packed)), 64, 1, seed=1)
            wanted = export.model_input_spec(tft.TFTransformOutput(self.graph.uri))
            for _ in batches(str(packed), order, [0], 1, wanted):
                pass

        self.step("epoch", content, epoch)

    def teacher_labeler(self) -> None:
        self.labelled = self.artifact(standard_artifacts.Examples, "labelled")
        self.run(
            "TeacherLabeler",
            self.content(self.transformed, *SPLITS),
            TeacherLabeler,
            {"examples": self.transformed, "model": self.model["teacher"]},
            {"labelled_examples": self.labelled},
            CODE | Section(LabellingConfig).encode(LabellingConfig()),
        )

    def predictor(self) -> None:
        """Writes predictions as Predictor does. What it measures besides depends on no number of rows."""
        models = {name: f"{one.uri}/Format-Serving" for name, one in self.model.items()}
        asked, scratch = AskedModels.of(models, {}, TASK, LabellingConfig()), self.folder / "predictions"
        scratch.mkdir()
        parts = [
            part
            for split in SPLITS
            for part in over_files.parts_of(split, split_files([self.labelled], split), str(scratch), str(scratch))
        ]
        content = self.content(self.labelled, *SPLITS)
        self.step("Predictor", content, lambda: over_files.predict(parts, asked, ThisProcess()))

    def evaluator(self) -> None:
        self.run(
            "Evaluator",
            self.content(self.raw, "test"),
            Evaluator,
            {"examples": self.raw, "model": self.model["student"], "baseline_model": self.model["teacher"]},
            {
                "evaluation": self.artifact(standard_artifacts.ModelEvaluation, "evaluation"),
                "blessing": self.artifact(standard_artifacts.ModelBlessing, "blessing"),
            },
            {
                "eval_config": proto_utils.proto_to_json(evaluation_config(task.TASK)),
                "example_splits": json_utils.dumps(["test"]),
                "fairness_indicator_thresholds": "null",
                "module_path": "limbeck.components.evaluator.evaluation",
            },
        )

    def artifact(self, kind: type[Artifact], name: str) -> Artifact:
        return rehearsal.artifact(kind, self.folder / name)

    def content(self, examples: Artifact, *splits: str) -> int:
        return sum(content_bytes(path) for split in splits for path in split_files([examples], split))

    def run(  # noqa: PLR0917
        self, name: str, content: int, executor: type, inputs: Any, outputs: Any, properties: Any
    ) -> None:
        def work() -> None:
            left = rehearsal.run(executor, inputs, outputs, properties, self.folder / f"{name}-scratch")
            for key, one in outputs.items():
                if key in left.output_artifacts:
                    one.mlmd_artifact.CopyFrom(left.output_artifacts[key].artifacts[0])

        self.step(name, content, work)

    def step(self, name: str, content: int, work: Callable[[], object]) -> None:
        """Does some work, and looks at the memory of this process every hundredth of a second."""
        done, most, before = threading.Event(), 0, anonymous()

        def look() -> None:
            nonlocal most
            while not done.wait(0.01):
                most = max(most, anonymous())

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            work()
        finally:
            done.set()
            watcher.join()
        self.found[name] = {"content": content, "growth": 1024 * max(0, most - before)}
        sys.stderr.write(f"{name}: {self.found[name]}\n")


def main(folder: Path, rows: int) -> None:
    few, many = Stages(folder / "few"), Stages(folder / "many")
    with byte_counts.collected():
        few.all(FEW)
        many.all(rows)
    sys.stdout.write(json.dumps(many.found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
