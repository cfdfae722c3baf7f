"""Trains and resumes in two processes: `python -m tests.trainer.recovery.resuming first|second FOLDER CASE...`.

For each case (`CASES`), `first` trains without a stop, and then again with a checkpoint at step `SAVED`. `second`
resumes from this checkpoint. Every result is a checkpoint in a folder of its own:

  <case>/uninterrupted   the end of the first training
  <case>/saved           step `SAVED` of the second
  <case>/beside          the end of the second; a save must change nothing
  <case>/resumed         the end of the resumed training, whose model was built from another seed
  <case>/on-<other>      the state of another strategy right after it was restored; `.../end` is its end
"""

import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from limbeck.errors import PassingFaultError
from limbeck.layers.dropout import Dropout
from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
from limbeck.trainer.data.order import Order
from limbeck.trainer.distillation.losses import mean_part
from limbeck.trainer.distribution import cluster, farewell
from limbeck.trainer.distribution.strategies import scope
from limbeck.trainer.fitting.differentiation import WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.progress import Curve, Fitted
from limbeck.trainer.recovery import checkpoint
from limbeck.trainer.recovery.checkpoint_files import State
from limbeck.trainer.recovery.model_state import assert_agreed, capture, restore
from tests.trainer import packed
from tests.trainer.packed import SPEC, WIDTH

CLASSES, SAVED, SAVE_EVERY = 4, 8, 4
# 15 steps, all of 8 examples, so that no replica has an empty part.
ORDER = Order(40, 8, epochs=3, seed=1)
STOCK = tf_keras.layers.Dropout
# The strategy, its devices, and the dropout layer.
CASES = {
    "one": ("one", 1, Dropout),
    "stock": ("one", 1, STOCK),
    "mirrored": ("mirrored", 2, Dropout),
    "central": ("central", 2, Dropout),
    "workers": ("workers", 1, Dropout),
}
ELSEWHERE = {"one": ("one", 1), "four": ("mirrored", 4), "central": ("central", 2)}


def strategy_of(name, devices):
    places = [f"/cpu:{number}" for number in range(devices)]
    if name == "one":
        return tf.distribute.OneDeviceStrategy(*places)
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(places, tf.distribute.ReductionToOneDevice())
    if name == "central":
        return tf.distribute.experimental.CentralStorageStrategy(places, "/cpu:0")
    return tf.distribute.MultiWorkerMirroredStrategy()


def built(strategy, dropout, seed):
    """Builds a model that has everything that is hard to restore, and its optimizer."""
    tf_keras.utils.set_random_seed(seed)
    with scope(strategy):
        x = tf_keras.Input([WIDTH], name="x")
        hidden = tf_keras.layers.BatchNormalization()(tf_keras.layers.Dense(16, activation="tanh")(x))
        model = tf_keras.Model({"x": x}, tf_keras.layers.Dense(CLASSES)(dropout(0.5)(hidden)))
        schedule = tf_keras.optimizers.schedules.CosineDecay(0.05, ORDER.steps)
        return model, tf_keras.optimizers.Adam(schedule)


def loss(logits, targets, counts):
    return mean_part(packed.OBJECTIVE.hard_loss(logits, targets["label"]), counts.labelled)


class Training:
    """One training of a case."""

    def __init__(self, strategy, dropout, seed, examples):
        self.strategy, self.examples = strategy, examples
        self.model, self.optimizer = built(strategy, dropout, seed)

    def run(self, start=None, save=None):
        start = start or Fitted()

        def dataset_of(context):
            replicas, count = replicas_of(self.strategy, context), self.strategy.num_replicas_in_sync
            read = batches(self.examples, ORDER, replicas, count, SPEC, start=start.steps)
            return read.map(lambda given, counts, seeds: ({"x": given["x"]}, {"label": given["label"]}, counts))

        hooks = Hooks(save=save, save_every=SAVE_EVERY)
        return fit(
            GradientStep(self.strategy, self.model, self.optimizer, WholeModel(self.model, loss)),
            PerReplicaPipeline(self.strategy, dataset_of),
            steps=ORDER.steps,
            start=start,
            hooks=hooks,
            steps_per_call=3,
        )

    def leave(self, folder, fitted):
        """Captures the state in every process. The chief saves it."""
        arrays = capture(self.model, self.optimizer)
        if cluster.from_environment().is_chief:
            state = State(0, fitted.steps, arrays, fitted.curve, fitted.examples, fitted.seconds)
            checkpoint.save(str(folder), state, keep=3)

    def resume(self, folder):
        """Restores the state, and returns what was done so far."""
        state = checkpoint.latest(str(folder))
        assert_agreed(self.strategy, state.member, state.step)
        restore(self.model, self.optimizer, state.arrays)
        return Fitted(state.step, state.examples, state.seconds, Curve(state.curve))


def first(folder, case, examples):
    name, devices, dropout = CASES[case]
    strategy = strategy_of(name, devices)
    training = Training(strategy, dropout, 3, examples)
    training.leave(folder / "uninterrupted", training.run())

    def save(fitted):
        if fitted.steps <= SAVED:
            again.leave(folder / "saved", fitted)

    again = Training(strategy, dropout, 3, examples)
    again.leave(folder / "beside", again.run(save=save))
    if case == "mirrored":
        leave_masks(strategy, folder)
    return strategy


def second(folder, case, examples):
    name, devices, dropout = CASES[case]
    strategy = strategy_of(name, devices)
    training = Training(strategy, dropout, 99, examples)
    start = training.resume(folder / "saved")
    training.leave(folder / "resumed", training.run(start))
    for place in ELSEWHERE if case == "mirrored" else ():
        elsewhere(folder, place, examples)
    return strategy


def elsewhere(folder, place, examples):
    training = Training(strategy_of(*ELSEWHERE[place]), Dropout, 98, examples)
    start = training.resume(folder / "saved")
    training.leave(folder / f"on-{place}", start)
    training.leave(folder / f"on-{place}" / "end", training.run(start))


def leave_masks(strategy, folder):
    """Writes what two replicas drop in their first and second steps: float32 `[2, replicas, 100]`."""
    with strategy.scope():
        layer = Dropout(0.5, seed=5)
        layer.build([None, 100])

    @tf.function
    def drop():
        return strategy.run(lambda: layer(tf.ones([1, 100]), training=True))

    masks = [[part.numpy()[0] for part in strategy.experimental_local_results(drop())] for _ in range(2)]
    np.save(folder / "masks.npy", np.array(masks))


def disagree(strategy, rank):
    """Prints the error of processes that found different steps."""
    try:
        assert_agreed(strategy, 0, 100 * rank)
    except PassingFaultError as error:
        sys.stdout.write(f"{error}\n")


def from_workers(folder, case, examples):
    """Restores what two workers saved, on one device and on four."""
    for place in ELSEWHERE:
        elsewhere(folder, place, examples)


PHASES = {"first": first, "second": second, "elsewhere": from_workers}


def main(phase, folder, *cases):
    examples = str(Path(folder) / "examples")
    if cluster.ENVIRONMENT in os.environ:
        me = cluster.from_environment()
        disagree(PHASES[phase](Path(folder) / "workers", "workers", examples), me.rank)
        farewell.leave_together(me)
        return
    logical = [tf.config.LogicalDeviceConfiguration()] * 4
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    for case in cases:
        PHASES[phase](Path(folder) / case, case, examples)


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    main(*sys.argv[1:])
