"""Measures one gradient in this process: `python -m benchmarks.activation_memory.probe '{...}'`. Prints JSON.

Each measurement has a process of its own, because TensorFlow's allocator keeps what it once had. One thread computes
at a time, so that the peak does not depend on which operations happen to overlap.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import Any

_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      model: `mlp` or `transformer`.
      micro_batches: `training.accumulate`.
      recompute: `training.recompute`.
      blocks: number of the model's blocks.
    """

    model: str
    micro_batches: int = 1
    recompute: str = "none"
    blocks: int = 12


def measure(case: Case) -> dict[str, float]:
    """Returns MiB of the peak over what was there before, and of all gradients; and their norm."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from limbeck.trainer.data.batches import Denominators
    from limbeck.trainer.fitting.differentiation import Accumulated, Differentiation, WholeModel
    from limbeck.trainer.fitting.recomputation import Head, recomputed

    model, inputs, targets = _models()[case.model](case.blocks)
    count = tf.cast(len(targets["label"]), tf.float32)

    def loss(logits: Any, wanted: dict[str, Any], counts: Denominators) -> Any:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted["label"], logits)
        return tf.reduce_sum(each) / counts.examples

    differentiate: Differentiation = WholeModel(model, loss)
    if case.recompute != "none":
        differentiate = recomputed(Head(model, loss), case.recompute, "the model")  # type: ignore[arg-type]
    if case.micro_batches > 1:
        differentiate = Accumulated(differentiate, case.micro_batches)

    def compute(given: Any, wanted: Any) -> Any:
        gradients = differentiate(given, wanted, Denominators(count, count), None).gradients
        return tf.linalg.global_norm([tf.convert_to_tensor(one) for one in gradients.values()])

    call = tf.function(compute, autograph=False)
    call(inputs, targets)
    tf.config.experimental.reset_memory_stats("CPU:0")
    before = tf.config.experimental.get_memory_info("CPU:0")["current"]
    norm = float(call(inputs, targets))
    peak = tf.config.experimental.get_memory_info("CPU:0")["peak"]
    gradients = sum(4 * int(tf.size(one)) for one in model.trainable_variables)
    return {"peak": (peak - before) / _MIB, "gradients": gradients / _MIB, "norm": norm}


def _models() -> dict[str, Any]:
    import tensorflow as tf
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)

    def mlp(blocks: int) -> Any:
        width = 512
        x = tf_keras.Input([width], name="x")
        read = x
        for _ in range(blocks):
            wide = layers.Dense(width, activation="relu")(layers.LayerNormalization()(read))
            read = layers.Add()([read, layers.Dense(width)(wide)])
        model = tf_keras.Model({"x": x}, layers.Dense(10)(read))
        labels = tf.random.stateless_uniform([2048], [1, 3], 0, 10, tf.int32)
        return model, {"x": tf.random.stateless_normal([2048, width], [1, 2])}, {"label": labels}

    def transformer(blocks: int) -> Any:
        width, length = 128, 64
        x = tf_keras.Input([length, width], name="x")
        read = x
        for _ in range(blocks):
            normal = layers.LayerNormalization()(read)
            read = layers.Add()([read, layers.MultiHeadAttention(4, width // 4)(normal, normal)])
            wide = layers.Dense(4 * width, activation="relu")(layers.LayerNormalization()(read))
            read = layers.Add()([read, layers.Dense(width)(wide)])
        model = tf_keras.Model({"x": x}, layers.Dense(10)(layers.GlobalAveragePooling1D()(read)))
        labels = tf.random.stateless_uniform([64], [1, 3], 0, 10, tf.int32)
        return model, {"x": tf.random.stateless_normal([64, length, width], [1, 2])}, {"label": labels}

    return {"mlp": mlp, "transformer": transformer}


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # TensorFlow counts its memory only where it uses oneDNN, which is off by default without AVX-512.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    sys.stdout.write(json.dumps(measure(Case(**json.loads(sys.argv[1])))) + "\n")
