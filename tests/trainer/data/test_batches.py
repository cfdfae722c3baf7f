import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.trainer.data.batches import batches
from limbeck.trainer.data.order import Order
from tests.trainer import packed
from tests.trainer.packed import equal, read

COUNT = 43


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("packed") / "all", packed.examples(COUNT))


@pytest.mark.parametrize("batch_size", [1, 8, COUNT, 100])
def test_each_epoch_sees_each_example_once(folder, batch_size):
    order = Order(COUNT, batch_size, epochs=3, seed=1)
    seen = np.concatenate([features["example_id"] for features, _, _ in read(folder, order)])
    epochs = seen.reshape(3, COUNT)
    everything = np.unique(seen)
    assert len(everything) == COUNT
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), everything)
    assert not np.array_equal(epochs[0], epochs[1])


def test_records_come_back_whole(folder):
    written = {one.features.feature["example_id"].bytes_list.value[0]: one for one in map(
        tf.train.Example.FromString, packed.examples(COUNT))}  # fmt: skip
    for features, _, _ in read(folder, Order(COUNT, 10, 1, seed=0)):
        for example_id, x, label in zip(features["example_id"], features["x"], features["label"], strict=True):
            example = written.pop(example_id).features.feature
            np.testing.assert_array_equal(x, np.array(example["x"].float_list.value, np.float32))
            assert label == example["label"].int64_list.value[0]
    assert not written


@pytest.mark.parametrize("replica_count", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [8, 14])
def test_the_parts_of_the_replicas_make_up_the_global_batch(folder, replica_count, batch_size):
    # 129 positions: the last batch holds 1 (of 8) or 3 (of 14) examples, so some replicas get none.
    order = Order(COUNT, batch_size, epochs=3, seed=2)
    parts = [read(folder, order, (replica,), replica_count) for replica in range(replica_count)]
    for (features, counts, seeds), *some in zip(read(folder, order), *parts, strict=True):
        for name, values in features.items():
            np.testing.assert_array_equal(np.concatenate([part[name] for part, _, _ in some]), values)
        np.testing.assert_array_equal(np.concatenate([part for _, _, part in some]), seeds)
        assert all(part == counts for _, part, _ in some), "denominators are those of the global batch"


def test_a_process_with_several_replicas_reads_them_in_turn(folder):
    order = Order(COUNT, 10, epochs=1, seed=2)
    both = read(folder, order, (1, 2), 3)
    apart = [read(folder, order, (replica,), 3) for replica in (1, 2)]
    assert equal(both, list(itertools.chain.from_iterable(zip(*apart, strict=True))))


def test_denominators_count_the_global_batch(folder):
    order = Order(COUNT, 10, epochs=2, seed=4)
    labels = np.concatenate([features["label"] for features, _, _ in read(folder, order)])
    assert (labels == -1).any()
    for step, (_, counts, _) in enumerate(read(folder, order, (1,), 3)):
        batch = labels[order.global_batch(step)]
        assert (counts.examples, counts.labelled) == (len(batch), (batch != -1).sum())
        assert counts.examples.dtype == counts.labelled.dtype == np.float32


def test_seeds_differ_between_examples_epochs_and_trainings(folder):
    seeds = [np.concatenate([seeds for _, _, seeds in read(folder, Order(COUNT, 10, 2, seed))]) for seed in (0, 1)]
    assert len(np.unique(np.concatenate(seeds))) == 4 * COUNT


def test_a_batch_does_not_depend_on_what_was_read_before(folder):
    order = Order(COUNT, 10, epochs=3, seed=6)
    whole = read(folder, order)
    rest = list(batches(folder, order, (0,), 1, packed.SPEC).skip(9).as_numpy_iterator())
    assert equal(rest, whole[9:])
    assert equal(read(folder, order), whole)


def test_an_order_without_a_seed_has_none_for_its_examples(folder):
    with pytest.raises(ValueError, match="read it by numbered_batches"):
        read(folder, Order(COUNT, 10, epochs=1, seed=None))


def test_many_datasets_of_one_folder_keep_no_more_files_open_than_one(folder):
    """TensorFlow forgets no function of a dataset, so each dataset kept its own files open until the process ended."""
    read(folder, Order(COUNT, 10, 1, seed=0))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for seed in range(3):
        read(folder, Order(COUNT, 10, 1, seed=seed))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_packed_anew_at_the_same_path_is_read_anew(tmp_path):
    first = read(packed.pack_all(tmp_path / "all", packed.examples(COUNT)), Order(COUNT, 10, 1, seed=0))
    shutil.rmtree(tmp_path / "all")
    fewer = packed.pack_all(tmp_path / "all", packed.examples(COUNT - 1))
    assert sum(len(features["x"]) for features, _, _ in first) == COUNT
    assert sum(len(features["x"]) for features, _, _ in read(fewer, Order(COUNT - 1, 10, 1, seed=0))) == COUNT - 1
