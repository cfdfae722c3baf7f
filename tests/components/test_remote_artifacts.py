"""Executors whose artifacts lie in a remote file system: what they write is there, and nothing in the working folder.

TensorFlow's `ram://` stands for an object store: it is no path of this machine, and TFX and TensorFlow open it by URI.
Beam does not, so what Beam reads and writes is local here.
"""

import io
import json
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import json_format
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts

from limbeck import files
from limbeck.cli.local_run import collect
from limbeck.cli.local_run.store import Output
from limbeck.components.anomaly_stop import accepted
from limbeck.components.artifacts.files import split_files
from limbeck.components.artifacts.scratch import local_folder
from limbeck.components.artifacts.types import Measurements, Predictions
from limbeck.components.gate.decision import DECISION_FILE
from limbeck.components.gate.executor import Executor as Gate
from limbeck.components.predictor import tables
from limbeck.components.predictor.executor import Executor as Predictor
from limbeck.components.predictor.tables import Measured, ModelFacts
from limbeck.components.properties.sections import Section
from limbeck.components.pusher.executor import Executor as Pusher
from limbeck.components.reporter import curves
from limbeck.components.teacher_labeler import provenance
from limbeck.errors import DataError
from limbeck.models import MODELS, STUDENT, TEACHER
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.report import findings
from limbeck.report.findings import Findings
from limbeck.settings.gate import GateConfig
from limbeck.trainer.serving.latency import Latency
from tests.classes import classes
from tests.components import predictions, rehearsal
from tests.components.anomaly_stop.test_accepted import span
from tests.components.predictor.test_executor import labelled_examples
from tests.components.pusher import models
from tests.components.world import PROPERTIES, SIZES
from tests.object_store import Fault, refuses


class Remote(str):
    """A URI as `rehearsal` takes folders."""

    def __truediv__(self, name):
        return Remote(f"{self}/{name}")

    def mkdir(self, **_):
        files.make_folder(self)


@pytest.fixture
def root(tmp_path, monkeypatch):
    here = tmp_path / "working-directory"
    here.mkdir()
    monkeypatch.chdir(here)
    yield Remote(f"ram://{uuid.uuid4().hex}")
    assert list(here.iterdir()) == []


@pytest.fixture(params=["ram", "s3", "minio"])
def store(request):
    """A remote folder of each kind that outlives a run: what is accepted, and what is served."""
    if request.param == "ram":
        return request.getfixturevalue("root")
    return Remote(f"{request.param}://{request.getfixturevalue('bucket')}/limbeck")


def copied(artifact, folder):
    """The same artifact elsewhere."""
    made = type(artifact)()
    made.mlmd_artifact.CopyFrom(artifact.mlmd_artifact)
    files.copy_folder(artifact.uri, folder)
    made.uri = str(folder)
    return made


def write_table(table, uri):
    stream = io.BytesIO()
    pq.write_table(table, stream)
    files.write_bytes(uri, stream.getvalue())


def rows(right, split="test"):
    return [
        {"example_id": f"{number:02}", "split": split, "model": model, "label": 0,
         "logits": [1.0, 0.0, 0.0] if number < right[model] else [0.0, 1.0, 0.0]}
        for model in right for number in range(20)
    ]  # fmt: skip


def test_predictions_are_read_from_several_files_in_the_order_of_their_names(root, tmp_path):
    first, second = (
        pa.Table.from_pylist(rows({TEACHER: 19}, split), tables.schema(classes(3))) for split in ("test", "train")
    )
    for folder in (root, tmp_path / "local"):
        write_table(second, f"{folder}/train-00000-of-00001.parquet")
        write_table(first, f"{folder}/test-00000-of-00002.parquet")
        write_table(second, f"{folder}/test-00001-of-00002.parquet")
        assert tables.read(str(folder), "test").equals(pa.concat_tables([first, second]))
        assert tables.read(str(folder), "train").equals(second)
        assert tables.read_test_split(str(folder)).equals(tables.read(str(folder), "test"))
    with pytest.raises(FileNotFoundError, match="there are none in"):
        tables.read(f"{root}/nothing", "test")


