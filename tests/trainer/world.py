"""Builds what a training job needs, and all of it is real: a task, its transform graph, and packed examples."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from limbeck import files
from limbeck.reference import TaskRef
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distillation.targets import label_key
from limbeck.trainer.job import TrainingJob
from tests.trainer import packed, transform

NUMBERS = itertools.count(1)
COLOURS = ("red", "green", "blue")
COUNT, CLASSES, TEACHERS = 43, 3, 2
# 129 positions in 17 steps: the last batch holds one example, so one of two workers has none.
TRAINING = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.02, seed=5)
STEPS, POSITIONS = 17, 129

SOURCE = """
import dataclasses

import tensorflow as tf
import tf_keras

from limbeck.randomness import uniform_integers
from limbeck.task import Feature, Label, Task


def preprocessing_fn(inputs):
    return {"x": inputs["x"]}


def build(hyperparameters):
    if hyperparameters.get("nonsense"):
        return 5
    x = tf_keras.Input([4], name="x")
    hidden = tf_keras.layers.Dense(int(hyperparameters.get("units", 8)), activation="tanh")(x)
    return tf_keras.Model({"x": x}, tf_keras.layers.Dense(int(hyperparameters.get("outputs", 3)))(hidden))


def augment(inputs, seeds):
    # Large enough that an example with the seed of another would be noticed.
    moved = tf.cast(uniform_integers(seeds, -1, 2), tf.float32)
    return {"x": inputs["x"] + moved[:, tf.newaxis]}


TASK = Task(
    name="tiny",
    features=(Feature("x", shape=(4,)),),
    label=Label("colour", ("red", "green", "blue"), kind="text", visible_to_student="seen"),
    preprocessing_fn=preprocessing_fn,
    build_teacher=build,
    build_student=build,
    augment=augment,
)
SGD = dataclasses.replace(TASK, augment=None, build_optimizer=tf_keras.optimizers.SGD)
MISTAKEN = dataclasses.replace(TASK, build_optimizer=lambda schedule: "sgd")
"""


@dataclasses.dataclass(frozen=True)
class World:
    """The inputs of a job: the task, the transform graph, and the transformed examples, packed for each entry.

    Attributes:
      transformed: serialized examples as Transform writes them.
      examples: the same with `teacher_logits`.
      folders: `examples`, packed, by entry.
    """

    task: TaskRef
    graph: str
    transformed: tuple[bytes, ...]
    examples: tuple[bytes, ...]
    folders: dict[str, str]

    def variant(self, attribute: str) -> TaskRef:
        """Returns the task with another optimizer: `SGD`, or `MISTAKEN`, which builds no optimizer."""
        return dataclasses.replace(self.task, attribute=attribute)

    def job(self, folder: Path, entry="teacher", **changes) -> TrainingJob:
        """Returns a job for this process: by default a teacher on labels, or a student on soft targets."""
        folder.mkdir()
        targets = changes.get("targets", "labels" if entry == "teacher" else "soft_targets")
        distillation = DistillationConfig(temperature=2.0, alpha=0.6) if targets == "soft_targets" else None
        fields = {
            "entry": entry,
            "task": self.task,
            "examples_uri": self.folders[entry],
            "transform_graph_uri": self.graph,
            "model_uri": str(folder / "model"),
            "record_uri": str(folder),
            "targets": targets,
            "strategy": StrategyConfig(name="one_device"),
            "training": TRAINING,
            "distillation": distillation,
        }
        return TrainingJob(**(fields | changes))

    def logits(self, job: TrainingJob, examples: Sequence[bytes] | None = None) -> np.ndarray:
        """Returns the logits of the exported model, by default on the training examples.

        They are float32 `[examples, members, classes]`.
        """
        loaded = tf.saved_model.load(job.model_uri)
        return loaded.signatures["transformed"](tf.constant(examples or self.examples))["logits"].numpy()


def own_module(name: str) -> str:
    """Returns a name for the module of a task that no other test of this process has used.

    A process holds only one module of a name. Which tests share a process is chance: with fixed names, two files of
    tests met once in a hundred runs, and the second one was refused.
    """
    return f"{name}_{next(NUMBERS)}"


def build(folder: Path, rows: Sequence[dict], teacher_logits: np.ndarray) -> World:
    """Builds a world below a folder, from raw rows and float logits `[rows, teachers, classes]`."""
    module = own_module("tiny_task")
    (folder / f"{module}.py").write_text(SOURCE)
    task = TaskRef(module=module, search_path=str(folder))
    spec = {
        "x": tf.io.FixedLenFeature([4], tf.float32),
        "colour": tf.io.VarLenFeature(tf.string),
        "seen": tf.io.FixedLenFeature([], tf.int64),
    }
    _, transformed = transform.analyze(task.load(), spec, rows, folder)
    examples = with_logits(transformed, teacher_logits)
    folders = {entry: pack(folder / entry, examples, entry) for entry in ("teacher", "student")}
    return World(task, str(folder / "graph"), tuple(transformed), tuple(examples), folders)


def pack(folder: Path, examples: Sequence[bytes], entry="student") -> str:
    """Packs examples for a job of this entry. Returns the folder."""
    return packed.pack_all(folder, examples, label_key(entry))


def rows(count: int = COUNT) -> list[dict]:
    """Returns random raw rows. Every fifth has no label, and the student does not see the label of a third."""
    generator = np.random.default_rng(0)
    return [
        {
            "x": generator.standard_normal(4).astype(np.float32).tolist(),
            "colour": [] if number % 5 == 0 else [COLOURS[generator.integers(CLASSES)]],
            "seen": int(number % 3 != 0),
        }
        for number in range(count)
    ]


def random_logits(count: int = COUNT) -> np.ndarray:
    """Returns random logits of teachers."""
    return 3 * np.random.default_rng(1).standard_normal([count, TEACHERS, CLASSES])


def with_logits(examples: Sequence[bytes], logits: np.ndarray) -> list[bytes]:
    """Returns serialized examples with `teacher_logits` `[examples, teachers, classes]`."""
    return [edited(one, teacher_logits=some.ravel().tolist()) for one, some in zip(examples, logits, strict=True)]


def edited(serialized: bytes, **features) -> bytes:
    """Returns a serialized tf.Example in which some features have other values: lists of integers or floats."""
    example = tf.train.Example.FromString(serialized)
    for name, values in features.items():
        kind = "int64_list" if all(isinstance(one, int) for one in values) else "float_list"
        getattr(example.features.feature[name], kind).value[:] = values
    return example.SerializeToString(deterministic=True)


def values_of(serialized: bytes, name: str) -> list:
    """Returns the values of one feature of a serialized tf.Example."""
    feature = tf.train.Example.FromString(serialized).features.feature[name]
    return list(getattr(feature, feature.WhichOneof("kind")).value)


def weights(job: TrainingJob) -> list[np.ndarray]:
    """Returns the weights of all members of the exported model, in order."""
    uri = job.model_uri
    loaded = tf.saved_model.load(uri if files.opened_by_tensorflow(uri) else files.local_copy(uri))
    return [variable.numpy() for member in loaded.weights for variable in member]
