"""Tries to train one model in this process and its servers: `python -m benchmarks.largest_model.probe '{...}'`.

Prints JSON: whether the model fits, and its number of weights. The limit of memory comes by the environment.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from typing import Any


@dataclasses.dataclass(frozen=True)
class Case:
    """What is tried.

    Attributes:
      layers: number of blocks.
      stages: number of processes.
      optimizer: `sgd` or `adam`.
      width: of what crosses from block to block.
      widths: of the hidden layers of blocks, in turn; empty: all blocks are one layer, and equal.
      examples: of a batch.
      micro_batches: parts of a batch.
      recompute: as `training.recompute`.
      steps: that must succeed.
    """

    layers: int
    stages: int
    optimizer: str
    width: int
    widths: tuple[int, ...] = ()
    examples: int = 64
    micro_batches: int = 4
    recompute: str = "none"
    steps: int = 2


def attempt(case: Case) -> dict[str, Any]:
    """Returns whether the training fits, and the number of weights of the model."""
    import tensorflow as tf
    import tf_keras

    from benchmarks.pipeline_speed import stages
    from limbeck.settings.pipelining import PipeliningConfig
    from limbeck.trainer.pipelining import devices

    # One operation at a time: the peak must not depend on which of them happen to overlap.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    names: tuple[str, ...] = ("/cpu:0",)
    if case.stages > 1:
        names = devices.of(PipeliningConfig(stages=case.stages, devices="processes"))
    optimizer = {"sgd": tf_keras.optimizers.SGD, "adam": tf_keras.optimizers.Adam}[case.optimizer]
    settings = stages.Settings(names, case.micro_batches, recompute=case.recompute)
    build = stages.dense(case.layers, case.width, case.widths)
    try:
        model, train = stages.step_of(build, lambda: optimizer(1e-4), settings)
        given = stages.batch(case.examples, case.width)
        call = tf.function(lambda: [one.loss for one in train(given)], autograph=False)
        losses = [float(call()[0]) for _ in range(case.steps)]
    except tf.errors.ResourceExhaustedError:
        return {"fits": False}
    except tf.errors.UnavailableError as error:
        # Right at the limit, some operations of TensorFlow crash the process of their stage.
        if "Socket closed" not in str(error):
            raise
        return {"fits": False}
    assert all(math.isfinite(one) for one in losses)  # noqa: S101
    return {"fits": True, "weights": int(sum(one.shape.num_elements() for one in model.trainable_variables))}


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(attempt(Case(**asked | {"widths": tuple(asked["widths"])}))) + "\n")