@pytest.mark.parametrize(("right", "mark"), [(19, "BLESSED"), (9, "NOT_BLESSED")])
def test_gate_leaves_its_verdict_beside_a_remote_model(root, tmp_path, right, mark):
    right = {TEACHER: 19, STUDENT: right}
    table = pa.Table.from_pylist(rows(right), schema=tables.schema(classes(3)))
    predictions.write(table, f"{root}/predictions")
    facts = {name: ModelFacts(parameters=5, bytes=1000, latency_ms=Latency(0.5, 0.75)) for name in right}
    files.write_text(
        f"{root}/measurements/{tables.MEASUREMENTS_FILE}", to_json(Measured(facts, classes().measure, {}, {}))
    )
    inputs = {
        "model": rehearsal.artifact(standard_artifacts.Model, root / "model"),
        "predictions": rehearsal.artifact(Predictions, root / "predictions"),
        "measurements": rehearsal.artifact(Measurements, root / "measurements"),
    }
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, root / "blessing")
    # Of 20 examples, no difference proves less than 12 points.
    properties = Section(GateConfig).encode(GateConfig(tolerance=0.2)) | PROPERTIES
    rehearsal.run(Gate, inputs, {"blessing": blessing}, properties, tmp_path)
    assert files.names(blessing.uri) == sorted([mark, DECISION_FILE])
    assert collect._decision({"blessing": Output(blessing.uri, {})}).passed == (mark == "BLESSED")


@pytest.mark.processes
def test_predictor_measures_into_a_remote_artifact_from_remote_runs(root, tmp_path, world):
    labelled = labelled_examples(world, tmp_path / "labelled", dict(world.transformed))
    measurements = rehearsal.artifact(Measurements, root / "measurements")
    inputs = {
        "raw_examples": world.raw_examples,
        "labelled_examples": labelled,
        **{name: world.models[name] for name in MODELS},
        **{f"{name}_run": copied(world.model_runs[name], root / f"{name}-run") for name in MODELS},
    }
    outputs = {
        "predictions": rehearsal.artifact(Predictions, tmp_path / "predictions"),
        "measurements": measurements,
    }
    # The scratch folder is remote too, as TFX makes it below a remote root.
    rehearsal.run(Predictor, inputs, outputs, PROPERTIES, root / "scratch")
    measured = tables.read_measured(measurements.uri).models
    assert measured.keys() == set(MODELS)
    assert measured[STUDENT].bytes == files.folder_bytes(f"{world.models[STUDENT].uri}/Format-Serving") > 0
    history = json.loads((Path(world.model_runs[STUDENT].uri) / "history.json").read_text())
    assert measured[STUDENT].parameters == history["parameters"]


def test_remote_soft_targets_know_their_remote_teacher(root, world):
    labelled = rehearsal.examples(root / "labelled", ["train"])
    teacher, other = (copied(world.models[name], root / name) for name in (TEACHER, STUDENT))
    with pytest.raises(DataError, match="not labelled by TeacherLabeler"):
        provenance.assert_from({"examples": [labelled], "teacher": [teacher]}, "examples", "teacher")
    provenance.sign(labelled, f"{teacher.uri}/Format-Serving")
    assert files.read_text(f"{labelled.uri}/teacher-digest.txt") == provenance.folder_digest(
        f"{world.models[TEACHER].uri}/Format-Serving"
    )
    provenance.assert_from({"examples": [labelled], "teacher": [teacher]}, "examples", "teacher")
    with pytest.raises(DataError, match="of another teacher"):
        provenance.assert_from({"examples": [labelled], "teacher": [other]}, "examples", "teacher")


def test_the_files_of_a_remote_split_are_listed(root, world):
    examples = copied(world.transformed_examples, root / "examples")
    for split in SIZES:
        local = [Path(path).name for path in split_files([world.transformed_examples], split)]
        assert split_files([examples], split) == [f"{root}/examples/Split-{split}/{name}" for name in local]


