"""Batches that a chief hands out are those that a replica would read under every other strategy."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from limbeck.trainer.asynchronous.batch_source import BatchSource
from limbeck.trainer.data.batches import numbered_batches
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from tests.trainer import packed


def test_the_same_batches_by_the_same_numbers(tmp_path: Path):
    folder = packed.pack_all(tmp_path / "packed", packed.examples(43))
    order = Order(43, 10, epochs=2, seed=3)
    source = BatchSource(PackedExamples(folder), order, packed.SPEC)
    parsed = tf.function(source.parsed, input_signature=[tuple(source.signature())])

    found = [parsed(tuple(source.batch(step))) for step in range(order.steps)]

    assert packed.equal(found, list(numbered_batches(folder, order, [0], 1, packed.SPEC)))
