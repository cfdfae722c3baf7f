"""Trains a model on four logical devices, and prints what it found: `python -m tests.trainer.pipelining.on_devices`.

Only a process that has not used TensorFlow can make logical devices.
"""

from __future__ import annotations

import json
import sys
from typing import Any

STEPS = 3


def main() -> dict[str, Any]:
    """Returns where variables, slots and operations are, and the weights of trainings with four stages and with one."""
    from limbeck.trainer.pipelining import devices

    names = devices.configure(4)

    import numpy as np

    from limbeck.trainer.recovery import model_state

    four, one = Training(names), Training(names[:1])
    assert all((a == b).all() for a, b in zip(four.model.get_weights(), one.model.get_weights(), strict=True))
    four.step()
    saved = model_state.capture(four.model, four.optimizer)
    again = Training(names[:1])
    model_state.restore(again.model, again.optimizer, saved)
    for each in (four, again):
        each.step()
        each.step()
    for _ in range(STEPS):
        one.step()
    norms = [[float(np.abs(values).sum()) for values in each.model.get_weights()] for each in (four, again, one)]
    return {
        "stages": [[variable.name for variable in stage.variables] for stage in four.differentiate.stages],
        "variables": {one.name: one.device for one in four.model.trainable_variables},
        "slots": four.slots(),
        "operations": [[op.name, op.type, op.device, _rank(op)] for op in four.graph().get_operations()],
        "weights": norms,
        "close": [_difference(four, other) for other in (again, one)],
    }


def _rank(operation: Any) -> int | None:
    """Returns the rank of its first output; None if it has none, or the rank is not known."""
    return operation.outputs[0].shape.rank if operation.outputs else None


def _difference(some: Training, other: Training) -> float:
    import numpy as np

    pairs = zip(some.model.get_weights(), other.model.get_weights(), strict=True)
    return max(float(np.abs(a.astype(float) - b).max()) for a, b in pairs)


class Training:
    """A training of a small residual model in stages, one on each device."""

    def __init__(self, names: tuple[str, ...]) -> None:
        import tensorflow as tf
        import tf_keras

        from limbeck.trainer.fitting.gradient_step import GradientStep
        from limbeck.trainer.fitting.pipeline import PipelinedModel
        from limbeck.trainer.fitting.recomputation import Head
        from limbeck.trainer.pipelining import placement
        from limbeck.trainer.pipelining.blocks import blocks_of, layout
        from limbeck.trainer.pipelining.schedules.registry import SCHEDULES
        from tests.trainer.pipelining import models

        with placement.sketched() as made:
            first = models.built("residual")
        found = layout(first, "the model", "a test")
        cuts = tuple(p for p in found.graph.joints() if found.graph.crossing(p))[: len(names) - 1]
        with placement.placed(placement.places(made, blocks_of(found, cuts), names)):
            self.model = models.built("residual")
        found = layout(self.model, "the model", "a test")
        schedule = SCHEDULES["1f1b"](len(names), 4)
        self.differentiate = PipelinedModel(
            Head(self.model, models.loss), found, blocks_of(found, cuts), names, schedule, "all"
        )
        self.optimizer = tf_keras.optimizers.Adam(0.05)
        placement.follow_variables(self.optimizer)
        self.optimizer.build(self.model.trainable_variables)
        self._step = GradientStep(
            tf.distribute.get_strategy(), self.model, self.optimizer, self.differentiate, clip_norm=1.0
        )
        self._batch = models.batch()
        self._call = tf.function(self._run, autograph=False)

    def _run(self) -> Any:
        return self._step.run((self._batch.inputs, self._batch.targets, self._batch.denominators)).loss

    def step(self) -> None:
        """Does an optimizer step."""
        self._call()

    def slots(self) -> dict[str, list[str]]:
        """Returns the devices of the two slots of each variable, by its name."""
        both = zip(self.optimizer._momentums, self.optimizer._velocities, strict=True)
        names = [one.name for one in self.model.trainable_variables]
        return {name: [one.device for one in slots] for name, slots in zip(names, both, strict=True)}

    def graph(self) -> Any:
        """Returns the graph of a step."""
        return self._call.get_concrete_function().graph


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