def test_findings_curves_and_records_of_a_remote_run(root):
    written = Findings(classes=("a", "b"))
    findings.write(written, f"{root}/findings")
    assert findings.read(f"{root}/findings") == written
    history = {"parameters": 5, "members": [[{"step": 20, "loss": 1.5}]]}
    files.write_text(f"{root}/run/history.json", json.dumps(history))
    assert [[point.loss for point in member] for member in curves.read(f"{root}/run")] == [[1.5]]
    records = tuple(RankRecord("chief" if rank == 0 else "worker", rank, 1, 1, 1.0) for rank in range(11))
    for record in records:
        files.write_text(f"{root}/run/rank-{record.rank}.json", to_json(record))
    assert collect._records(Output(f"{root}/run", {})) == records


def test_a_span_is_accepted_and_replaced_at_a_uri(store):
    folder = f"{store}/accepted"
    assert (accepted.read(folder), accepted.generation(folder)) == (None, 0)
    for number in range(3):
        accepted.replace(folder, span(f"f{number}", number), number)
    assert accepted.read(folder) == span("f2", 2)
    assert accepted.generation(folder) == 2
    assert files.names(folder) == ["3", "current.json"]


def test_what_is_accepted_stays_where_a_store_fails_in_the_midst(bucket, object_store, monkeypatch):
    """Whichever of the writes it is: before the last one, the state before counts."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    folder = f"s3://{bucket}/accepted"
    accepted.replace(folder, span("before", 1), 0)
    for last in ("/2/statistics/train/FeatureStats.pb", "/2/schema.pbtxt", "/current.json"):
        fault = Fault(
            lambda one, last=last: one.method == "PUT" and one.path.endswith(last),
            refuses("503 Slow Down", "SlowDown"),
        )
        with object_store.fault(fault), pytest.raises(OSError, match="answered 503"):
            accepted.replace(folder, span("after", 2), 1)
        assert fault.times == 0
        assert (accepted.read(folder), accepted.generation(folder)) == (span("before", 1), 0)
    accepted.replace(folder, span("after", 2), 1)
    assert (accepted.read(folder), files.names(folder)) == (span("after", 2), ["2", "current.json"])


@pytest.mark.parametrize("serving_is_remote", [True, False])
def test_pusher_pushes_a_remote_model(root, store, tmp_path, serving_is_remote):
    models.write(tmp_path / "made" / "Format-Serving", 7)
    files.copy_folder(tmp_path / "made", root / "model")
    serving = store / "serving" if serving_is_remote else tmp_path / "serving"
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(serving))
    to = json_format.MessageToJson(
        pusher_pb2.PushDestination(filesystem=filesystem), preserving_proto_field_name=True
    )
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, root / "blessing")
    blessing.set_int_custom_property("blessed", 1)
    pushed = rehearsal.artifact(standard_artifacts.PushedModel, root / "pushed")
    inputs = {"model": rehearsal.artifact(standard_artifacts.Model, root / "model"), "model_blessing": blessing}
    output = rehearsal.run(Pusher, inputs, {"pushed_model": pushed}, {"push_destination": to}, root / "scratch")
    [written] = output.output_artifacts["pushed_model"].artifacts
    assert written.custom_properties["pushed_destination"].string_value == f"{serving}/1"
    assert written.custom_properties["pushed_version"].string_value == "1"
    wanted = files.walk(tmp_path / "made" / "Format-Serving")
    for folder in (serving / "1", root / "pushed"):
        assert files.walk(str(folder)) == wanted
        for path in wanted:
            assert files.read_bytes(f"{folder}/{path}") == (tmp_path / "made/Format-Serving" / path).read_bytes()


def test_scratch_is_local_whatever_the_root_is(root, tmp_path):
    with local_folder(str(root)) as folder:
        np.save(folder / "index.npy", np.arange(3))
    assert not folder.exists()
    with local_folder(str(tmp_path / "scratch")) as folder:
        assert folder == tmp_path / "scratch"
    assert folder.is_dir()
