"""Trains models on two replicas, with recomputation and without: `python -m tests.trainer.fitting.on_replicas`.

Only a process that has not used TensorFlow can make logical devices.
"""

from __future__ import annotations

import json
import sys

STEPS = 3


def main() -> dict[str, float]:
    """Returns the largest difference between the weights of both trainings, by the name of the model."""
    import numpy as np
    import tensorflow as tf

    from limbeck.settings.strategy import StrategyConfig
    from limbeck.trainer.distribution import strategies

    strategy = strategies.build(StrategyConfig("mirrored", logical_devices=2))

    def trained(name: str, recompute: bool) -> list[object]:
        import tf_keras

        from limbeck.trainer.fitting.differentiation import Accumulated, WholeModel
        from limbeck.trainer.fitting.gradient_step import GradientStep
        from limbeck.trainer.fitting.recomputation import Head, recomputed
        from tests.trainer.pipelining import models

        given = [models.batch(8), models.batch(4)]
        with strategies.scope(strategy):
            model = models.built(name)
            optimizer = tf_keras.optimizers.SGD(0.1)
            optimizer.build(model.trainable_variables)
            head = Head(model, models.loss)
            part = recomputed(head, "all", name) if recompute else WholeModel(model, models.loss)
        step = GradientStep(strategy, model, optimizer, Accumulated(part, 2))

        @tf.function(autograph=False)
        def call() -> object:
            counts = given[0].denominators._replace(examples=tf.constant(12.0))
            parts = iter([(one.inputs, one.targets, counts) for one in given])
            return step.run(strategy.experimental_distribute_values_from_function(lambda _: next(parts))).loss

        for _ in range(STEPS):
            call()
        return list(model.get_weights())

    return {
        name: max(
            float(np.abs(one - other).max())  # type: ignore[operator]
            for one, other in zip(trained(name, True), trained(name, False), strict=True)
        )
        for name in ("residual", "normalised")
    }


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
