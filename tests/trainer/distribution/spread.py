"""Trains, evaluates and predicts under one strategy, in new processes. test_strategies.py compares the results.

A process can make logical devices only before it has used TensorFlow, so no strategy can be tried in the process of
the tests: `python -m tests.trainer.distribution.spread STRATEGY FOLDER` writes `FOLDER/<rank>.npz`.
"""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.local.environment import LOOPBACK, environment
from limbeck.launchers.local.launcher import ports
from limbeck.records import from_json, to_json
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.data.order import Order
from limbeck.trainer.distribution.cluster import Addresses, from_environment

COUNT, CLASSES, WIDTH = 43, 4, 3
# 473 positions in 60 steps: the last batch holds one example, so all replicas but one have none.
ORDER = Order(COUNT, 8, epochs=11, seed=1)
RATE, CLIP = 0.05, 0.7
PROJECT = Path(__file__).parents[3]


@dataclasses.dataclass(frozen=True)
class Case:
    """One training: a kind of model, an optimizer, and settings."""

    model: str = "dense"
    optimizer: str = "SGD"
    training: TrainingConfig = dataclasses.field(default_factory=lambda: TrainingConfig(learning_rate=RATE))


CASES = {
    "sgd": Case(),
    "adam": Case(optimizer="Adam"),
    "clipped": Case(training=TrainingConfig(learning_rate=RATE, clip_norm=CLIP)),
    "embedding": Case("embedding", training=TrainingConfig(learning_rate=RATE, clip_norm=CLIP)),
    "batch-norm": Case("batch-norm"),
    "accumulated": Case(training=TrainingConfig(learning_rate=RATE, accumulate=3)),
    "recomputed": Case("deep", training=TrainingConfig(learning_rate=RATE, recompute="all")),
    "float16": Case(training=TrainingConfig(learning_rate=RATE, precision="mixed_float16")),
    "bfloat16": Case(training=TrainingConfig(learning_rate=RATE, precision="mixed_bfloat16")),
}


def run(strategy: StrategyConfig, data: Path, folder: Path) -> list[dict[str, np.ndarray]]:
    """Does everything under `strategy` with the splits `data/{all,one}`. Returns the results of each process."""
    folder.mkdir()
    tasks = Cluster.of(strategy).tasks
    with ports.held(len(tasks)) as numbers:
        chief, *workers = (f"{LOOPBACK}:{number}" for number in numbers)
        addresses = Addresses(chief, tuple(workers)) if workers else None
        processes = []
        for task in tasks:
            unused = str(folder / "unused")
            variables = environment(os.environ, task, addresses, failure=unused, beat=unused, scratch=str(folder))
            module = "tests.trainer.distribution.spread"
            command = [sys.executable, "-m", module, to_json(strategy), str(data), str(folder)]
            processes.append(subprocess.Popen(command, env=variables, cwd=PROJECT))
        try:
            codes = [process.wait(600) for process in processes]
        finally:
            for process in processes:
                process.kill()
    assert codes == [0] * len(tasks)
    return [dict(np.load(folder / f"{task.rank}.npz")) for task in tasks]


