"""Columns against `tf.io.parse_example` of the same examples: equal values, shapes, types and padding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import DamagedDataError, DataError
from limbeck.trainer.data.batches import numbered_batches
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.packing import pack
from tests.trainer import packed

COUNT = 30
DENSE = {
    "picture": tf.io.FixedLenFeature([2, 3], tf.float32),
    "number": tf.io.FixedLenFeature([], tf.float32, default_value=-1.0),
    "integers": tf.io.FixedLenFeature([3], tf.int64),
    "nothing": tf.io.FixedLenFeature([0], tf.float32),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "logits": tf.io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
}
VARIABLE = {
    "label": tf.io.FixedLenFeature([], tf.int64),
    "sparse": tf.io.VarLenFeature(tf.int64),
    "floats": tf.io.VarLenFeature(tf.float32),
    "ragged": tf.io.RaggedFeature(tf.float32, "some"),
    "integers": tf.io.VarLenFeature(tf.int64),
}
OTHERS = VARIABLE | {
    "text": tf.io.FixedLenFeature([], tf.string),
    "texts": tf.io.VarLenFeature(tf.string),
    "matrix": tf.io.SparseFeature("place", "weight", tf.float32, 9),
    "deep": tf.io.RaggedFeature(tf.float32, "picture", [tf.io.RaggedFeature.UniformRowLength(3)]),
}


def example(row: int) -> bytes:
    generator = np.random.default_rng(row)
    found = tf.train.Example()
    feature = found.features.feature
    feature["example_id"].bytes_list.value.append(f"{generator.integers(2**62):020}".encode())
    feature["picture"].float_list.value.extend(generator.standard_normal(6))
    if row % 3:
        feature["number"].float_list.value.append(row / 7)
    feature["integers"].int64_list.value.extend(generator.integers(-(2**62), 2**62, 3).tolist())
    feature["label"].int64_list.value.append(row % 5 - 1)
    feature["logits"].float_list.value.extend(generator.standard_normal(6))
    # Some examples have none, and some leave the feature out.
    if row % 4:
        feature["sparse"].int64_list.value.extend(range(row, row + row % 5))
        feature["floats"].float_list.value.extend(generator.standard_normal(row % 3))
        feature["some"].float_list.value.extend(generator.standard_normal(row % 7))
        feature["texts"].bytes_list.value.extend([b"a", b"\xc3\xa9"] * (row % 3))
        feature["place"].int64_list.value.extend([1, 3])
        feature["weight"].float_list.value.extend([row, 0.5])
    feature["nothing"].float_list.SetInParent()
    feature["text"].bytes_list.value.append(bytes([row]))
    return bytes(found.SerializeToString())


def pack_them(folder: Path, serialized: list[bytes], spec: dict[str, Any]) -> str:
    return str(packed.pack_all(folder, serialized, spec=spec))


def equal(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert sorted(one) == sorted(other)
        for name in one:
            equal(one[name], other[name])
        return
    if isinstance(one, tf.SparseTensor):
        parts = ("indices", "values", "dense_shape")
    elif isinstance(one, tf.RaggedTensor):
        parts = ("flat_values", "nested_row_splits")
    else:
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
        return
    for a, b in zip(
        *(tf.nest.flatten([getattr(each, part) for part in parts]) for each in (one, other)), strict=True
    ):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("batch_size", "partners"), [(1, False), (7, True), (40, False)])
@pytest.mark.parametrize("spec", [DENSE, VARIABLE, OTHERS], ids=["dense", "variable", "others"])
def test_batches_are_what_parse_example_makes_of_them(tmp_path: Path, spec: Any, batch_size: int, partners: bool):
    serialized = [example(row) for row in range(COUNT)]
    folder = pack_them(tmp_path / "packed", serialized, spec)
    key = {"example_id": tf.io.FixedLenFeature([], tf.string)}
    by_id = np.array(
        sorted(serialized, key=lambda one: tf.io.parse_single_example(one, key)["example_id"].numpy()), object
    )
    order = Order(COUNT, batch_size, epochs=2, seed=3)
    for replica in range(2):
        read = numbered_batches(
            folder, order, [replica], 2, spec, start=1, partners=order.partners if partners else None
        )
        found = list(read)

        assert len(found) == order.steps - 1
        for step, (features, counts, positions, *others) in enumerate(found, start=1):
            mine = order.global_batch(step)[order.share(step, replica, 2)]
            np.testing.assert_array_equal(positions, mine)
            if not len(mine):
                # parse_example does not know how many teachers there are if there is no example.
                assert all(len(one) == 0 for one in features.values() if isinstance(one, tf.Tensor))
                continue
            equal(features, tf.io.parse_example(by_id[order.rows(mine)], spec))
            if partners:
                equal(others[0], tf.io.parse_example(by_id[order.partners(mine)], spec))
            labels = tf.io.parse_example(by_id[order.rows(order.global_batch(step))], {"label": spec["label"]})
            assert [float(one) for one in counts[:2]] == [
                len(labels["label"]),
                int((labels["label"].numpy() >= 0).sum()),
            ]
            assert float(counts.progress) == np.float32(order.progress(step))


def test_a_model_is_built_for_the_same_shapes(tmp_path: Path):
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(COUNT)], DENSE)
    read = numbered_batches(folder, Order(COUNT, 8, 1, 0), [0], 1, DENSE)
    shapes = {name: one.shape.as_list() for name, one in read.element_spec[0].items()}
    expected = {name: [None, *kind.shape] for name, kind in DENSE.items()} | {"logits": [None, 3, 2]}
    assert shapes == expected


def test_small_batches_are_looked_up_together_and_great_ones_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(COUNT)], DENSE)
    reads: list[int] = []
    real = PackedExamples.read
    monkeypatch.setattr(
        PackedExamples, "read", lambda self, rows, **named: reads.append(len(rows)) or real(self, rows, **named)
    )
    list(numbered_batches(folder, Order(COUNT, 8, 2, 0), [0], 1, DENSE))
    # 7 batches of 8 in one call, and the last one, of 4. Threads make the calls, so either may be first.
    assert sorted(reads) == [4, 56]
    reads.clear()
    monkeypatch.setattr("limbeck.trainer.data.batches._CHUNK_BYTES", 1)
    list(numbered_batches(folder, Order(COUNT, 8, 1, 0), [0], 1, DENSE))
    assert sorted(reads) == [6, *[8] * 3]


def test_soft_targets_of_different_numbers_of_teachers_are_refused(tmp_path: Path):
    other = tf.train.Example.FromString(example(COUNT))
    other.features.feature["logits"].float_list.value.append(1.0)
    with pytest.raises(DataError, match=r"equally many values of 'logits', but some have 6, and some 7"):
        pack_them(tmp_path / "packed", [example(1), other.SerializeToString()], DENSE)


def test_a_feature_that_was_not_packed_is_refused(tmp_path: Path):
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(3)], {"label": DENSE["label"]})
    with pytest.raises(DataError, match=r"packed without 'picture'"):
        numbered_batches(folder, Order(3, 2, 1, 0), [0], 1, {"picture": DENSE["picture"]})


@pytest.mark.parametrize("file", ["records.bin", "stream-0.bin", "stream-1.bin"])
def test_every_changed_bit_is_found(tmp_path: Path, file: str):
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(5)], VARIABLE)
    path = Path(folder) / file
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(DamagedDataError, match=rf"1 of the packed examples in .* the file {file} was changed"):
            PackedExamples(folder).read(np.arange(5))


def test_swapped_words_and_top_bits_are_found(tmp_path: Path):
    """A plain sum of words, or of their multiples, has the same value for both."""
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(5)], DENSE)
    path = Path(folder) / "records.bin"
    words = np.frombuffer(path.read_bytes(), np.uint64).copy()
    for changed in (words[[1, 0, *range(2, len(words))]], words ^ (np.uint64(1) << np.uint64(63))):
        path.write_bytes(changed.tobytes())
        with pytest.raises(DamagedDataError):
            PackedExamples(folder).read(np.arange(1))


@pytest.mark.parametrize("change", [
    lambda layout: layout["columns"].reverse(),
    lambda layout: layout["columns"].pop(),
    lambda layout: layout["columns"][0].update(dtype="float64"),
    lambda layout: layout["columns"].append(layout["columns"][0]),
])  # fmt: skip
def test_another_layout_is_never_taken_for_the_packed_one(tmp_path: Path, change: Any):
    folder = pack_them(tmp_path / "packed", [example(row) for row in range(5)], DENSE)
    path = Path(folder) / "layout.json"
    layout = json.loads(path.read_text())
    change(layout)
    path.write_text(json.dumps(layout, sort_keys=True))
    with pytest.raises(DamagedDataError, match="not those that were packed"):
        PackedExamples(folder).read(np.arange(5))


def test_the_place_in_the_files_changes_no_byte_of_variable_columns(tmp_path: Path):
    serialized = [example(row) for row in range(COUNT)]
    folders = [
        Path(pack_them(tmp_path / name, some, VARIABLE))
        for name, some in (("one", serialized), ("other", serialized[::-1]))
    ]
    names = [
        "index.npy",
        "layout.json",
        "records.bin",
        "stream-0.bin",
        "stream-1.bin",
        "stream-2.bin",
        "stream-3.bin",
    ]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_no_file_holds_objects_of_python(tmp_path: Path):
    folder = Path(pack_them(tmp_path / "packed", [example(row) for row in range(COUNT)], OTHERS))
    assert np.load(folder / "index.npy", allow_pickle=False).dtype.hasobject is False
    assert pack.__module__ and not any(b"\x80\x04\x95" in path.read_bytes() for path in folder.glob("*.npy"))
