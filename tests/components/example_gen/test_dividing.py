"""One input divided among the splits, through the real executor, against a division with NumPy of the same rows."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from pyarrow import parquet
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.proto import example_gen_pb2
from tfx.utils import proto_utils

from limbeck.components.example_gen import input_notes, label_counts
from limbeck.components.example_gen.declaration import Declared
from limbeck.components.example_gen.division import Division
from limbeck.components.example_gen.executor import CsvExecutor, ParquetExecutor, TFRecordExecutor
from limbeck.components.example_gen.options import Options, to_custom_config
from limbeck.errors import DataError
from limbeck.examples import SPLITS
from tests.components.example_gen import test_executor
from tests.components.example_gen.tables import features_of

pytestmark = pytest.mark.long

DECLARATION = {
    "a": Declared("number"),
    "b": Declared("text"),
    "y": Declared("integer", classes=("0", "1"), label=True),
}
ROWS = 400
Split = dict[str, list[dict[str, Any]]]


def table(rows: int = ROWS) -> dict[str, list[Any]]:
    numbers = np.random.default_rng(0)
    return {
        "id": list(range(rows)),
        "a": [float(np.float32(one)) for one in numbers.normal(size=rows)],
        "b": [f"w{one}" for one in numbers.integers(50, size=rows)],
        "customer": [f"c{one}" for one in numbers.integers(60, size=rows)],
        "day": [f"2026-{1 + one % 12:02}-{1 + one % 28:02}" for one in numbers.integers(300, size=rows)],
        "y": [int(one) for one in numbers.integers(2, size=rows)],
    }


def csv_text(columns: dict[str, list[Any]], rows: Any = None) -> str:
    rows = range(len(columns["a"])) if rows is None else rows
    lines = [",".join(columns), *(",".join(str(some[row]) for some in columns.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def properties(folder: Path, base: Path, options: Options, unlabelled: Path | None = None) -> dict[str, Any]:
    given = test_executor.properties(folder)
    whole = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="")])
    output = example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(
            splits=[example_gen_pb2.SplitConfig.Split(name=split, hash_buckets=1) for split in SPLITS]
        )
    )
    return given | {
        "input_base": str(base),
        "input_config": proto_utils.proto_to_json(whole),
        "output_config": proto_utils.proto_to_json(output),
        "custom_config": proto_utils.proto_to_json(to_custom_config(options)),
        **({} if unlabelled is None else {"data_unlabelled": str(unlabelled)}),
    }


def run(
    folder: Path,
    base: Path,
    division: Division,
    executor: type[BaseExampleGenExecutor] = CsvExecutor,
    *,
    unlabelled: Path | None = None,
    declaration: Any = None,
) -> Split:
    options = Options(declaration=declaration or DECLARATION, division=division, labels=("y",))
    folder.mkdir(exist_ok=True)
    found = test_executor.run(executor, folder, properties(folder, base, options, unlabelled))
    return {
        split: [features_of(tf.train.Example.FromString(one)) for one in some] for split, some in found.items()
    }


def ids(split: Split) -> dict[str, set[int]]:
    return {name: {one["id"][0] for one in some} for name, some in split.items()}


def notes(folder: Path) -> str:
    return "\n".join(input_notes.read(str(folder / "examples")))


def reference(columns: dict[str, list[Any]], names: list[str]) -> dict[str, set[int]]:
    """The ids in each split, for values whose text is that of `str`, but for floats that are no integers."""

    def hashed(row: int) -> float:
        texts = (
            (name, repr(columns[name][row]) if name == "a" else str(columns[name][row])) for name in sorted(names)
        )
        whole = "".join(f"{len(name)}:{name}{len(text)}:{text}" for name, text in texts)
        return int.from_bytes(hashlib.blake2b(whole.encode(), digest_size=8).digest(), "big") / 2**64

    shares = np.array([hashed(row) for row in range(len(columns["id"]))])
    places = np.digitize(shares, [0.7, 0.85])
    return {split: set(np.flatnonzero(places == place).tolist()) for place, split in enumerate(SPLITS)}


CONTENT = Division("0.7/0.15/0.15")


def test_rows_are_divided_by_a_hash_of_their_content_without_the_label(tmp_path: Path):
    columns = table()
    (tmp_path / "one.csv").write_text(csv_text(columns))
    expected = reference(columns, ["id", "a", "b", "customer", "day"])

    assert ids(run(tmp_path / "run", tmp_path / "one.csv", CONTENT)) == expected
    assert all(len(some) > 30 for some in expected.values())
    assert f"train has {len(expected['train'])} of 400 examples" in notes(tmp_path / "run")
    counted = label_counts.read(str(tmp_path / "run" / "examples")).splits
    assert {split: one.examples for split, one in counted.items()} == {
        split: len(some) for split, some in expected.items()
    }


@pytest.mark.parametrize("executor", [CsvExecutor, ParquetExecutor, TFRecordExecutor])
def test_order_number_compression_and_format_of_files_do_not_matter(
    tmp_path: Path, executor: type[BaseExampleGenExecutor]
):
    columns = table(150)
    order = np.random.default_rng(1).permutation(150).tolist()
    data = tmp_path / "data"
    data.mkdir()
    for number, rows in enumerate((order[:20], order[20:])):
        if executor is CsvExecutor:
            (data / f"{number}").write_bytes(gzip.compress(csv_text(columns, rows).encode()))
        elif executor is ParquetExecutor:
            parquet.write_table(pa.table(columns).take(rows), data / f"{number}")
        else:
            with tf.io.TFRecordWriter(str(data / f"{number}"), "GZIP" if number else "") as writer:
                for row in rows:
                    writer.write(record({name: some[row] for name, some in columns.items()}))
    base = data / "*" if executor is CsvExecutor else data

    found = ids(run(tmp_path / "run", base, CONTENT, executor))
    assert found == reference(columns, ["id", "a", "b", "customer", "day"])


def record(row: dict[str, Any]) -> bytes:
    example = tf.train.Example()
    for name, value in row.items():
        feature = example.features.feature[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.int64_list.value.append(value)
    return bytes(example.SerializeToString())


def test_a_group_is_in_one_split(tmp_path: Path):
    columns = table()
    columns["customer"][7] = columns["customer"][8] = ""
    (tmp_path / "one.csv").write_text(csv_text(columns))
    expected = reference(columns, ["customer"])
    alone = reference(columns, ["id", "a", "b", "day"])
    for row in (7, 8):
        for split in SPLITS:
            (expected[split].add if row in alone[split] else expected[split].discard)(row)

    found = ids(run(tmp_path / "run", tmp_path / "one.csv", Division("0.7/0.15/0.15", group="customer")))

    assert found == expected
    assert "data.group=customer: 2 of 400 rows have no value of it" in notes(tmp_path / "run")


def test_the_oldest_rows_train_and_the_newest_test(tmp_path: Path):
    columns = table()
    (tmp_path / "one.csv").write_text(csv_text(columns))
    days = np.array(columns["day"], "datetime64[D]")
    older = np.searchsorted(np.sort(days), days, side="left")
    places = (older >= 0.7 * ROWS).astype(int) + (older >= 0.85 * ROWS)

    found = ids(run(tmp_path / "run", tmp_path / "one.csv", Division("0.7/0.15/0.15", time="day")))

    assert found == {split: set(np.flatnonzero(places == place).tolist()) for place, split in enumerate(SPLITS)}
    assert f"validation begins at {min(days[sorted(found['validation'])])}" in notes(tmp_path / "run")


def test_unlabelled_rows_join_the_training_split_alone(tmp_path: Path):
    columns = table()
    (tmp_path / "one.csv").write_text(csv_text(columns))
    group = reference(columns, ["customer"])
    held_out, known = sorted(group["test"])[:3], sorted(group["train"])[:2]
    fresh = {"id": 5000, "a": 0.5, "b": "new", "customer": columns["customer"][known[0]], "y": "?"}
    lines = [
        fresh,
        fresh | {"id": 5001, "customer": columns["customer"][held_out[0]]},
        fresh | {"id": 5002, "y": ""},
    ]
    for number, row in enumerate((*held_out, *known)):
        # What the models see of a row, under another id and in another group.
        lines.append(fresh | {"id": 6000 + number, "a": columns["a"][row], "b": columns["b"][row]})
    (tmp_path / "more.csv").write_text(csv_text({name: [one[name] for one in lines] for name in fresh}))

    found = run(
        tmp_path / "run",
        tmp_path / "one.csv",
        Division("0.7/0.15/0.15", group="customer"),
        unlabelled=tmp_path / "more.csv",
    )

    joined = [one for one in found["train"] if one["id"][0] >= 5000]
    assert {one["id"][0] for one in joined} == {5000, 5002, 6003, 6004}
    assert all("y" not in one for one in joined)
    assert {split: some - {5000, 5002, 6003, 6004} for split, some in ids(found).items()} == group
    told = notes(tmp_path / "run")
    assert "4 of 8 rows joined the training split" in told
    assert "3 rows were left out, because their features equal" in told
    assert "1 rows were left out, because their value of 'customer'" in told
    assert "7 rows hold a label" in told
    counted = label_counts.read(str(tmp_path / "run" / "examples")).splits
    assert (counted["train"].unlabelled, counted["test"].unlabelled) == (4, 0)
    assert f"train has {len(group['train'])} of 400" in told


def test_unlabelled_rows_without_a_feature_of_the_others_are_refused(tmp_path: Path):
    """The feature was misspelt in the second file. Each of its rows counted as a gap, and the run ended with 0."""
    columns = table()
    (tmp_path / "one.csv").write_text(csv_text(columns))
    (tmp_path / "more.csv").write_text(csv_text(columns).replace("a,", "A,", 1))
    with pytest.raises(
        DataError, match=r"more\.csv: rows without a label must have .* no column 'a'.*Did you mean 'A'"
    ):
        run(tmp_path / "run", tmp_path / "one.csv", Division("0.7/0.15/0.15"), unlabelled=tmp_path / "more.csv")


@pytest.mark.parametrize("executor", [ParquetExecutor, TFRecordExecutor])
def test_unlabelled_rows_join_folders_too(tmp_path: Path, executor: type[BaseExampleGenExecutor]):
    rows = [{"a": float(number), "b": "w", "y": 0} for number in range(6)]
    more = [{"a": 4.0, "b": "w", "y": 1}, {"a": 9.0, "b": "w", "y": 1}]
    for place, some in {"train": rows[:2], "validation": rows[2:4], "test": rows[4:], "more": more}.items():
        folder = tmp_path / ("more" if place == "more" else f"data/{place}")
        folder.mkdir(parents=True)
        if executor is ParquetExecutor:
            parquet.write_table(pa.Table.from_pylist(some), folder / "part")
        else:
            with tf.io.TFRecordWriter(str(folder / "part")) as writer:
                for row in some:
                    writer.write(record(row))
    given = test_executor.properties(tmp_path, *SPLITS, options=Options(declaration=DECLARATION, labels=("y",)))
    found = test_executor.run(executor, tmp_path, given | {"data_unlabelled": str(tmp_path / "more")})
    split = {name: [features_of(tf.train.Example.FromString(one)) for one in some] for name, some in found.items()}

    assert sorted((one["a"][0], "y" in one) for one in split["train"]) == [(0.0, True), (1.0, True), (9.0, False)]
    assert [sorted(one["a"][0] for one in split[name]) for name in ("validation", "test")] == [
        [2.0, 3.0],
        [4.0, 5.0],
    ]
    assert "1 of 2 rows joined" in notes(tmp_path)


MISTAKES: list[tuple[Division, str, str]] = [
    (
        Division("0.8/0.1/0.1", group="custmer"),
        "customer,a\nc1,1\nc2,2\n",
        r"data\.group names the column 'custmer', but no row has a value of it\. Did you mean 'customer'\?",
    ),
    (
        Division("0.8/0.1/0.1", time="dy"),
        "day,a\n1,1\n",
        r"one\.csv: the settings of data name the column 'dy', which is not there\. Did you mean 'day'\?",
    ),
    (
        Division("0.8/0.1/0.1", time="day"),
        "day,a\n2026-01-01,1\n,2\n,3\n",
        r"data\.time needs a value of 'day' in every row, but 2 of 3 rows have none \(first in .*one\.csv:3\)",
    ),
    (
        Division("0.8/0.1/0.1", time="day"),
        "day,a\n2026-01-01,1\n20260102,2\n",
        r"holds dates \(.*one\.csv:2\) and numbers \(.*one\.csv:3\)",
    ),
    (
        Division("0.8/0.1/0.1", time="day"),
        "day,a\n31 May,1\n",
        r"one\.csv:2: data\.time names the column 'day', which must hold numbers, or dates .* but holds '31 May'",
    ),
    (
        Division("0.8/0.1/0.1", time="day"),
        "day,a\n" + "2026-01-01,1\n" * 10,
        r"leaves a split without an example: train has 10 of 10 examples \(100\.0%\), validation has 0 .*"
        r"rows of one time stay together",
    ),
    (
        Division("0.8/0.1/0.1"),
        "a\n" + "1\n" * 10,
        r"data\.split=0\.8/0\.1/0\.1 leaves a split without an example: .* few rows",
    ),
]


@pytest.mark.parametrize(("division", "text", "message"), MISTAKES)
def test_what_cannot_be_divided_is_told_with_counts_and_places(
    tmp_path: Path, division: Division, text: str, message: str
):
    (tmp_path / "one.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        run(tmp_path / "run", tmp_path / "one.csv", division, declaration={"a": Declared("number")})


def test_folders_are_no_files_to_divide(tmp_path: Path):
    (tmp_path / "data" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match=r"matches the folder .*/data/train, but must match files"):
        run(tmp_path / "run", tmp_path / "data", CONTENT)


def test_data_in_an_object_store_are_divided_alike(tmp_path: Path, bucket: str):
    from limbeck import files

    columns = table(100)
    files.write_text(f"s3://{bucket}/raw/one.csv", csv_text(columns))
    expected = reference(columns, ["id", "a", "b", "customer", "day"])
    for number, base in enumerate(("raw/one.csv", "raw", "raw/*.csv")):
        options = Options(declaration=DECLARATION, division=CONTENT, labels=("y",))
        folder = tmp_path / str(number)
        folder.mkdir()
        given = properties(folder, Path(), options) | {"input_base": f"s3://{bucket}/{base}"}
        found = test_executor.run(CsvExecutor, folder, given)
        read = {s: [features_of(tf.train.Example.FromString(one)) for one in some] for s, some in found.items()}
        assert ids(read) == expected
