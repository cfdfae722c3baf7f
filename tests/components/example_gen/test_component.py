"""The node: what it tells TFX, and whole runs of it with spans and TFX's cache."""

import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components import FileBasedExampleGen
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from limbeck.components.example_gen import executor
from limbeck.components.example_gen.component import Source, example_gen, executor_name
from limbeck.components.example_gen.declaration import Declared
from limbeck.components.example_gen.division import Division
from limbeck.components.example_gen.options import Options, from_custom_config, to_custom_config
from limbeck.digests.code import dependencies
from limbeck.errors import ConfigError, DataError
from limbeck.examples import SPLITS
from limbeck.settings.data import DataConfig
from tests.components.example_gen.test_executor import decoded, records

DECLARATION = {"a": Declared("number"), "b": Declared("text")}


def told(node: Any, key: str, kind: type[Message]) -> Any:
    """A property of the node, read as the driver and the executor do."""
    message = kind()
    proto_utils.json_to_proto(node.spec.exec_properties[key], message)
    return message


def patterns(node: Any) -> list[str]:
    return [split.pattern for split in told(node, "input_config", example_gen_pb2.Input).splits]


def test_the_node_is_a_stock_one_with_an_executor_of_ours():
    node = example_gen(Source("/data", "parquet", ["train", "test"]), Options())

    assert isinstance(node, FileBasedExampleGen)
    assert node.id == "ExampleGen"
    assert node.executor_spec.executor_class is executor.ParquetExecutor
    assert node.spec.exec_properties["input_base"] == "/data"
    assert patterns(node) == ["train/*", "test/*"]
    assert told(node, "output_config", example_gen_pb2.Output) == example_gen_pb2.Output()
    assert node.spec.exec_properties["range_config"] is None


@pytest.mark.parametrize(
    ("data", "base", "pattern"),
    [
        ("/data", "/data", "train/*"),
        ("/a/day-{SPAN}", "/a", "day-{SPAN}/train/*"),
        ("/a/{SPAN:3}/v{VERSION}/", "/a", "{SPAN:3}/v{VERSION}/train/*"),
        ("/{SPAN}", "/", "{SPAN}/train/*"),
        ("{SPAN}", ".", "{SPAN}/train/*"),
        ("gs://bucket/{YYYY}/{MM}-{DD}/x", "gs://bucket", "{YYYY}/{MM}-{DD}/x/train/*"),
        ("/a/{other}", "/a/{other}", "train/*"),
    ],
)
def test_placeholders_go_into_the_pattern_where_tfx_looks_for_them(data: str, base: str, pattern: str):
    node = example_gen(Source(data, "csv", ["train"]), Options())
    assert node.spec.exec_properties["input_base"] == base
    assert patterns(node) == [pattern]


def test_a_span_of_ones_own_is_a_range_of_one():
    node = example_gen(Source("/{SPAN}", "csv", ["train"], span=0), Options())
    chosen = told(node, "range_config", range_config_pb2.RangeConfig)
    assert chosen.HasField("static_range")
    assert (chosen.static_range.start_span_number, chosen.static_range.end_span_number) == (0, 0)


def test_options_come_back_from_the_property():
    options = Options("digest", "cp1252", {"größe": Declared("text"), 'a"b': Declared("number", 3)})
    assert from_custom_config(proto_utils.proto_to_json(to_custom_config(options))) == options
    assert from_custom_config(None) == Options()


def test_only_csv_is_told_of_the_encoding():
    given = Options("digest", "cp1252", DECLARATION)
    for source, expected in (
        (Source("/data", "csv"), given),
        (Source("/data", "tfrecord"), Options("digest", declaration=DECLARATION)),
    ):
        node = example_gen(source, given)
        assert from_custom_config(node.spec.exec_properties["custom_config"]) == expected


READERS = {"csv": "csv_files", "parquet": "parquet_files", "tfrecord": "tfrecord_files"}


@pytest.mark.parametrize("format_", READERS)
def test_the_digest_covers_the_reader_of_its_format_and_no_other(format_: Any):
    names = " ".join(dependencies([executor_name(format_)]))

    found = {one for one in READERS.values() if f"limbeck.components.example_gen.{one}" in names}
    assert found == {READERS[format_]}
    assert "limbeck.components.example_gen.files:open_file" in names


@pytest.mark.parametrize("path", ["/d/{SPAN}", "/d/{SPAN:2}", "/d/{YYYY}-{MM}-{DD}"])
def test_a_span_needs_a_placeholder(path: str):
    assert DataConfig(path=path, span=3).span == 3
    for without in ("/d/{VERSION}", "/d", None):
        with pytest.raises(ConfigError, match=r"^data\.span=3 chooses among folders .*: write \{SPAN\} instead"):
            DataConfig(path=without, span=3)


USUAL = Options()


