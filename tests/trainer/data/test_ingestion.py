import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from limbeck.errors import DataError
from tests.trainer import packed
from trainer.data.ingestion import Order, PackedExamples, batches, pack

COUNT = 43
ORDERS = st.builds(
    Order,
    examples=st.integers(1, 60),
    batch_size=st.integers(1, 70),
    epochs=st.integers(1, 4),
    seed=st.integers(0, 2**64),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("packed") / "all", packed.examples(COUNT))


def read(folder, order, replicas=(0,), count=1):
    """All batches of some replicas, as NumPy."""
    return list(batches(folder, order, replicas, count, packed.SPEC).as_numpy_iterator())


def equal(one, other):
    return len(one) == len(other) and all(
        np.array_equal(a, b) for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    )


@given(ORDERS)
def test_steps_cut_all_positions_into_full_batches_but_the_last(order):
    cut = [order.global_batch(step) for step in range(order.steps)]
    np.testing.assert_array_equal(np.concatenate(cut), np.arange(order.examples * order.epochs))
    assert all(len(batch) == order.batch_size for batch in cut[:-1])
    assert 1 <= len(cut[-1]) <= order.batch_size


@given(ORDERS, st.integers(1, 9), st.data())
def test_shares_partition_the_global_batch_evenly(order, replicas, data):
    step = data.draw(st.integers(0, order.steps - 1))
    batch = order.global_batch(step)
    shares = [batch[order.share(step, replica, replicas)] for replica in range(replicas)]
    np.testing.assert_array_equal(np.concatenate(shares), batch)
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@given(ORDERS)
def test_every_epoch_is_a_permutation_of_the_rows(order):
    rows = order.rows(np.arange(order.positions)).reshape(order.epochs, order.examples)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(order.examples), (order.epochs, 1)))


@given(ORDERS, st.data())
def test_rows_depend_on_their_positions_alone(order, data):
    positions = np.array(data.draw(st.lists(st.integers(0, order.positions - 1), min_size=1)))
    whole = Order(order.examples, 7, order.epochs, order.seed).rows(np.arange(order.positions))
    np.testing.assert_array_equal(order.rows(positions), whole[positions])


def test_seeds_and_epochs_permute_differently():
    permutations = [
        tuple(Order(100, 10, 3, seed).rows(np.arange(100) + 100 * epoch))
        for seed in range(4)
        for epoch in range(3)
    ]
    assert len(set(permutations)) == 12
    assert all(permutation != tuple(range(100)) for permutation in permutations)


def test_the_order_is_not_that_of_another_version():
    # Pins the permutation: resumption and comparison across machines rely on it.
    assert Order(8, 4, 2, seed=7).rows(np.arange(16)).tolist() == [1, 0, 4, 2, 3, 5, 7, 6, 7, 2, 3, 0, 1, 5, 4, 6]


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


def shards(tmp_path, cut, name):
    """Files of the given pieces; their names sort in the order of the pieces."""
    return [packed.write(tmp_path / f"{name}-{number:02}.gz", piece) for number, piece in enumerate(cut)]


def test_batches_depend_on_neither_files_nor_their_order_nor_that_of_records(tmp_path, folder):
    serialized = packed.examples(COUNT)
    shuffled = [serialized[row] for row in np.random.default_rng(3).permutation(COUNT)]
    cut = [shuffled[:1], [], shuffled[1:20], shuffled[20:]]
    variants = [
        shards(tmp_path, [serialized[::-1]], "reversed"),
        shards(tmp_path, cut, "cut"),
        shards(tmp_path, cut, "turned")[::-1],
    ]
    order = Order(COUNT, 10, epochs=2, seed=5)
    expected = read(folder, order)
    for number, files in enumerate(variants):
        destination = tmp_path / f"packed-{number}"
        destination.mkdir()
        assert pack(files, destination, "label", packed.OBJECTIVE) == COUNT
        assert equal(read(str(destination), order), expected)


