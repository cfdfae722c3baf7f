"""Merging against sorting everything at once."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from limbeck.trainer.data.block import PackedBlock, behind_each_other, joined
from limbeck.trainer.data.layout import Column, Layout, follow_each_other
from limbeck.trainer.data.merging import cuts, merged

LAYOUT = Layout((Column("number", "int64", 1), Column("values", "int64", None)))
# Ids of several lengths, of which one begins with another, and bytes above 127.
IDS = st.lists(st.binary(min_size=0, max_size=3).map(lambda one: one.replace(b"\0", b"\x80")), max_size=30)
RUNS = st.lists(IDS, min_size=1, max_size=6).filter(any)


def block(ids: list[bytes], first: int = 0) -> PackedBlock:
    """Sorted examples, each with another number, and as many values as the number says, modulo 3."""
    numbers = np.arange(first, first + len(ids))
    counts = numbers % 3
    rows = np.zeros([len(ids), LAYOUT.words], np.uint64)
    LAYOUT.integers(rows)[:, 0] = numbers
    told = LAYOUT.stream(rows, 0).view(np.int64)
    told[:, 0], told[:, 1] = follow_each_other(counts), counts
    return PackedBlock(LAYOUT, np.array(sorted(ids), "S"), rows, (np.repeat(numbers, counts),))


def contents(some: PackedBlock) -> list[tuple[bytes, int, list[int]]]:
    begins, counts = LAYOUT.stream(some.rows, 0).view(np.int64)[:, :2].T
    return [
        (bytes(one), int(number), some.streams[0][begin : begin + count].tolist())
        for one, number, begin, count in zip(
            some.ids, some.layout.values(some.rows, "number")[:, 0], begins, counts, strict=True
        )
    ]


@given(RUNS, st.integers(1, 20))
def test_pieces_cover_all_runs_and_no_id_is_in_two(runs: list[list[bytes]], most: int):
    ids = [np.array(sorted(run), "S") for run in runs if run]
    pieces = list(cuts(ids, most))

    for number, one in enumerate(ids):
        places = [piece[number] for piece in pieces]
        assert [begin for begin, _ in places] == [0, *(end for _, end in places[:-1])]
        assert places[-1][1] == len(one)
    found = [[one[slice(*place)].tolist() for one, place in zip(ids, piece, strict=True)] for piece in pieces]
    for before, after in itertools.pairwise([sorted(itertools.chain(*piece)) for piece in found]):
        assert before[-1] < after[0]
    # But for equal ids, no run gives more than its share.
    share = max(1, most // len(ids))
    assert all(len(set(one)) <= share for piece in found for one in piece)


@given(RUNS, st.integers(1, 2000))
def test_blocks_are_everything_in_order(runs: list[list[bytes]], most_bytes: int):
    firsts = np.cumsum([0, *map(len, runs)])
    made = [block(run, int(first)) for run, first in zip(runs, firsts, strict=False) if run]
    blocks = list(merged(made, most_bytes))

    read = list(itertools.chain(*map(contents, blocks)))
    assert [one[0] for one in read] == sorted(itertools.chain(*runs))
    assert sorted(read) == sorted(itertools.chain(*map(contents, made)))
    assert contents(joined(blocks)) == read
    # The order of equal ids depends on the examples alone.
    again = list(merged([joined(made).taken(np.argsort(joined(made).ids, kind="stable"))], 1 << 20))
    assert list(itertools.chain(*map(contents, again))) == read


def test_a_block_holds_few_examples_of_many():
    ids = [f"{number:06}".encode() for number in np.random.default_rng(0).permutation(30_000)]
    runs = [block(ids[begin : begin + 3000], begin) for begin in range(0, 30_000, 3000)]
    each = sum(run.nbytes for run in runs) // 30_000 + 1
    sizes = [len(one) for one in merged(runs, 1000 * each)]
    assert sum(sizes) == 30_000
    assert max(sizes) <= 1000
    # Not much fewer: another block costs a look at each run.
    assert len(sizes) <= 2 * 30


def test_a_part_of_a_mapped_block_and_its_place_behind_others():
    whole = block([b"a", b"b", b"c", b"d", b"e"])
    part = whole.between(2, 5)
    assert contents(part) == contents(whole)[2:]
    assert contents(whole.between(3, 3)) == []
    seven_values = block([b"f", b"g", b"h", b"i", b"j", b"k", b"l", b"m"])
    [_, (same, rows)] = behind_each_other([seven_values, part])
    assert same is part
    told = LAYOUT.stream(rows, 0).view(np.int64)
    # Numbers 2, 3 and 4 have 2, 0 and 1 values.
    assert told[:, 0].tolist() == [7, 9, 9]
    assert contents(whole.between(2, 5)) == contents(part)


def test_in_order_yields_pieces_of_an_order():
    whole = block([b"a", b"b", b"c", b"d", b"e"])
    order = np.array([4, 0, 3, 1, 2])
    pieces = list(whole.in_order(order, whole.nbytes // 2))
    assert len(pieces) == 3
    assert list(itertools.chain(*map(contents, pieces))) == [contents(whole)[one] for one in order]
