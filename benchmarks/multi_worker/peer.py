"""The peer: what one writes by hand with `tf_keras` under MultiWorkerMirroredStrategy. It imports nothing of Limbeck.

One process of it: `peer.py EXAMPLES SETTINGS`, with its place in `TF_CONFIG`. It prints the seconds of its `fit`.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"


def main(examples: str, settings: str) -> None:
    """Trains, and prints how long it took.

    Args:
      examples: an `.npz` file with the arrays `x`, float32 [examples, columns], and `y`, int64 [examples].
      settings: JSON with `batch_size`, `epochs`, `units`, `classes`, `learning_rate` and `steps_per_execution`.
    """
    import numpy as np
    import tensorflow as tf
    import tf_keras

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    given, loaded = json.loads(settings), np.load(examples, allow_pickle=False)
    count = len(loaded["y"])
    data = tf.data.Dataset.from_tensor_slices((loaded["x"], loaded["y"])).shuffle(count, seed=1).repeat()
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    data = data.batch(given["batch_size"], drop_remainder=True).prefetch(tf.data.AUTOTUNE).with_options(options)
    with strategy.scope():
        model = tf_keras.Sequential(
            [
                tf_keras.Input(loaded["x"].shape[1:]),
                tf_keras.layers.Dense(given["units"], activation="relu"),
                tf_keras.layers.Dense(given["classes"]),
            ]
        )
        model.compile(
            tf_keras.optimizers.Adam(given["learning_rate"]),
            tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=given["steps_per_execution"],
        )
    steps = count // given["batch_size"]
    begin = time.perf_counter()
    history = model.fit(data, epochs=given["epochs"], steps_per_epoch=steps, verbose=0)
    seconds = time.perf_counter() - begin
    found = {"seconds": seconds, "steps": steps * given["epochs"], "loss": history.history["loss"][-1]}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
