"""A training in stages without a job: the engine of the product on a model that is made here.

`benchmarks/largest_model` uses it, too.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.fitting.delayed_step import delayed
from limbeck.trainer.fitting.differentiation import Accumulated, Differentiation, WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.pipeline import PipelinedModel
from limbeck.trainer.fitting.recomputation import Head, recomputed
from limbeck.trainer.fitting.step import GroupedStep
from limbeck.trainer.pipelining import placement
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.partition import BlockCost, Devices, partition
from limbeck.trainer.pipelining.schedules.registry import DELAYED, SCHEDULES
from limbeck.trainer.pipelining.sketch import sketched

_WHO = "the model"


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a model is trained.

    Attributes:
      devices: those of the stages; one: no stages.
      micro_batches: parts of a batch.
      schedule: name of the schedule.
      recompute: as `training.recompute`.
      batches: how many batches each call trains on, if the schedule has no flush.
    """

    devices: tuple[str, ...]
    micro_batches: int = 1
    schedule: str = "1f1b"
    recompute: str = "none"
    batches: int = 1


def loss(logits: Any, targets: dict[str, Any], denominators: Denominators) -> Any:
    """Returns the mean log loss, a float32 scalar."""
    import tensorflow as tf

    each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets["label"], logits)
    return tf.reduce_sum(each) / denominators.examples


def step_of(
    build: Callable[[], Any], make_optimizer: Callable[[], Any], settings: Settings
) -> tuple[Any, Callable[[Any], list[Any]]]:
    """Returns the model, and a function that takes a batch and trains on it, in a graph, `settings.batches` times."""
    import tensorflow as tf

    if len(settings.devices) > 1:
        model, pipeline = _in_stages(build, settings)
    else:
        model, pipeline = build(), None
    optimizer = make_optimizer()
    placement.follow_variables(optimizer)
    optimizer.build(model.trainable_variables)
    if pipeline is not None and settings.schedule in DELAYED:
        stages = len(settings.devices)
        rule = functools.partial(DELAYED[settings.schedule], stages, settings.micro_batches, oldest=-stages)
        grouped: GroupedStep = delayed(pipeline, optimizer, rule, _WHO)
        return model, lambda batch: grouped.run_together([batch] * settings.batches)
    step = GradientStep(tf.distribute.get_strategy(), model, optimizer, pipeline or _plain(model, settings))
    return model, lambda batch: [step.run(batch) for _ in range(settings.batches)]


def _plain(model: Any, settings: Settings) -> Differentiation:
    one: Differentiation = WholeModel(model, loss)
    if settings.recompute != "none":
        one = recomputed(Head(model, loss), settings.recompute, _WHO)  # type: ignore[arg-type]
    return Accumulated(one, settings.micro_batches) if settings.micro_batches > 1 else one


def _in_stages(build: Callable[[], Any], settings: Settings) -> tuple[Any, PipelinedModel]:
    """Builds a model on the devices of its stages alone. The stages have as equal weights as can be."""
    count = len(settings.devices)
    with sketched() as made:
        sketch = build()
    found = layout(sketch, _WHO, "a benchmark")
    cuts = found.graph.joints()
    sizes = [
        sum(int(one.shape.num_elements() or 0) for one in block.model.weights) for block in blocks_of(found, cuts)
    ]
    chosen = by_size(sizes, count)
    places = tuple(cuts[begin - 1] for begin in chosen[1:])
    with placement.placed(placement.places(made, blocks_of(found, places), settings.devices)):
        model = build()
    found = layout(model, _WHO, "a benchmark")
    schedule = SCHEDULES[settings.schedule](count, settings.micro_batches)
    blocks = blocks_of(found, places)
    return model, PipelinedModel(Head(model, loss), found, blocks, settings.devices, schedule, settings.recompute)


def by_size(sizes: Sequence[int], count: int) -> list[int]:
    """Returns the first block of each of `count` stages, so that the largest sum of sizes is as small as it can be."""
    costs = [BlockCost(float(size), 0, 0, 0) for size in sizes]
    return [stage.begin for stage in partition(costs, Devices(count, lambda _: 1))]


def dense(layers: int, width: int, widths: Sequence[int] = ()) -> Callable[[], Any]:
    """Returns a builder of a chain of dense layers; layer i has `widths[i % len(widths)]` hidden units if it is given.

    Without `widths` all blocks are equal: one layer each. With them, a block has a hidden layer of its own, so blocks
    differ in size, and what crosses from one to the next has one width.
    """

    def build() -> Any:
        import tf_keras

        tf_keras.utils.set_random_seed(1)
        x = read = tf_keras.Input([width], name="x")
        for number in range(layers):
            if widths:
                read = tf_keras.layers.Dense(widths[number % len(widths)], activation="tanh")(read)
            read = tf_keras.layers.Dense(width, activation="tanh")(read)
        return tf_keras.Model({"x": x}, tf_keras.layers.Dense(10)(read))

    return build


def batch(examples: int, width: int) -> Any:
    """Returns a random batch, as a step takes it."""
    import tensorflow as tf

    x = tf.random.stateless_normal([examples, width], [1, 2])
    labels = tf.random.stateless_uniform([examples], [3, 4], 0, 10, tf.int64)
    count = tf.constant(float(examples))
    return {"x": x}, {"label": labels}, Denominators(count, count)
