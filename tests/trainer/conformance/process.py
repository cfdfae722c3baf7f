"""A process that trains the cases: `python -m tests.trainer.conformance.process one|mirrored FOLDER [CASE ...]`.

A process can make logical devices only before it has used TensorFlow, so two replicas need a process of their own. The
process waits for a line on its standard input, which says that `FOLDER/world` exists. It writes
`FOLDER/<kind>/<case>.npz`, or `<case>.refused` with the message of the TaskError. The kinds of training:

one        by `limbeck.trainer.training.run` on one device; the exported model is loaded and asked (mode `one`)
mirrored   by the product on two logical devices, up to the export (mode `mirrored`)
keras      by compile and fit, on one device (mode `mirrored`)
"""

import os
import sys
import time
import traceback
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import json

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from limbeck.errors import TaskError
from limbeck.reference import TaskRef
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer import training
from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.order import Order
from limbeck.trainer.fitting import optimization, precision
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.serving.export import model_input_spec
from limbeck.trainer.session import inputs, member, preflight
from tests.trainer.conformance import tasks
from tests.trainer.conformance.registry import CASES, REFUSED, SUPPORTED, Case

# 50 positions in 8 steps of 7: replicas have three or four examples, and one replica has none in the last step.
EPOCHS, BATCH, SEED, RATE = 2, 7, 11, 0.1
MODULE = tasks.__name__


def settings(case: Case) -> TrainingConfig:
    return TrainingConfig(
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=RATE,
        seed=SEED,
        steps_per_call=1,
        precision=case.precision,
        clip_norm=case.clip_norm,
    )


def job(case: Case, world: Path, folder: Path, strategy: StrategyConfig) -> TrainingJob:
    folder.mkdir(parents=True)
    return TrainingJob(
        entry="teacher",
        task=TaskRef(module=MODULE, attribute=case.name),
        examples_uri=str(world / "packed"),
        transform_graph_uri=str(world / "graph"),
        model_uri=str(folder / "model"),
        record_uri=str(folder),
        targets="labels",
        strategy=strategy,
        training=settings(case),
    )


def one(case: Case, world: Path, folder: Path) -> dict[str, np.ndarray]:
    """Trains by the product. Returns the weights, the losses, and the answers of the exported model."""
    described = job(case, world, folder / case.name, StrategyConfig(name="one_device"))
    training.run(described)
    loaded = tf.saved_model.load(described.model_uri)
    with np.load(world / "rows.npz", allow_pickle=True) as stored:
        raw, transformed = {name: stored[name] for name in ("x", "ids", "colour", "words")}, stored["transformed"]
    scored = loaded.signatures["transformed"](tf.constant(list(transformed)))["logits"][:, 0]
    served = loaded.signatures["serving_tensors"](**{name: tf.constant(values) for name, values in raw.items()})
    weights, losses = left_by(described)
    return {
        **{f"weights/{number:02d}": weight for number, weight in enumerate(weights)},
        **losses,
        "logits": scored.numpy(),
        "served": served["logits"].numpy(),
    }


def left_by(done: TrainingJob) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Returns the weights and the `losses` of a finished job."""
    loaded = tf.saved_model.load(done.model_uri)
    # Without vocabularies, which are not variables, and without counters.
    weights = [one.numpy() for one in loaded.weights[0] if one is not None and one.dtype.is_floating]
    history = json.loads((Path(done.record_uri) / "history.json").read_text())
    return weights, {"losses": np.array([point["loss"] for point in history["members"][0]])}


def on_two_replicas(case: Case, world: Path, folder: Path) -> dict[str, np.ndarray]:
    """Trains by the product on two logical devices. Returns the weights and the losses."""
    strategy = StrategyConfig(name="mirrored", logical_devices=2)
    session = training.join_job(job(case, world, folder / case.name, strategy))
    assert session.strategy.num_replicas_in_sync == 2
    preflight.check(session, inputs.order_of(session, 0))
    weights, fitted = member.train(session, 0)
    return {
        **{f"weights/{n:02d}": one for n, one in enumerate(_numbers(weights))},
        "losses": np.array([point.loss for point in fitted.curve]),
    }


def _numbers(weights):
    """Returns the weights of `model.get_weights()` without vocabularies and counters."""
    return [one for one in map(np.asarray, weights) if one.dtype.kind == "f"]


def by_keras(case: Case, world: Path, _: Path) -> dict[str, np.ndarray]:
    """Trains by compile and fit, on the same batches in the same order. Returns the weights and the losses."""
    task, config = getattr(tasks, case.name), settings(case)
    spec = model_input_spec(tft.TFTransformOutput(str(world / "graph")))
    with np.load(world / "rows.npz", allow_pickle=True) as stored:
        transformed = tf.constant(list(stored["transformed"]))
    order = Order(len(transformed), BATCH, EPOCHS, SEED)
    parsed = spec | {"label": tf.io.FixedLenFeature([], tf.int64)}

    def pair(features, _counts, _seeds):
        return {name: features[name] for name in spec}, features["label"]

    tf_keras.utils.set_random_seed(SEED)
    with precision.policy(case.precision):
        model = task.build_teacher({})
        optimizer = task.build_optimizer(optimization.schedule(config, order.steps))
        optimizer.global_clipnorm = case.clip_norm or optimizer.global_clipnorm
        model.compile(optimizer, tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        # Each epoch has one step, so the loss of an epoch is the loss of its batch.
        history = model.fit(
            batches(str(world / "packed"), order, [0], 1, parsed).map(pair),
            steps_per_epoch=1,
            epochs=order.steps,
            shuffle=False,
            verbose=0,
        )
    # The exported model computes in float32.
    weights = model.get_weights()
    plain = model
    if case.precision != "float32":
        plain = task.build_teacher({})
        plain.set_weights(weights)
    logits = plain(tf.io.parse_example(transformed, spec), training=False)
    return {
        **{f"weights/{n:02d}": one for n, one in enumerate(_numbers(weights))},
        "losses": np.array(history.history["loss"]),
        "logits": logits.numpy(),
    }


KINDS = {"one": {"one": one}, "mirrored": {"mirrored": on_two_replicas, "keras": by_keras}}


def attempt(case: Case, world: Path, folder: Path, train) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    try:
        np.savez(folder / f"{case.name}.npz", **train(case, world, folder))
    except TaskError as error:
        (folder / f"{case.name}.refused").write_text(str(error))
    except Exception:
        (folder / f"{case.name}.failed").write_text(traceback.format_exc())
    sys.stdout.write(f"{case.name} ({folder.name}) took {time.process_time() - began:.1f} s of the processor\n")
    sys.stdout.flush()


def main(mode: str, folder: Path, names: list[str]) -> None:
    sys.stdin.readline()
    if mode == "mirrored":
        logical = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    cases = [CASES[name] for name in names] or [*SUPPORTED, *(REFUSED if mode == "one" else ())]
    for case in cases:
        for kind, train in KINDS[mode].items():
            attempt(case, folder / "world", folder / kind, train)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
