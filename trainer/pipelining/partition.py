"""Cuts a model, an ordered list of blocks, into stages, so that the slowest stage is as fast as possible.

A pipeline is as fast as its slowest stage. Equal numbers of blocks are seldom equal work: an embedding holds most of
the weights and costs no time, and the last blocks of a network for pictures are cheap and hold little. Whether a stage
fits its device also depends on the schedule: stage 0 of 1F1B holds activations of more micro-batches than the last
stage. So the cut is found by dynamic programming over all contiguous ones (as PipeDream does, Narayanan et al., 2019,
arXiv:1806.03377, for one device a stage), with the memory of the device as a constraint.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Literal

from limbeck.errors import ConfigError

_MIB = 2**20
Partitioning = Literal["balanced", "naive"]


@dataclasses.dataclass(frozen=True)
class BlockCost:
    """What one block costs, for one micro-batch.

    Attributes:
      seconds: duration of its forward and its backward pass together.
      weight_bytes: bytes that it always holds: weights, gradients, optimizer slots.
      activation_bytes: bytes that it keeps from the forward pass to the backward pass.
      output_bytes: bytes that it passes to the next block.
    """

    seconds: float
    weight_bytes: int
    activation_bytes: int
    output_bytes: int


@dataclasses.dataclass(frozen=True)
class Devices:
    """The devices on which the stages run.

    Attributes:
      count: how many stages there are.
      alive: takes a stage, and returns for how many micro-batches it holds activations (`Schedule.alive`).
      recomputes: takes a stage, and returns whether it recomputes: it then holds only the inputs of these
        micro-batches, and the activations of one.
      bytes: memory of one device; None: memory is not checked.
      seconds_per_byte: duration of a transfer between two stages. Outputs and their gradients are transferred.
    """

    count: int
    alive: Callable[[int], int]
    bytes: int | None = None
    seconds_per_byte: float = 0.0
    recomputes: Callable[[int], bool] = lambda _: False


@dataclasses.dataclass(frozen=True)
class Stage:
    """Consecutive blocks on one device.

    Attributes:
      begin: the first block.
      end: the block after the last.
      seconds: duration for one micro-batch, including transfers.
      bytes: the largest number of bytes that it holds at any time.
    """

    begin: int
    end: int
    seconds: float
    bytes: int


def partition(
    blocks: Sequence[BlockCost], devices: Devices, by: Partitioning = "balanced", who: str = "the model"
) -> tuple[Stage, ...]:
    """Returns one stage for each device: `balanced`, or `naive` with equal numbers of blocks, for comparison.

    `who` is the model in words, for messages.

    Raises:
      ConfigError: if there are more stages than blocks, or no contiguous partition fits the devices. The message then
        describes the partition that exceeds the limit least, and by how much.
    """
    if not 1 <= devices.count <= len(blocks):
        raise ConfigError(
            f"a stage has at least one block, but pipelining.stages is {devices.count} and {who} has "
            f"{len(blocks)} blocks: take at most as many stages"
        )
    stage = _costing(tuple(blocks), devices)
    if by == "naive":
        cuts = [len(blocks) * number // devices.count for number in range(devices.count + 1)]
        stages = tuple(stage(number, *cuts[number : number + 2]) for number in range(devices.count))
    else:
        stages = _best(len(blocks), devices.count, stage, lambda s: (_excess(s, devices), s.seconds))
    if any(_excess(s, devices) for s in stages):
        raise ConfigError(_does_not_fit(blocks, stages, devices, who))
    return stages


def _costing(blocks: tuple[BlockCost, ...], devices: Devices) -> Callable[[int, int, int], Stage]:
    """Returns a function of a stage's number and the range of its blocks that returns the stage with its costs."""

    def cost(number: int, begin: int, end: int) -> Stage:
        mine = blocks[begin:end]
        # A stage waits for its transfers, forward and backward.
        moved = [blocks[begin - 1].output_bytes] if begin > 0 else []
        moved += [mine[-1].output_bytes] if end < len(blocks) else []
        seconds = sum(block.seconds for block in mine) + 2 * sum(moved) * devices.seconds_per_byte
        activations, alive = sum(block.activation_bytes for block in mine), devices.alive(number)
        received = blocks[begin - 1].output_bytes if begin > 0 else 0
        held = activations + alive * received if devices.recomputes(number) else activations * alive
        return Stage(begin, end, seconds, sum(block.weight_bytes for block in mine) + held)

    return cost


def _excess(stage: Stage, devices: Devices) -> int:
    return max(0, stage.bytes - devices.bytes) if devices.bytes is not None else 0


def _best(
    blocks: int,
    count: int,
    stage: Callable[[int, int, int], Stage],
    key: Callable[[Stage], tuple[float, float]],
) -> tuple[Stage, ...]:
    """Returns the stages that exceed the memory least; among equal ones, those with the fastest slowest stage.

    The two are minimised one after the other, because the slowest stage need not be the largest one.
    """

    @functools.cache
    def excess(number: int, begin: int) -> float:
        """Returns the least excess of the stages from `number` on, for the blocks from `begin` on."""
        if number == count - 1:
            return key(stage(number, begin, blocks))[0]
        return min(max(key(stage(number, begin, end))[0], excess(number + 1, end)) for end in ends(number, begin))

    def ends(number: int, begin: int) -> range:
        return range(begin + 1, blocks - (count - 1 - number) + 1)

    allowed = excess(0, 0)

    @functools.cache
    def slowest(number: int, begin: int) -> tuple[float, int]:
        """Returns the time of the slowest stage from `number` on, and where stage `number` ends."""
        options = [blocks] if number == count - 1 else ends(number, begin)
        found = []
        for end in options:
            this = key(stage(number, begin, end))
            if this[0] <= allowed:
                after = slowest(number + 1, end)[0] if number < count - 1 else 0.0
                found.append((max(this[1], after), end))
        return min(found, default=(float("inf"), blocks))

    stages, begin = [], 0
    for number in range(count):
        end = slowest(number, begin)[1]
        stages.append(stage(number, begin, end))
        begin = end
    return tuple(stages)


def _does_not_fit(blocks: Sequence[BlockCost], stages: Sequence[Stage], devices: Devices, who: str) -> str:
    """Returns the error message: which stage exceeds the limit, by how much, and what can help."""
    number = max(range(len(stages)), key=lambda each: stages[each].bytes)
    worst, limit = stages[number], devices.bytes or 0
    held = sum(block.weight_bytes for block in blocks[worst.begin : worst.end])
    remedies = ["take more stages"] if devices.count < len(blocks) else []
    if worst.bytes > held:
        remedies.append("take more micro-batches, or a smaller training.batch_size, or training.recompute=all")
    remedies.append("raise pipelining.memory_mib if the devices have more, or make the model smaller")
    cut = " and ".join(f"{each.end - each.begin}" for each in stages)
    return (
        f"a stage must fit pipelining.memory_mib={limit / _MIB:.0f}, but no cut of {who} into {len(stages)} stages "
        f"does. The best one, with {cut} of its {len(blocks)} blocks of layers, misses it by "
        f"{(worst.bytes - limit) / _MIB:,.1f} MiB on stage {number}, which holds {held / _MIB:,.1f} MiB for weights, "
        f"gradients and slots of the optimizer, and {(worst.bytes - held) / _MIB:,.1f} MiB of activations: "
        f"{', or '.join(remedies)}"
    )