def main(arguments: list[str]) -> None:
    """Runs one process."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from limbeck.trainer.distribution import farewell, strategies

    config, data, folder = from_json(StrategyConfig, arguments[0]), Path(arguments[1]), Path(arguments[2])
    me, strategy = from_environment(), strategies.build(config)
    results: dict[str, np.ndarray] = {"replicas": np.array(strategy.num_replicas_in_sync)}
    for name, case in CASES.items():
        if config.name == "central_storage" and case.training.precision != "float32":
            continue
        found, model = _train(strategy, case, data / "all")
        results |= {f"{name}/{key}": np.asarray(value) for key, value in found.items()}
        if name == "adam":
            for split in ("all", "one"):
                found = _apply(strategy, model, data / split)
                results |= {f"{split}/{key}": np.asarray(value) for key, value in found.items()}
    np.savez(folder / f"{me.rank}.npz", **results)
    strategies.leave(config)
    farewell.leave_together(me)


def _train(strategy, case, folder):
    import tensorflow as tf
    import tf_keras

    from limbeck.trainer.data.batches import batches
    from limbeck.trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
    from limbeck.trainer.distillation.losses import mean_part
    from limbeck.trainer.distribution import strategies
    from limbeck.trainer.fitting import optimization, precision
    from limbeck.trainer.fitting.gradient_step import GradientStep
    from limbeck.trainer.fitting.loop import fit
    from tests.trainer import packed

    tf_keras.utils.set_random_seed(3)
    with precision.policy(case.training.precision), strategies.scope(strategy):
        model = _model(case.model)
        schedule = optimization.schedule(case.training, ORDER.steps)
        optimizer = getattr(tf_keras.optimizers, case.optimizer)(schedule)
        loss_scale = precision.loss_scale(case.training, optimizer)

    def loss(logits, targets, counts):
        return mean_part(packed.OBJECTIVE.hard_loss(logits, targets["label"]), counts.labelled)

    def split(features, counts, seeds):
        return {"x": features["x"]}, {"label": features["label"]}, counts

    def dataset_of(context):
        mine = replicas_of(strategy, context)
        return batches(str(folder), ORDER, mine, strategy.num_replicas_in_sync, packed.SPEC).map(split)

    initial = model.get_weights()
    with precision.policy(case.training.precision), strategies.scope(strategy):
        differentiate = _differentiation(case.training, model, loss)
    step = GradientStep(strategy, model, optimizer, differentiate, case.training.clip_norm, loss_scale)
    fitted = fit(step, PerReplicaPipeline(strategy, dataset_of), steps=ORDER.steps, steps_per_call=1)
    found = {
        "initial": np.concatenate([values.ravel() for values in initial]),
        "weights": np.concatenate([values.ravel() for values in model.get_weights()]),
        "losses": [point.loss for point in fitted.curve],
        "norms": [-1 if point.gradient_norm is None else point.gradient_norm for point in fitted.curve],
        "rates": [point.learning_rate for point in fitted.curve],
        "examples": fitted.examples,
        "iterations": optimizer.iterations.numpy(),
    }
    if loss_scale:
        found["scale"] = tf.convert_to_tensor(loss_scale.value).numpy()
    return found, model


def _differentiation(training, model, loss):
    from limbeck.trainer.fitting.differentiation import Accumulated, WholeModel
    from limbeck.trainer.fitting.recomputation import Head, recomputed

    if training.recompute != "none":
        return recomputed(Head(model, loss), training.recompute, "the model of the test")
    whole = WholeModel(model, loss)
    return Accumulated(whole, training.accumulate) if training.accumulate > 1 else whole


def _model(kind):
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    x = hidden = tf_keras.Input([WIDTH], name="x")
    if kind == "embedding":
        # There are few rows, so a batch has each of them several times, on one replica and on several.
        rows = layers.Lambda(lambda values: tf.cast(values > 0, tf.int64))(x)
        hidden = layers.Flatten()(layers.Embedding(2, 5, embeddings_initializer="glorot_uniform")(rows))
    if kind == "deep":
        for _ in range(3):
            hidden = layers.Dense(5, activation="tanh")(hidden)
    if kind == "batch-norm":
        hidden = layers.BatchNormalization(momentum=0.5)(layers.Dense(5)(x))
    return tf_keras.Model({"x": x}, layers.Dense(CLASSES, bias_initializer="ones")(hidden))


def _apply(strategy, model, folder):
    from limbeck.trainer.fitting.evaluation import Split, evaluator, predict
    from tests.trainer import packed

    split = Split(str(folder), {"x": packed.SPEC["x"]}, "label", 8, packed.OBJECTIVE)
    evaluate = evaluator(strategy, model, split)
    first, second = evaluate(), evaluate()
    assert first == second
    return first.metrics | {"examples": first.examples} | {"logits": predict(strategy, model, split)}


if __name__ == "__main__":
    main(sys.argv[1:])
