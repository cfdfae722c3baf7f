"""Builds the model of a job in stages: cuts it, and puts its variables on the devices of the stages.

The stages are chosen by measured times (`limbeck.trainer.pipelining.profile`), so that they take equally long. Another
run may cut the model elsewhere. Then its result differs by rounding, because TensorFlow fuses layers within a stage. A
job stores its cut beside its checkpoints, and uses it again after a restart.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import math
from collections.abc import Callable, Sequence

from limbeck import events, files
from limbeck.aliases import KerasModel, Optimizer, Tensor
from limbeck.errors import ConfigError
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer.distillation.targets import Loss
from limbeck.trainer.fitting import micro_batches
from limbeck.trainer.fitting.delayed_step import DelayedStep, delayed
from limbeck.trainer.fitting.pipeline import PipelinedModel, StagedAnswers, keeps_activations
from limbeck.trainer.fitting.pipeline_replica import further_replicas
from limbeck.trainer.fitting.recomputation import Head
from limbeck.trainer.pipelining import devices, placement
from limbeck.trainer.pipelining.blocks import Block, Layout, blocks_of, layout
from limbeck.trainer.pipelining.host_memory import assert_swappable
from limbeck.trainer.pipelining.partition import BlockCost, Devices, Partitioning, Stage, partition
from limbeck.trainer.pipelining.profile import costs, sizes
from limbeck.trainer.pipelining.schedule import Schedule
from limbeck.trainer.pipelining.schedules.registry import DELAYED, SCHEDULES
from limbeck.trainer.session import inputs
from limbeck.trainer.session.models import build_model, build_optimizer
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.sketches import Sketch, sketch_of

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Stages:
    """Where a model is cut.

    Attributes:
      cuts: the positions in its call graph.
      devices: the devices of the stages, replica by replica.
      schedule: what the stages do.
    """

    cuts: tuple[int, ...]
    devices: tuple[str, ...]
    schedule: Schedule

    @property
    def first(self) -> tuple[str, ...]:
        """The devices of the first replica, which has the variables. There is one more device than cuts."""
        return self.devices[: len(self.cuts) + 1]


def build(session: Session, seed: int, *, tell: bool) -> tuple[KerasModel, Stages]:
    """Builds the model of the job with its variables on the devices of its stages, and nowhere else.

    It has the weights that `build_model` makes after the same seed.

    Args:
      session: the session of this process.
      seed: seed of its first weights.
      tell: whether to log which layers each stage has.

    Raises:
      TaskError: if the model cannot be cut.
      ConfigError: if there are fewer blocks than stages, no stages fit `pipelining.memory_mib`, the machine has too few
        devices, or activations are to leave a GPU and a stage has none.
    """
    import tensorflow as tf
    import tf_keras

    # The whole model may fit neither a device nor the memory of this machine.
    with tf.device("/cpu:0"):
        sketch = sketch_of(session)
        stages = _balanced(session, sketch, tell=tell)
    if session.job.training.swap:
        assert_swappable(stages.devices)
    blocks = blocks_of(_layout(session, sketch.model), stages.cuts)
    # The seed is set again, because the sketch and its profile have drawn random numbers.
    tf_keras.utils.set_random_seed(seed)
    with placement.placed(placement.places(sketch.made, blocks, stages.first)):
        return build_model(session), stages


def layout_and_cuts(session: Session, model: KerasModel) -> tuple[Layout, tuple[int, ...]]:
    """Returns the call graph of the job's model, and the positions at which a stage may end. Raises as `build`."""
    found = _layout(session, model)
    return found, _cuts(session, found)


