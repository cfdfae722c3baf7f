"""Whole executors on Beam, run from a serialized invocation as in a container."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from pyarrow import parquet
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from limbeck import files
from limbeck.components.example_gen.blocks import serialize
from limbeck.components.example_gen.declaration import Declared
from limbeck.components.example_gen.executor import CsvExecutor, ParquetExecutor, TFRecordExecutor
from limbeck.components.example_gen.options import Options, to_custom_config
from limbeck.errors import ConfigError, DataError
from limbeck.settings.beam import BeamConfig
from tests.components import rehearsal
from tests.components.example_gen.tables import Features, features_of

pytestmark = pytest.mark.long


def in_order(features: Features) -> str:
    """The place of an example, whatever the order in which a process lists its features."""
    return repr(sorted(features.items()))


def write(folder: Path, **files: str | bytes | pa.Table) -> None:
    """Writes files named `split__file`."""
    for name, content in files.items():
        path = folder / "data" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def properties(
    folder: Path, *splits: str, options: Options | None = None, output: dict[str, int] | None = None
) -> dict[str, Any]:
    inputs = [example_gen_pb2.Input.Split(name=split, pattern=f"{split}/*") for split in splits]
    buckets = [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=number)
        for name, number in (output or {}).items()
    ]
    config = example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=buckets))
    return {
        "input_base": str(folder / "data"),
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=inputs)),
        "output_config": proto_utils.proto_to_json(config if output else example_gen_pb2.Output()),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        "custom_config": proto_utils.proto_to_json(to_custom_config(options or Options())),
    }


def run(executor: type[BaseExampleGenExecutor], folder: Path, given: dict[str, Any]) -> dict[str, list[bytes]]:
    """The serialized examples of each split."""
    made = rehearsal.artifact(standard_artifacts.Examples, folder / "examples")
    output = rehearsal.run(executor, {}, {"examples": made}, given, folder)
    [written] = output.output_artifacts["examples"].artifacts
    made.mlmd_artifact.CopyFrom(written)
    return {path.name.removeprefix("Split-"): records(path) for path in (folder / "examples").glob("Split-*")}


def records(split: Path) -> list[bytes]:
    files = [str(path) for path in split.iterdir()]
    return [record.numpy() for record in tf.data.TFRecordDataset(files, compression_type="GZIP")]


def decoded(serialized: list[bytes]) -> list[Features]:
    return sorted((features_of(tf.train.Example.FromString(one)) for one in serialized), key=in_order)


def test_a_csv_column_has_one_kind_in_all_files_and_splits(tmp_path: Path):
    write(
        tmp_path,
        train__a='"x, y",zip,t\n1,007,one\n,,\n',
        train__b=gzip.compress(b'\xef\xbb\xbf"x, y",zip,t\n3,008,"two\nlines"\n'),
        train___SUCCESS="",
        test__a='"x, y",zip\n0.5,009\n',
    )

    examples = run(
        CsvExecutor,
        tmp_path,
        properties(tmp_path, "train", "test", options=Options("", "utf-8", {"zip": Declared("text")})),
    )

    assert decoded(examples["train"]) == sorted(
        [
            {"x, y": [1.0], "zip": [b"007"], "t": [b"one"]},
            {},
            {"x, y": [3.0], "zip": [b"008"], "t": [b"two\nlines"]},
        ],
        key=in_order,
    )
    assert decoded(examples["test"]) == [{"x, y": [0.5], "zip": [b"009"]}]


def test_another_encoding_is_read_where_the_options_name_it(tmp_path: Path):
    write(tmp_path, train__a="größe\nweiß\n".encode("latin-1"))
    examples = run(CsvExecutor, tmp_path, properties(tmp_path, "train", options=Options(encoding="latin-1")))
    assert decoded(examples["train"]) == [{"größe": ["weiß".encode()]}]


def test_a_header_alone_makes_an_empty_split(tmp_path: Path):
    write(tmp_path, train__a="a\n1\n", test__a="a\n")
    examples = run(CsvExecutor, tmp_path, properties(tmp_path, "train", "test"))
    assert (decoded(examples["train"]), examples["test"]) == ([{"a": [1]}], [])


def test_parquet_keeps_zeros_and_one_kind_a_column(tmp_path: Path):
    write(
        tmp_path,
        train__a=pa.table({"n": [0, None], "t": ["", None]}),
        test__a=pa.table({"n": [0.0, 2.5], "t": pa.array([None, "x"])}),
    )
    examples = run(ParquetExecutor, tmp_path, properties(tmp_path, "train", "test"))

    assert decoded(examples["train"]) == sorted([{"n": [0.0], "t": [b""]}, {}], key=in_order)
    assert decoded(examples["test"]) == sorted([{"n": [0.0]}, {"n": [2.5], "t": [b"x"]}], key=in_order)


def scrambled() -> tuple[bytes, bytes]:
    """One example in two orders of its features."""
    parts = []
    for name in ("b", "a"):
        one = tf.train.Example()
        one.features.feature[name].int64_list.value.append(0)
        parts.append(one.SerializeToString())
    bodies = [part[2:] for part in parts]
    length = bytes([len(bodies[0]) * 2])
    return b"\x0a" + length + bodies[0] + bodies[1], b"\x0a" + length + bodies[1] + bodies[0]


def test_tfrecords_come_out_in_one_order_of_features(tmp_path: Path):
    one, other = scrambled()
    assert one != other
    write(tmp_path, train__a=b"", train__b=b"")
    for name, record, compression in (("a", one, ""), ("b", other, "GZIP")):
        with tf.io.TFRecordWriter(str(tmp_path / "data" / "train" / name), compression) as writer:
            writer.write(record)

    examples = run(TFRecordExecutor, tmp_path, properties(tmp_path, "train"))

    assert examples["train"] == [serialize(tf.train.Example.FromString(one))] * 2
    assert decoded(examples["train"]) == [{"a": [0], "b": [0]}] * 2


def test_hash_buckets_divide_one_split_by_the_value_of_a_feature(tmp_path: Path):
    write(tmp_path, all__a="id,n\n" + "".join(f"{number % 10},{number}\n" for number in range(100)))
    given = properties(tmp_path, "all", output={"fit": 2, "judge": 1})
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(given["output_config"], config)
    config.split_config.partition_feature_name = "id"
    given["output_config"] = proto_utils.proto_to_json(config)

    examples = {split: decoded(found) for split, found in run(CsvExecutor, tmp_path, given).items()}

    ids = {split: {one["id"][0] for one in found} for split, found in examples.items()}
    assert ids["fit"] | ids["judge"] == set(range(10))
    assert not ids["fit"] & ids["judge"]
    assert sorted(one["n"][0] for found in examples.values() for one in found) == list(range(100))


MISTAKES: list[tuple[type[BaseExampleGenExecutor], dict[str, Any], str]] = [
    (
        CsvExecutor,
        {"train__a": "a,b\n1,2\n", "train__b": "a,b\n1,2\n\n3\n"},
        "{data}/train/b:4: expected 2 fields as in the header, received 1: a field without a value needs its "
        "comma too, and a field that holds a line break must be in double quotes",
    ),
    (
        CsvExecutor,
        {"train__a": "a,b\n1,2,3\n"},
        "{data}/train/a:2: expected 2 fields as in the header, received 3: a field that holds a comma or a line "
        "break must be in double quotes",
    ),
    (
        CsvExecutor,
        {"train__a": "a,b\n1,2\n", "train__b": "a,c\n1,2\n"},
        "files of one split must have the same columns, but {data}/train/a has also 'b' and {data}/train/b has "
        "also 'c'",
    ),
    (
        CsvExecutor,
        {"train__a": "na\nß\n".encode("latin-1")},
        "{data}/train/a:2: the bytes at offset 3 are not utf-8: save the file as utf-8, or set data.encoding to "
        "the one it is in (`tasks new` takes --encoding)",
    ),
    (
        ParquetExecutor,
        {"train__a": pa.table({"a": [1]}), "train__b": pa.table({"a": ["x"]})},
        "column 'a' must be of one type in all files, but holds numbers in {data}/train/a and text in "
        "{data}/train/b: write one of them again",
    ),
    (
        TFRecordExecutor,
        {"train__a": b"0123456789abcdef"},
        "{data}/train/a: the record at byte 0 is not a TFRecord: the checksum of its length is wrong. "
        "Is data.format right?",
    ),
    (
        CsvExecutor,
        {"other__a": "a\n"},
        "no file matches {data}/train/*: check the folder's name; files named .* and _* do not count",
    ),
]


@pytest.mark.parametrize(("executor", "files", "message"), MISTAKES)
def test_a_mistake_in_the_data_reaches_the_caller_as_it_was_said(
    tmp_path: Path, executor: type[BaseExampleGenExecutor], files: dict[str, Any], message: str
):
    write(tmp_path, **files)
    with pytest.raises(DataError) as raised:
        run(executor, tmp_path, properties(tmp_path, "train"))
    assert str(raised.value) == message.format(data=tmp_path / "data")


def test_a_missing_span_is_told_about_padding(tmp_path: Path):
    write(tmp_path, other__a="a\n")
    with pytest.raises(DataError, match=r"no file matches .*Span 5 was asked for: .* need \{SPAN:width\}$"):
        run(CsvExecutor, tmp_path, properties(tmp_path, "train") | {"span": 5})


def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path):
    write(tmp_path, train__a="a\n")
    with pytest.raises(ConfigError, match="received 'klingon'"):
        run(CsvExecutor, tmp_path, properties(tmp_path, "train", options=Options(encoding="klingon")))


@pytest.mark.processes
def test_a_mistake_crosses_from_another_process_as_it_was_said(tmp_path: Path):
    write(tmp_path, train__a='a,b\n1,"ß\n', train__b="a,b\n1,2\n")
    made = rehearsal.artifact(standard_artifacts.Examples, tmp_path / "examples")
    arguments = list(BeamConfig(workers=2).flags())
    executor = CsvExecutor(BaseBeamExecutor.Context(beam_pipeline_args=arguments, tmp_dir=str(tmp_path)))

    with pytest.raises(DataError) as raised:
        executor.Do({}, {"examples": [made]}, properties(tmp_path, "train"))
    assert str(raised.value) == (
        f"{tmp_path}/data/train/a:2: the row that begins here is not CSV (unexpected end of data): quotes within "
        "a quoted field are doubled, and every quote is closed"
    )


def test_what_the_task_declares_is_asserted_on_every_example(tmp_path: Path):
    def record(**values: list[Any]) -> bytes:
        features = {
            name: tf.train.Feature(int64_list=tf.train.Int64List(value=listed))
            if isinstance(listed[0], int)
            else tf.train.Feature(float_list=tf.train.FloatList(value=listed))
            for name, listed in values.items()
        }
        return bytes(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())

    for split, given in {
        "train": [record(a=[1], y=[0]), record(a=[0.5, 0.5], y=[2])],
        "test": [record(a=[float("nan")], y=[1])],
    }.items():
        (tmp_path / "data" / split).mkdir(parents=True)
        with tf.io.TFRecordWriter(str(tmp_path / "data" / split / "d.tfrecord")) as writer:
            for one in given:
                writer.write(one)
    declaration = {"a": Declared("number"), "y": Declared("integer", classes=("no", "yes"), label=True)}

    with pytest.raises(DataError) as refused:
        run(
            TFRecordExecutor,
            tmp_path,
            properties(tmp_path, "train", "test", options=Options(declaration=declaration)),
        )

    lines = str(refused.value).splitlines()
    assert len(lines) == 4
    assert "split 'test', feature 'a': 1 of 1 examples hold NaN" in lines[1]
    assert "split 'train', feature 'a': 1 of 2 examples hold 2 values" in lines[2]
    assert "split 'train', feature 'y': 1 of 2 examples hold the label 2" in lines[3]
    assert "train/d.tfrecord, record 2" in lines[3]


@pytest.mark.parametrize(
    ("executor", "scheme"), [(CsvExecutor, "s3"), (ParquetExecutor, "s3"), (TFRecordExecutor, "minio")]
)
def test_data_in_an_object_store_give_the_same_examples(
    executor: type[BaseExampleGenExecutor], scheme: str, tmp_path: Path, bucket: str
):
    table = pa.table({"number": list(range(50)), "text": [f"{n:03}" for n in range(50)]})
    parts = {"train": table.slice(0, 40), "test": table.slice(40)}
    if executor is ParquetExecutor:
        write(tmp_path, **{f"{split}__part": part for split, part in parts.items()})
    elif executor is CsvExecutor:
        for split, part in parts.items():
            lines = [f"{row['number']},{row['text']}" for row in part.to_pylist()]
            write(tmp_path, **{f"{split}__part": "\n".join(["number,text", *lines])})
    else:
        for split, part in parts.items():
            (tmp_path / "data" / split).mkdir(parents=True)
            with tf.io.TFRecordWriter(str(tmp_path / "data" / split / "part")) as writer:
                for number in part["number"].to_pylist():
                    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))
                    features = tf.train.Features(feature={"number": feature})
                    writer.write(tf.train.Example(features=features).SerializeToString())
    files.copy_folder(tmp_path / "data", f"{scheme}://{bucket}/raw/data")
    given = properties(tmp_path, "train", "test")
    local = run(executor, tmp_path, given)
    remote = run(executor, tmp_path / "remote", given | {"input_base": f"{scheme}://{bucket}/raw/data"})

    assert {split: len(some) for split, some in remote.items()} == {"train": 40, "test": 10}
    assert {split: sorted(some) for split, some in remote.items()} == {
        split: sorted(some) for split, some in local.items()
    }
