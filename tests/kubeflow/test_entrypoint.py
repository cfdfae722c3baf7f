"""The programs of the containers, as processes: what KFP's launcher would start, with what it would give them."""

import json
from pathlib import Path
from typing import Any

import pytest

from limbeck.kubeflow.rewrites.data_fingerprint import FOUND, add_fingerprint
from limbeck.kubeflow.rewrites.entrypoint import set_entrypoint
from limbeck.kubeflow.rewrites.lifecycle import drop_lifecycle
from limbeck.kubeflow.rewrites.task_data import TaskData, add_task_data
from tests.kubeflow.pods import Pod, assert_done
from tests.kubeflow.specs import INPUT_CONFIG, stock

pytestmark = [pytest.mark.processes, pytest.mark.long]

CONFIG = {"input_config": INPUT_CONFIG}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """Data as an artifact, ExampleGen of ours, StatisticsGen of TFX's."""
    made = add_task_data(add_fingerprint(stock(), "kubeflow"), TaskData("{}", "abc"), "kubeflow")
    return set_entrypoint(drop_lifecycle(made), "kubeflow")


@pytest.fixture(scope="module")
def ingested(spec: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pod]:
    """The nodes from raw data to statistics, each run on what those before it told."""
    folder = tmp_path_factory.mktemp("run")
    train = folder / "data" / "train"
    train.mkdir(parents=True)
    (train / "a.csv").write_text("height,name\n1.5,a\n2.5,b\n", encoding="utf-8")
    data = {"data": {"name": "1", "uri": str(folder / "data")}}

    fingerprint = Pod(spec, "DataFingerprint", folder / "DataFingerprint")
    assert_done(fingerprint.run(fingerprint.input(data, CONFIG)))
    # A driver of KFP's reads these files, and makes numbers of some.
    found: dict[str, Any] = {key: (fingerprint.folder / key).read_text(encoding="utf-8") for key in FOUND}
    found["span"] = float(found["span"])

    reader = Pod(spec, "ExampleGen", folder / "ExampleGen")
    own = {"output_config": "{}", "output_data_format": 6.0, "output_file_format": 5.0}
    assert_done(reader.run(reader.input(data, {**own, **found})))

    [told] = reader.told()["artifacts"]["examples"]["artifacts"]
    metadata = {**told["metadata"], "display_name": "examples", "store_session_info": "{}"}
    examples = {"examples": {"name": "2", "uri": str(reader.folder / "examples"), "metadata": metadata}}
    statistics = Pod(spec, "StatisticsGen", folder / "StatisticsGen")
    assert_done(statistics.run(statistics.input(examples, {"exclude_splits": "[]"})))
    return {"DataFingerprint": fingerprint, "ExampleGen": reader, "StatisticsGen": statistics}


def test_the_digest_is_that_of_a_local_run(ingested: dict[str, Pod]):
    from limbeck.components.example_gen.driver import files_digest

    folder = ingested["DataFingerprint"].folder
    expected = files_digest(str(folder.parent / "data"), "train/*")
    assert (folder / "input_fingerprint").read_text(encoding="utf-8") == f"split:train,sha256:{expected}"
    assert (folder / "span").read_text(encoding="utf-8") == "0"
    assert (folder / "version").read_text(encoding="utf-8") == ""


def test_an_executor_of_ours_writes_where_kfp_looks(ingested: dict[str, Pod]):
    reader = ingested["ExampleGen"]

    [told] = reader.told()["artifacts"]["examples"]["artifacts"]
    assert set(told) == {"metadata"}
    assert json.loads(told["metadata"]["split_names"]) == ["train"]
    assert told["metadata"]["input_fingerprint"].startswith("split:train,sha256:")
    assert list((reader.folder / "examples" / "Split-train").glob("data_tfrecord-*"))


def test_an_executor_of_tfxs_reads_what_ours_wrote(ingested: dict[str, Pod]):
    from tensorflow_metadata.proto.v0 import statistics_pb2

    node = ingested["StatisticsGen"]
    [told] = node.told()["artifacts"]["statistics"]["artifacts"]
    assert set(told) == {"metadata"}
    content = (node.folder / "statistics" / "Split-train" / "FeatureStats.pb").read_bytes()
    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
    assert dataset.num_examples == 2
    assert {feature.path.step[0] for feature in dataset.features} == {"height", "name"}


def test_a_mistake_of_the_users_is_told_in_one_message(spec: dict[str, Any], tmp_path: Path):
    (tmp_path / "data" / "train").mkdir(parents=True)
    pod = Pod(spec, "ExampleGen", tmp_path / "ExampleGen")
    found = {"input_config": INPUT_CONFIG, "input_fingerprint": "", "span": 0.0, "version": ""}
    own = {"output_config": "{}", "output_data_format": 6.0, "output_file_format": 5.0}
    data = {"data": {"name": "1", "uri": str(tmp_path / "data")}}
    done = pod.run(pod.input(data, {**own, **found}))

    assert done.returncode == 2
    assert f"error: no file matches {tmp_path}/data/train/*" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not pod.output_file.exists()


def test_a_fault_of_ours_has_a_traceback(spec: dict[str, Any], tmp_path: Path):
    pod = Pod(spec, "ExampleGen", tmp_path / "ExampleGen")
    broken = pod.input({}, {})
    del broken["outputs"]["outputFile"]
    broken["outputs"]["artifacts"]["examples"]["artifacts"] = []
    broken["inputs"]["parameterValues"] = dict.fromkeys(FOUND, "x")
    done = pod.run(broken)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