def equal(session: Session, model: KerasModel) -> Stages:
    """Returns stages of equally many blocks on one device, to try a job with. Errors are those of `build`.

    A process that trains no teacher may try one, and has no devices for stages. There is only one replica, because
    others would need memory for copies of the weights. The sizes of the blocks show whether a cut can fit the memory of
    the devices.
    """
    (found, cuts), count, schedule = (
        layout_and_cuts(session, model),
        session.job.pipelining.stages,
        _schedule(session),
    )
    if session.job.pipelining.memory_mib is not None:
        parts = _parts(session)
        examples = -(-len(inputs.order_of(session, 0).global_batch(0)) // parts)
        held = sizes(found, cuts, blocks_of(found, cuts), examples, _copies(session, parts))
        partition(held, _limits(session, schedule), who=session.who)
    chosen = tuple(cuts[len(cuts) * stage // count] for stage in range(1, count))
    return Stages(chosen, ("/cpu:0",) * count, schedule)


def _balanced(session: Session, sketch: Sketch, *, tell: bool) -> Stages:
    """Returns stages that take equally long. Blocks of the sketch are called, which changes its state.

    The cut depends on measured times, and another cut rounds differently. So a resumed attempt uses the cut of the
    first attempt.
    """
    settings, schedule = session.job.pipelining, _schedule(session)
    found, cuts = layout_and_cuts(session, sketch.model)
    known = _known(session, cuts)
    if known is not None:
        return Stages(known, devices.of(settings), schedule)
    blocks = blocks_of(found, cuts)
    given, _, _ = next(iter(inputs.last_replica(session, inputs.order_of(session, 0))))
    parts = _parts(session)
    part, _ = micro_batches.cut((given, given), parts, 0)
    part = sketch.model._flatten_to_reference_inputs(part)
    measured = costs(found, cuts, blocks, part, sketch.made, copies=_copies(session, parts))
    # Under this schedule, the result depends on the cut. So the cut must not depend on measured times.
    by: Partitioning = "naive" if settings.schedule == "weight_stashing" else "balanced"
    chosen = partition(measured, _limits(session, schedule), by, session.who)
    if tell:
        _tell(session, chosen, blocks, measured)
    names, taken = devices.of(settings), tuple(cuts[stage.begin - 1] for stage in chosen[1:])
    if (folder := session.job.checkpoint_uri) is not None:
        files.make_folder(folder)
        files.write_text(_place(folder, settings), json.dumps(taken))
    return Stages(taken, names, schedule)


def _parts(session: Session) -> int:
    """Returns the number of parts of a batch. A replica computes one part at a time."""
    settings = session.job.pipelining
    return settings.replicas * settings.micro_batches * session.job.training.accumulate


def _limits(session: Session, schedule: Schedule) -> Devices:
    settings, recompute = session.job.pipelining, session.job.training.recompute
    return Devices(
        settings.stages,
        schedule.alive,
        None if settings.memory_mib is None else settings.memory_mib * 2**20,
        recomputes=lambda stage: not keeps_activations(recompute, stage, settings.stages),
    )


def _copies(session: Session, parts: int) -> int:
    """Returns how many values a training holds for each weight.

    The values are the weight, its slots, its gradient, and the sum of its gradients if a batch has several parts.
    """
    import tensorflow as tf

    optimizer = build_optimizer(session.task, 1.0)
    weight = tf.Variable(tf.zeros([3, 2]))
    optimizer.build([weight])
    slots = sum(one.shape == weight.shape for one in optimizer.variables)
    return 1 + slots + (2 if parts > session.job.pipelining.replicas else 1)


def _place(checkpoints: str, settings: PipeliningConfig) -> str:
    # If an attempt has devices of another size, it must not use a cut that does not fit them.
    within = "" if settings.memory_mib is None else f"-within-{settings.memory_mib}"
    return files.join(checkpoints, f"cut-into-{settings.stages}{within}.json")


def _known(session: Session, cuts: Sequence[int]) -> tuple[int, ...] | None:
    """Returns the cut that an earlier attempt has stored; None if there is none."""
    checkpoints = session.job.checkpoint_uri
    if checkpoints is None or not files.exists(place := _place(checkpoints, session.job.pipelining)):
        return None
    try:
        kept = tuple(json.loads(files.read_text(place)))
    except ValueError:
        # The earlier attempt was killed while it wrote the file.
        return None
    return kept if set(kept) <= set(cuts) else None


def _cuts(session: Session, found: Layout) -> tuple[int, ...]:
    """Returns the positions at which a stage may end, at least as many as are needed."""
    graph, stages = found.graph, session.job.pipelining.stages
    # Cuts that one value crosses are cheap. If there are too few of them, several values are sent.
    cuts = graph.joints() if len(graph.joints()) >= stages - 1 else graph.cuts()
    if len(cuts) < stages - 1:
        raise ConfigError(
            f"a stage has at least one block of layers, but pipelining.stages is {stages} and {session.who} has "
            f"{len(cuts) + 1}: lower pipelining.stages. Layers that share a variable are one block"
        )
    return cuts


def _schedule(session: Session) -> Schedule:
    settings = session.job.pipelining
    return SCHEDULES[settings.schedule](settings.stages, settings.micro_batches)


def _layout(session: Session, model: KerasModel) -> Layout:
    return layout(model, session.who, f"pipelining.stages={session.job.pipelining.stages}")


def differentiation(session: Session, model: KerasModel, loss: Loss, stages: Stages) -> PipelinedModel:
    """Returns the `Differentiation` of a model in stages. Call it with the job's precision, and outside of a graph."""
    found = _layout(session, model)
    blocks = blocks_of(found, stages.cuts)
    return PipelinedModel(
        Head(model, loss),
        found,
        blocks,
        stages.first,
        stages.schedule,
        session.job.training.recompute,
        further_replicas(blocks, stages.devices),
        session.job.training.swap,
    )


def delayed_step(session: Session, model: PipelinedModel, optimizer: Optimizer) -> DelayedStep:
    """Returns the step of a model whose schedule has no flush.

    Raises:
      TaskError: if the optimizer cannot be at different steps on different stages.
    """
    settings = session.job.pipelining
    schedule = functools.partial(
        DELAYED[settings.schedule], settings.stages, settings.micro_batches, oldest=-settings.stages
    )
    return delayed(model, optimizer, schedule, session.who)


def answers(session: Session, model: KerasModel, stages: Stages | None) -> Callable[..., Tensor]:
    """Returns a function that computes a model's logits: each stage on its device, or without stages the model."""
    if stages is None:
        return model
    found = _layout(session, model)
    return StagedAnswers(model, found, blocks_of(found, stages.cuts), stages.first)


def follow(optimizer: Optimizer, stages: Stages | None) -> None:
    """Makes an optimizer follow the variables to their devices, if there are stages. Call it before it is built."""
    if stages is not None:
        placement.follow_variables(optimizer)


def _tell(
    session: Session, chosen: Sequence[Stage], blocks: Sequence[Block], measured: Sequence[BlockCost]
) -> None:
    """Logs which layers each stage has, and the measured times."""
    lines = []
    for number, stage in enumerate(chosen):
        layers = [layer.name for block in blocks[stage.begin : stage.end] for layer in block.model.layers[1:]]
        weights = sum(block.model.count_params() for block in blocks[stage.begin : stage.end])
        lines.append(
            f"stage {number} has {layers[0]} to {layers[-1]} ({stage.seconds * 1e3:.1f} ms a micro-batch, {weights:,} "
            f"weights, about {math.ceil(stage.bytes / 2**20)} MiB)"
        )
    total, slowest = sum(one.seconds for one in measured), max(stage.seconds for stage in chosen)
    text = (
        f"{session.who} is cut into {len(chosen)} stages: {'; '.join(lines)}. The slowest has "
        f"{slowest / total:.0%} of the time"
    )
    events.note(text, _log.info)
