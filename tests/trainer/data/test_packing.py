import gzip
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.digests import content
from limbeck.errors import DataError
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.packing import pack
from limbeck.trainer.data.runs import Limits
from tests.trainer import packed
from tests.trainer.packed import equal, read

COUNT = 43


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed.pack_all(tmp_path_factory.mktemp("packed") / "all", packed.examples(COUNT))


def shards(tmp_path, cut, name):
    """Writes one file for each piece. The names of the files sort in the order of the pieces."""
    return [packed.write(tmp_path / f"{name}-{number:02}.gz", piece) for number, piece in enumerate(cut)]


def test_batches_depend_neither_on_files_nor_on_the_order_of_files_or_records(tmp_path, folder):
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
        assert pack(files, destination, packed.SPEC, "label", packed.OBJECTIVE) == COUNT
        assert equal(read(str(destination), order), expected)


def test_equal_ids_keep_all_their_examples(tmp_path):
    twice = packed.examples(5) * 2
    folder = packed.pack_all(tmp_path / "twice", twice)
    ids = np.concatenate([features["example_id"] for features, _, _ in read(folder, Order(10, 4, 1, seed=0))])
    assert np.unique(ids, return_counts=True)[1].tolist() == [2] * 5


def test_equal_data_are_equal_bytes_however_they_were_cut_into_files(tmp_path):
    """Once the records were in the order of the files, so a checkpoint of the same data was not found again."""
    # Some rows are there twice, and two different rows share an id.
    serialized = [*packed.examples(COUNT), *packed.examples(9)]
    serialized += [packed.serialize(example_id="0", x=[float(n)] * 3, label=n % 2) for n in (1, 2, 3, 1)]
    contents, digests = [], set()
    for seed in range(4):
        shuffled = [serialized[row] for row in np.random.default_rng(seed).permutation(len(serialized))]
        cut = [shuffled[: 7 * seed], shuffled[7 * seed :]]
        folder = tmp_path / f"packed-{seed}"
        folder.mkdir()
        pack(shards(tmp_path, cut, f"cut-{seed}"), folder, packed.SPEC, "label", packed.OBJECTIVE)
        assert sorted(path.name for path in folder.iterdir()) == [
            "index.npy",
            "layout.json",
            "records.bin",
            "seal.json",
            "stream-0.bin",
        ]
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
        digests.add(content.folder_digest(str(folder)))

    assert all(one == contents[0] for one in contents)
    assert len(digests) == 1
    # In the order of the index, without a gap.
    whole = PackedExamples(Path(folder))
    read_back = whole.read(np.arange(len(whole)))
    assert read_back.rows.tobytes() == contents[0]["records.bin"]
    assert b"".join(read_back.serialized()) == contents[0]["stream-0.bin"]
    assert sorted(read_back.serialized()) == sorted(serialized)
    parsed = tf.io.parse_example(read_back.serialized(), packed.SPEC)
    np.testing.assert_array_equal(whole.column("x", np.arange(len(whole))), parsed["x"])
    assert whole.labelled(np.arange(len(whole))).tolist() == (parsed["label"].numpy() != -1).tolist()


def test_ids_of_any_length_are_sorted_in_parts_as_at_once(tmp_path):
    """Each batch and each run is as wide as its longest id, and many runs are merged a block at a time."""
    numbers = np.random.default_rng(0).integers(0, 300, size=60)
    serialized = [
        packed.serialize(example_id=str(7**n), x=[float(n % 5)] * 3, label=n % 2) for n in numbers.tolist()
    ]
    at_once = Path(packed.pack_all(tmp_path / "at-once", serialized))
    in_parts = Path(packed.pack_all(tmp_path / "in-parts", serialized, limits=Limits(7, 1, 500, open_runs=2)))

    assert {path.name: path.read_bytes() for path in at_once.iterdir()} == {
        path.name: path.read_bytes() for path in in_parts.iterdir()
    }
    whole = PackedExamples(in_parts).read(np.arange(len(serialized))).serialized()
    ids = [tf.train.Example.FromString(one).features.feature["example_id"].bytes_list.value[0] for one in whole]
    assert ids == sorted(str(7**n).encode() for n in numbers.tolist())


def test_a_packed_split_is_read_at_random(folder):
    read_back = PackedExamples(Path(folder))
    assert len(read_back) == COUNT
    rows = np.array([5, 0, 42, 5])
    some, everything = (read_back.read(each).serialized() for each in (rows, np.arange(COUNT)))
    assert some.tolist() == everything[rows].tolist()
    assert sorted(everything) == sorted(packed.examples(COUNT))
    ids = [
        tf.train.Example.FromString(one).features.feature["example_id"].bytes_list.value[0] for one in everything
    ]
    assert ids == sorted(ids)
    assert read_back.read(np.array([], np.int64)).serialized().tolist() == []


def test_a_label_that_the_task_does_not_declare_is_an_error_of_the_data(tmp_path):
    serialized = [*packed.examples(9), packed.serialize(example_id="i", x=[0.0] * 3, label=-2)]
    with pytest.raises(DataError, match=r"^1 of 10 training examples have a label that the task does not declare"):
        packed.pack_all(tmp_path / "unknown", serialized)


@pytest.mark.parametrize("files", [0, 1, 2])
def test_an_empty_split_is_an_error_of_the_data(tmp_path, files):
    empty = shards(tmp_path, [[]] * files, "empty")
    with pytest.raises(DataError, match=r"holds no examples: check data\.path"):
        pack(empty, tmp_path, packed.SPEC, "label", packed.OBJECTIVE)


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
        pack([good, str(bad)], tmp_path, packed.SPEC, "label", packed.OBJECTIVE)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.9999])
def test_a_corrupt_file_is_named(tmp_path, whole_file, place):
    content = bytearray(whole_file)
    content[int(place * len(content))] ^= 0xFF
    bad = tmp_path / "corrupt.gz"
    bad.write_bytes(content)
    with pytest.raises(DataError, match=r"corrupt\.gz is truncated or corrupt"):
        pack([str(bad)], tmp_path, packed.SPEC, "label", packed.OBJECTIVE)


def test_a_file_that_is_not_a_tfrecord_is_named(tmp_path):
    bad = tmp_path / "text.gz"
    bad.write_bytes(gzip.compress(b"a,b\n1,2\n" * 100))
    with pytest.raises(DataError, match=r"text\.gz is truncated or corrupt"):
        pack([str(bad)], tmp_path, packed.SPEC, "label", packed.OBJECTIVE)


@pytest.mark.parametrize("record", [
    b"no example",
    packed.serialize(example_id="1", x=[0.0] * 3),
    packed.serialize(label=1, x=[0.0] * 3),
    packed.serialize(example_id="1", x=[0.0] * 3, label="one"),
])  # fmt: skip
def test_a_file_of_other_records_than_transformed_examples_is_named(tmp_path, record):
    bad = packed.write(tmp_path / "raw.gz", [*packed.examples(3), record])
    with pytest.raises(
        DataError, match=r"raw\.gz must hold tf\.Examples with one text 'example_id', one integer 'label'"
    ):
        pack([bad], tmp_path, packed.SPEC, "label", packed.OBJECTIVE)