def test_equal_ids_keep_all_their_examples(tmp_path):
    twice = packed.examples(5) * 2
    folder = packed.pack_all(tmp_path / "twice", twice)
    ids = np.concatenate([features["example_id"] for features, _, _ in read(folder, Order(10, 4, 1, seed=0))])
    assert np.unique(ids, return_counts=True)[1].tolist() == [2] * 5


@pytest.mark.parametrize("replica_count", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [8, 14])
def test_the_parts_of_the_replicas_make_up_the_global_batch(folder, replica_count, batch_size):
    # 129 positions: the last batch holds 1 (of 8) or 3 (of 14), so some replicas get nothing at all.
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


def test_a_packed_split_is_read_at_random(folder):
    read_back = PackedExamples(Path(folder))
    assert len(read_back) == COUNT
    rows = np.array([5, 0, 42, 5])
    some, everything = read_back.read(rows), read_back.read(np.arange(COUNT))
    assert some.tolist() == everything[rows].tolist()
    assert sorted(everything) == sorted(packed.examples(COUNT))
    ids = [
        tf.train.Example.FromString(one).features.feature["example_id"].bytes_list.value[0] for one in everything
    ]
    assert ids == sorted(ids)
    assert read_back.read(np.array([], np.int64)).tolist() == []


def test_a_label_that_the_task_does_not_declare_is_an_error_of_the_data(tmp_path):
    serialized = [*packed.examples(9), packed.serialize(example_id="i", x=[0.0] * 3, label=-2)]
    with pytest.raises(DataError, match=r"^1 of 10 training examples have a label that the task does not declare"):
        packed.pack_all(tmp_path / "unknown", serialized)


@pytest.mark.parametrize("files", [0, 1, 2])
def test_an_empty_split_is_an_error_of_the_data(tmp_path, files):
    empty = shards(tmp_path, [[]] * files, "empty")
    with pytest.raises(DataError, match=r"holds no examples: check data\.path"):
        pack(empty, tmp_path, "label", packed.OBJECTIVE)


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "whole.gz"
    packed.write(path, packed.examples(200))
    return path.read_bytes()


@pytest.mark.parametrize("part", [0.0005, 0.01, 0.5, 0.99, 0.9999])
def test_a_truncated_file_is_named(tmp_path, whole_file, part):
    good = packed.write(tmp_path / "good.gz", packed.examples(5))
    bad = tmp_path / "truncated.gz"
    bad.write_bytes(whole_file[: int(part * len(whole_file)) + 1])
    with pytest.raises(DataError, match=r"truncated\.gz is truncated or corrupt"):
        pack([good, str(bad)], tmp_path, "label", packed.OBJECTIVE)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.9999])
def test_a_corrupt_file_is_named(tmp_path, whole_file, place):
    content = bytearray(whole_file)
    content[int(place * len(content))] ^= 0xFF
    bad = tmp_path / "corrupt.gz"
    bad.write_bytes(content)
    with pytest.raises(DataError, match=r"corrupt\.gz is truncated or corrupt"):
        pack([str(bad)], tmp_path, "label", packed.OBJECTIVE)


def test_what_is_no_tfrecord_is_named(tmp_path):
    bad = tmp_path / "text.gz"
    bad.write_bytes(gzip.compress(b"a,b\n1,2\n" * 100))
    with pytest.raises(DataError, match=r"text\.gz is truncated or corrupt"):
        pack([str(bad)], tmp_path, "label", packed.OBJECTIVE)


@pytest.mark.parametrize("record", [
    b"no example",
    packed.serialize(example_id="1", x=[0.0] * 3),
    packed.serialize(label=1, x=[0.0] * 3),
    packed.serialize(example_id="1", x=[0.0] * 3, label="one"),
])  # fmt: skip
def test_records_that_are_no_transformed_examples_are_named(tmp_path, record):
    bad = packed.write(tmp_path / "raw.gz", [*packed.examples(3), record])
    with pytest.raises(
        DataError, match=r"raw\.gz must hold tf\.Examples with one text 'example_id' and one integer"
    ):
        pack([bad], tmp_path, "label", packed.OBJECTIVE)