class Runs:
    """A pipeline of this one node, run again and again on one metadata store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.store = metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))

    def write(self, span: str, value: int) -> None:
        for split in ("train", "test"):
            (self.data / span / split).mkdir(parents=True)
            (self.data / span / split / "part.csv").write_text(f"value\n{value}\n")

    def __call__(self, path: str, options: Options = USUAL, **source: Any) -> tuple[str, dict[str, Any]]:
        """Runs, and returns whether the node was `COMPLETE` or `CACHED`, and the values by split."""
        splits = ["train", "test"] if options.division is None else SPLITS
        node = example_gen(Source(f"{self.data}/{path}", "csv", splits, **source), options)
        LocalDagRunner().run(
            Pipeline(
                pipeline_name="mini",
                pipeline_root=str(self.folder / "root"),
                components=[node],
                enable_cache=True,
                metadata_connection_config=self.store,
            )
        )
        store = MetadataStore(self.store)
        execution = max(store.get_executions(), key=lambda one: one.id)
        [event] = store.get_events_by_execution_ids([execution.id])
        [artifact] = store.get_artifacts_by_id([event.artifact_id])
        state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
        splits = artifact_utils.decode_split_names(artifact.properties["split_names"].string_value)
        return state, {split: decoded(records(Path(artifact.uri) / f"Split-{split}")) for split in splits}


def both(value: int) -> dict[str, Any]:
    return {split: [{"value": [value]}] for split in ("train", "test")}


@pytest.mark.pipeline
def test_the_newest_span_is_taken_or_the_one_that_was_asked_for(tmp_path: Path):
    run = Runs(tmp_path)
    for span in (2, 10, 9):
        run.write(f"day-{span}", span)

    assert run("day-{SPAN}") == ("COMPLETE", both(10))
    assert run("day-{SPAN}", span=9) == ("COMPLETE", both(9))
    run.write("day-11", 11)
    assert run("day-{SPAN}") == ("COMPLETE", both(11))
    run.write("date-2026-01-31", 31)
    run.write("date-2025-12-31", 12)
    assert run("date-{YYYY}-{MM}-{DD}") == ("COMPLETE", both(31))


@pytest.mark.pipeline
def test_the_cache_sees_an_edit_of_the_code_and_of_the_data(tmp_path: Path):
    run = Runs(tmp_path)
    run.write("raw", 1)

    assert run("raw", Options("one")) == ("COMPLETE", both(1))
    assert run("raw", Options("one")) == ("CACHED", both(1))
    assert run("raw", Options("two")) == ("COMPLETE", both(1))
    for split in ("train", "test"):
        (run.data / "raw" / split / "part.csv").write_text("value\n22\n")
    assert run("raw", Options("two")) == ("COMPLETE", both(22))


@pytest.mark.pipeline
def test_data_are_told_apart_by_their_content_and_by_nothing_else(tmp_path: Path):
    run = Runs(tmp_path)
    run.write("raw", 1)
    train = run.data / "raw" / "train"
    assert run("raw") == ("COMPLETE", both(1))

    # Touched, under another name, and with a file beside them that is no data.
    (train / "part.csv").rename(train / "renamed.csv")
    os.utime(train / "renamed.csv", (1, 1))
    (train / "_SUCCESS").touch()
    assert run("raw") == ("CACHED", both(1))

    # Other content of equal size and time, as tar and rsync leave it.
    (train / "renamed.csv").write_text("value\n2\n")
    os.utime(train / "renamed.csv", (1, 1))
    assert run("raw") == ("COMPLETE", {"train": [{"value": [2]}], "test": [{"value": [1]}]})


@pytest.mark.pipeline
def test_a_mistake_in_the_data_ends_a_run_as_it_was_said(tmp_path: Path):
    run = Runs(tmp_path)
    run.write("raw", 1)
    ragged = run.data / "raw" / "test" / "ragged.csv"
    ragged.write_text("value\n1,2\n")

    with pytest.raises(DataError, match=f"^{ragged}:2: expected 1 fields as in the header, received 2"):
        run("raw")


@pytest.mark.pipeline
def test_divided_data_come_from_the_cache_until_their_content_or_their_division_changes(tmp_path: Path):
    run = Runs(tmp_path)
    run.data.mkdir()
    (run.data / "one.csv").write_text("value,y\n" + "".join(f"{n},0\n" for n in range(40)))
    (tmp_path / "more.csv").write_text("value\n100\n")
    half, other = Division("0.5/0.25/0.25"), Division("0.5/0.3/0.2")

    def values(
        division: Division = half, unlabelled: str | None = str(tmp_path / "more.csv")
    ) -> tuple[str, list[int]]:
        state, splits = run("one.csv", Options(division=division, labels=("y",)), unlabelled=unlabelled)
        assert list(splits) == ["train", "validation", "test"]
        return state, sorted(one["value"][0] for some in splits.values() for one in some)

    assert values() == ("COMPLETE", [*range(40), 100])
    os.utime(run.data / "one.csv", (1, 1))
    os.utime(tmp_path / "more.csv", (1, 1))
    assert values() == ("CACHED", [*range(40), 100])
    (tmp_path / "more.csv").write_text("value\n101\n")
    os.utime(tmp_path / "more.csv", (1, 1))
    assert values() == ("COMPLETE", [*range(40), 101])
    assert values(other) == ("COMPLETE", [*range(40), 101])
    assert values(other, None) == ("COMPLETE", [*range(40)])
    (run.data / "one.csv").write_text("value,y\n" + "".join(f"{n},0\n" for n in range(1, 41)))
    assert values(other, None) == ("COMPLETE", [*range(1, 41)])


@pytest.mark.parametrize(
    ("data", "base", "pattern"),
    [
        ("/data/one.csv", "/data/one.csv", ""),
        ("gs://bucket/x/*.csv", "gs://bucket/x/*.csv", ""),
        ("/data/{SPAN}", "/data", "{SPAN}"),
        ("/data/{SPAN}/*.csv", "/data", "{SPAN}/*.csv"),
        ("/data/*/{SPAN}.csv", "/data", "*/{SPAN}.csv"),
    ],
)
def test_divided_data_are_found_below_their_base(data: str, base: str, pattern: str):
    node = example_gen(Source(data, "csv"), Options(division=Division("0.8/0.1/0.1")))
    assert node.spec.exec_properties["input_base"] == base
    assert patterns(node) == [pattern]
