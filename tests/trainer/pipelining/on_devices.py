"""Trains a model on four logical devices, and prints what it found: `python -m tests.trainer.pipelining.on_devices`.

Only a process that has not used TensorFlow can make logical devices.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

STEPS = 3


def main() -> dict[str, Any]:
    """Returns where variables, slots and operations are, and how far the weights of trainings are from each other."""
    from limbeck.trainer.pipelining import devices

    names = devices.configure(2, 2)
    assert names == devices.configure(4), names
    four, one = Training(names), Training(names[:1])
    assert all((a == b).all() for a, b in zip(four.model.get_weights(), one.model.get_weights(), strict=True))
    close = _gone_on(four, Training(names[:1]), one)
    both = Training(names, replicas=2, name="skipping", swap=True)
    alone = Training(names[:1], name="skipping")
    return {
        "one replica": four.described() | {"close": close},
        "two replicas": both.described() | {"close": _gone_on(both, Training(names[:1], name="skipping"), alone)},
        "as mirrored": _as_mirrored(names),
        "swapped": _swapped(names[1]),
    }


def _swapped(device: str) -> dict[str, Any]:
    """Returns where a recomputed model keeps what it keeps, in the graph that is run, and the error of its gradients.

    The model is on a device that is not the first CPU.
    """
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.eager import context

    from limbeck.trainer.fitting.recomputation import Head, RecomputedModel
    from limbeck.trainer.pipelining.blocks import blocks_of, layout
    from tests.trainer.pipelining import models

    found = []
    for swap in (False, True):
        with tf.device(device):
            model = models.built("residual")
        plan = layout(model, "the model", "a test")
        blocks = blocks_of(plan, plan.graph.joints())
        differentiate = RecomputedModel(Head(model, models.loss), plan, blocks, except_last=False, swap=swap)

        def on_device(*given: Any, differentiate: Any = differentiate) -> Any:
            with tf.device(device):
                return differentiate(*given)

        with context.collect_graphs() as graphs:
            found.append(models.gradients(on_device, models.batch())[1])
    nodes = [node for graph in graphs for node in graph.node]
    return {
        "blocks": len(blocks),
        "copies": [node.device for node in nodes if node.op == "Snapshot"],
        "multiplications": sorted({node.device for node in nodes if "MatMul" in node.op}),
        "difference": max(float(np.abs(one - other).max()) for one, other in zip(*found, strict=True)),
    }


def _gone_on(first: Training, again: Training, plain: Training) -> list[float]:
    """Trains `first`, goes on from its checkpoint with `again`, and trains `plain` alone.

    Returns how far the weights of the other two are from those of the first.
    """
    from limbeck.trainer.recovery import model_state

    first.step()
    model_state.restore(again.model, again.optimizer, model_state.capture(first.model, first.optimizer))
    for each in (first, again):
        each.step()
        each.step()
    for _ in range(STEPS):
        plain.step()
    return [_difference(first, other) for other in (again, plain)]


def _as_mirrored(names: tuple[str, ...]) -> float:
    """Returns how far replicas of stages are from replicas of TensorFlow's own strategy, with the masks of Dropout."""
    import tensorflow as tf

    staged = Training(names, replicas=2)
    mirrored = Training(names[:1], strategy=tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    for each in (staged, mirrored):
        each.step()
        each.step()
    return _difference(staged, mirrored)


def _rank(operation: Any) -> int | None:
    """Returns the rank of its first output; None if it has none, or the rank is not known."""
    return operation.outputs[0].shape.rank if operation.outputs else None


def _difference(some: Training, other: Training) -> float:
    import numpy as np

    pairs = zip(some.model.get_weights(), other.model.get_weights(), strict=True)
    return max(float(np.abs(a.astype(float) - b).max()) for a, b in pairs)


class Training:
    """A training of a small model in stages on devices, or of the whole model under a strategy of two replicas."""

    def __init__(
        self,
        names: tuple[str, ...],
        replicas: int = 1,
        name: str = "residual",
        strategy: Any = None,
        *,
        swap: bool = False,
    ) -> None:
        import tensorflow as tf
        import tf_keras

        from limbeck.trainer.fitting.differentiation import Accumulated, Differentiation, WholeModel
        from limbeck.trainer.fitting.gradient_step import GradientStep
        from limbeck.trainer.pipelining import placement
        from tests.trainer.pipelining import models

        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope() if strategy else contextlib.nullcontext():
            if strategy:
                self.model = models.built(name)
                self.differentiate: Any = Accumulated(WholeModel(self.model, models.loss), 2)
            else:
                self.model, self.differentiate = _in_stages(names, replicas, name, swap=swap)
            self.optimizer = tf_keras.optimizers.Adam(0.05)
            if not strategy:
                placement.follow_variables(self.optimizer)
            self.optimizer.build(self.model.trainable_variables)
        differentiate: Differentiation = self.differentiate
        self._step = GradientStep(self.strategy, self.model, self.optimizer, differentiate, clip_norm=1.0)
        self._batch = models.batch()
        self._call = tf.function(self._run, autograph=False)

    def _run(self) -> Any:
        from limbeck.trainer.fitting.micro_batches import cut

        one, count = self._batch, self.strategy.num_replicas_in_sync

        def part(context: Any) -> Any:
            return *cut((one.inputs, one.targets), count, context.replica_id_in_sync_group), one.denominators

        return self._step.run(self.strategy.experimental_distribute_values_from_function(part)).loss

    def step(self) -> None:
        """Does an optimizer step."""
        self._call()

    def described(self) -> dict[str, Any]:
        """Returns the devices of variables, their copies, slots and operations."""
        both = zip(self.optimizer._momentums, self.optimizer._velocities, strict=True)
        names = [one.name for one in self.model.trainable_variables]
        graph = self._call.get_concrete_function().graph
        return {
            "stages": [[variable.name for variable in stage.variables] for stage in self.differentiate.stages],
            "variables": {one.name: one.device for one in self.model.trainable_variables},
            "copies": [
                {one.name: copy.copy_of(one).device for copy in replica.copies for one in copy.variables}
                for replica in self.differentiate.further
            ],
            "slots": {name: [one.device for one in slots] for name, slots in zip(names, both, strict=True)},
            "operations": [[op.name, op.type, op.device, _rank(op)] for op in graph.get_operations()],
        }


def _in_stages(names: tuple[str, ...], replicas: int, name: str, *, swap: bool) -> tuple[Any, Any]:
    """Returns a model on the devices of its stages, and what differentiates it."""
    from limbeck.trainer.fitting.pipeline import PipelinedModel
    from limbeck.trainer.fitting.pipeline_replica import further_replicas
    from limbeck.trainer.fitting.recomputation import Head
    from limbeck.trainer.pipelining import placement
    from limbeck.trainer.pipelining.blocks import blocks_of, layout
    from limbeck.trainer.pipelining.schedules.registry import SCHEDULES
    from limbeck.trainer.pipelining.sketch import sketched
    from tests.trainer.pipelining import models

    stages = len(names) // replicas
    with sketched() as made:
        first = models.built(name)
    found = layout(first, "the model", "a test")
    cuts = tuple(p for p in found.graph.joints() if found.graph.crossing(p)) or found.graph.cuts()[1:]
    cuts = cuts[: stages - 1]
    with placement.placed(placement.places(made, blocks_of(found, cuts), names[:stages])):
        model = models.built(name)
    found = layout(model, "the model", "a test")
    blocks, schedule = blocks_of(found, cuts), SCHEDULES["1f1b"](stages, 4 // replicas)
    further = further_replicas(blocks, names)
    return model, PipelinedModel(
        Head(model, models.loss), found, blocks, names[:stages], schedule, "all", further, swap
    )


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
