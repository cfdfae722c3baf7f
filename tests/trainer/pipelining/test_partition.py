"""The optimal partition against every partition there is."""

import itertools
import random
from collections.abc import Iterator

import pytest

from limbeck.errors import ConfigError
from limbeck.trainer.pipelining.partition import BlockCost, Devices, partition

SEEDS = range(60)


def drawn(seed: int) -> tuple[list[BlockCost], Devices]:
    """Blocks and devices by chance, some of which fit in no way."""
    random_ = random.Random(seed)
    blocks = [
        BlockCost(random_.choice([0, 1, 2, 5]), *(random_.randrange(100) * 2**20 for _ in range(3)))
        for _ in range(random_.randrange(4, 9))
    ]
    count = random_.randrange(1, 5)
    limit = random_.choice([None, 250 * 2**20, 600 * 2**20, 1200 * 2**20])
    recomputes = random_.choice([lambda _: False, lambda _: True, lambda stage: stage < count - 1])
    return blocks, Devices(
        count, lambda stage: count - stage, limit, random_.choice([0, 0.01 / 2**20]), recomputes
    )


def every(blocks: list[BlockCost], devices: Devices) -> Iterator[tuple[float, float, tuple[int, ...]]]:
    """Each partition with its largest excess of memory and the time of its slowest stage, from the definition."""
    for inner in itertools.combinations(range(1, len(blocks)), devices.count - 1):
        cuts = (0, *inner, len(blocks))
        seconds, excess = [], []
        for stage, (begin, end) in enumerate(itertools.pairwise(cuts)):
            time = sum(b.seconds for b in blocks[begin:end])
            for cut in {begin, end} - {0, len(blocks)}:
                time += 2 * blocks[cut - 1].output_bytes * devices.seconds_per_byte
            seconds.append(time)
            held = sum(b.weight_bytes + b.activation_bytes for b in blocks[begin:end])
            if not devices.recomputes(stage):
                held += (devices.alive(stage) - 1) * sum(b.activation_bytes for b in blocks[begin:end])
            elif begin:
                held += devices.alive(stage) * blocks[begin - 1].output_bytes
            excess.append(0 if devices.bytes is None else max(0, held - devices.bytes))
        yield max(excess), max(seconds), cuts


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slowest_stage_is_as_fast_as_in_the_best_of_all_partitions(seed: int):
    blocks, devices = drawn(seed)
    excess, seconds, _ = min(every(blocks, devices))
    if excess:
        with pytest.raises(ConfigError, match=rf"misses it by {excess / 2**20:,.1f} MiB on stage"):
            partition(blocks, devices)
        return
    stages = partition(blocks, devices)
    assert max(stage.seconds for stage in stages) == pytest.approx(seconds)
    cuts = (0, *(stage.end for stage in stages))
    assert [stage.begin for stage in stages] == list(cuts[:-1])
    [measured] = [one for one in every(blocks, devices) if one[2] == cuts]
    assert measured[:2] == (0, pytest.approx(max(stage.seconds for stage in stages)))


def test_the_draws_have_both_kinds():
    kinds = {min(every(*drawn(seed)))[0] > 0 for seed in SEEDS}
    assert kinds == {True, False}


def test_naive_counts_blocks():
    blocks = [BlockCost(seconds, 0, 0, 0) for seconds in (9, 1, 1, 1, 1, 1, 1)]
    devices = Devices(3, lambda _: 1)
    naive, balanced = (partition(blocks, devices, by) for by in ("naive", "balanced"))
    assert [stage.end - stage.begin for stage in naive] == [2, 2, 3]
    assert balanced[0].end == 1
    assert (max(s.seconds for s in naive), max(s.seconds for s in balanced)) == (10, 9)


def test_memory_is_that_of_the_schedule():
    """The first stage of 1F1B holds more micro-batches than the last, so it gets fewer blocks."""
    blocks = [BlockCost(1, 0, 10, 0)] * 6
    equal = partition(blocks, Devices(2, lambda _: 1))
    held = partition(blocks, Devices(2, lambda stage: 2 - stage, bytes=40))
    assert [stage.bytes for stage in equal] == [30, 30]
    assert [(stage.end - stage.begin, stage.bytes) for stage in held] == [(2, 40), (4, 40)]


@pytest.mark.parametrize("count", [0, 4])
def test_a_stage_has_a_block(count: int):
    with pytest.raises(ConfigError, match=f"pipelining.stages is {count} and the model has 3 blocks"):
        partition([BlockCost(1, 1, 1, 1)] * 3, Devices(count, lambda _: 1))


def test_what_fits_in_no_way_is_told_with_the_best_way():
    mib = 2**20
    blocks = [BlockCost(1, size * mib, 0, 0) for size in (50, 70, 60)]
    with pytest.raises(ConfigError) as raised:
        partition(blocks, Devices(2, lambda _: 1, bytes=100 * mib))
    assert str(raised.value) == (
        "a stage must fit pipelining.memory_mib=100, but no cut of the model into 2 stages does. The best one, with 2 "
        "and 1 of its 3 blocks of layers, misses it by 20.0 MiB on stage 0, which holds 120.0 MiB for weights, "
        "gradients and slots of the optimizer, and 0.0 MiB of activations: take more stages, or raise "
        "pipelining.memory_mib if the devices have more, or make the model smaller"
    )


def test_a_remedy_that_cannot_help_is_not_told():
    blocks = [BlockCost(1, 10, 5, 0)] * 2
    with pytest.raises(ConfigError, match=r"activations: take more micro-batches, or .*, or raise"):
        partition(blocks, Devices(2, lambda _: 1, bytes=10))
