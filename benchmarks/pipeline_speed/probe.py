"""Measures one training in this process: `python -m benchmarks.pipeline_speed.probe '{...}'`. Prints JSON.

Each measurement has processes of its own, each on its own core. With `devices` of `processes` this is the chief, and
`server` is the other stage.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      stages: number of stages; 1: no pipeline.
      micro_batches: parts of a batch.
      schedule: name of the schedule.
      devices: `local`: devices of this process. `processes`: this process and others, by TF_CONFIG.
      cores: the cores that this process may use.
      batches: in one call.
      calls: that are timed, after one that is not.
      layers: of the model.
      width: of each layer.
      examples: of a batch.
      trace: whether one more call is traced, action by action.
      profile: whether the blocks are timed as well, for the simulation.
    """

    stages: int
    micro_batches: int
    schedule: str
    devices: str
    cores: tuple[int, ...]
    batches: int = 4
    calls: int = 10
    layers: int = 8
    width: int = 768
    examples: int = 512
    trace: bool = False
    profile: bool = False


def measure(case: Case) -> dict[str, Any]:
    """Returns the median seconds of a batch, the weights' sum, and what `trace` and `profile` ask for."""
    os.sched_setaffinity(0, set(case.cores))
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(max(2, len(case.cores)))
    import tf_keras

    from benchmarks.pipeline_speed import stages
    from limbeck.settings.pipelining import PipeliningConfig
    from limbeck.trainer.pipelining import devices

    apart = case.devices == "processes" and case.stages > 1
    where = PipeliningConfig(stages=case.stages, devices="processes" if apart else "local")
    names = devices.of(where) if case.stages > 1 else ("/cpu:0",)
    settings = stages.Settings(names, case.micro_batches, case.schedule, batches=case.batches)
    build = stages.dense(case.layers, case.width)
    model, train = stages.step_of(build, lambda: tf_keras.optimizers.SGD(1e-4), settings)
    given = stages.batch(case.examples, case.width)
    call = tf.function(lambda: [one.loss for one in train(given)], autograph=False)
    seconds = timed(call, case.calls)
    found: dict[str, Any] = {"seconds": statistics.median(seconds) / case.batches}
    if case.trace:
        found["operations"] = traced(call)
    if case.profile:
        found["blocks"] = profiled(build(), given[0], case.micro_batches)
    found["weights"] = sum(float(tf.reduce_sum(tf.abs(one))) for one in model.trainable_variables)
    return found


def timed(call: Callable[[], Any], times: int) -> list[float]:
    """Returns the seconds of each of so many calls, after one that is not counted."""
    found = []
    for number in range(times + 1):
        began = time.perf_counter()
        for one in call():
            one.numpy()
        if number:
            found.append(time.perf_counter() - began)
    return found


def traced(call: Callable[[], Any]) -> list[tuple[str, float, float]]:
    """Returns name, begin and end in seconds of each operation of a call in this process, as the profiler saw it."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for one in call():
                one.numpy()
        [file] = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    return [
        (
            plane.event_metadata[event.metadata_id].name,
            line.timestamp_ns / 1e9 + event.offset_ps / 1e12,
            line.timestamp_ns / 1e9 + (event.offset_ps + event.duration_ps) / 1e12,
        )
        for plane in space.planes
        for line in plane.lines
        for event in line.events
    ]


def profiled(model: Any, inputs: dict[str, Any], micro_batches: int) -> list[dict[str, float]]:
    """Returns, for each block, the seconds of its forward and its backward pass of a micro-batch, and its output."""
    import tensorflow as tf

    from limbeck.trainer.pipelining.blocks import blocks_of, layout

    found = layout(model, "the model", "a benchmark")
    cuts = found.graph.joints()
    part = {name: one[: int(one.shape[0]) // micro_batches] for name, one in inputs.items()}
    values = dict(zip(found.inputs, model._flatten_to_reference_inputs(part), strict=True))
    measured, empty = [], min(timed(tf.function(lambda: [tf.constant(0.0)]), 5))
    for block in blocks_of(found, cuts):
        taken = {number: values[number] for number in block.takes}

        def forward(block: Any = block, taken: Any = taken) -> Any:
            return list(block.forward(taken, keep=True).given.values())

        def both(block: Any = block, taken: Any = taken) -> Any:
            one = block.forward(taken, keep=True)
            ones = {number: tf.ones_like(each) for number, each in one.given.items()}
            passed, gradients = one.backward(ones, tf.constant(1.0))
            return [*passed.values(), *(each for each in gradients if each is not None)]

        # Less the time of a call that does nothing: a step calls all blocks at once.
        times = [max(0.0, min(timed(tf.function(each, autograph=False), 5)) - empty) for each in (forward, both)]
        values |= dict(zip(block.gives, tf.function(forward, autograph=False)(), strict=True))
        sent = sum(int(tf.size(values[number])) * values[number].dtype.size for number in block.gives)
        measured.append({"forward": times[0], "backward": max(0.0, times[1] - times[0]), "output_bytes": sent})
    return measured


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(measure(Case(**asked | {"cores": tuple(asked["cores"])}))) + "\n")
