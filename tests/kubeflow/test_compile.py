"""The compiled pipelines of both targets, read back from their files."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from limbeck import reference
from limbeck.cli import settings
from limbeck.cli.main import main
from limbeck.settings import beam, operational
from limbeck.settings.config import Config
from limbeck.settings.descriptions import describe
from limbeck.settings.fields import runtime_fields
from limbeck.settings.operational import Operational

pytestmark = pytest.mark.pipeline

PROJECT = Path(__file__).parents[2]
STORE = "gs://own-bucket/somewhere"
ASSIGNMENTS = (
    "training.clip_norm=1.5",
    "training.epochs=7",
    "training.seed=19",
    "teachers.count=3",
    "teachers.epochs=5",
    "distillation.temperature=3.5",
    "distillation.alpha=0.75",
    "drift.skew_threshold=0.5",
    "gate.tolerance=0.125",
    "gate.max_bytes=500000",
    "beam.workers=2",
    "recovery.restarts=5",
)
STUDENTS = ("Distiller", "DistillerHardLabels", "DistillerPseudoLabels")
# Each node, and the nodes that must have ended before it.
EDGES = {
    "TaskData": set(),
    "DataFingerprint": {"TaskData"},
    "ExampleGen": {"DataFingerprint", "TaskData"},
    "StatisticsGen": {"ExampleGen"},
    "SchemaGen": {"StatisticsGen"},
    "ExampleValidator": {"StatisticsGen", "SchemaGen"},
    "AnomalyStop": {"ExampleGen", "StatisticsGen", "ExampleValidator", "SchemaGen"},
    "Transform": {"ExampleGen", "SchemaGen", "AnomalyStop"},
    "TeacherTrainer": {"Transform"},
    "TeacherLabeler": {"Transform", "TeacherTrainer"},
    "Distiller": {"TeacherLabeler", "TeacherTrainer", "Transform"},
    "DistillerHardLabels": {"Transform"},
    "DistillerPseudoLabels": {"TeacherLabeler", "TeacherTrainer", "Transform"},
    "Evaluator": {"ExampleGen", "Distiller", "TeacherTrainer"},
    "Predictor": {"ExampleGen", "TeacherLabeler", "TeacherTrainer", *STUDENTS},
    "Reporter": {
        "ExampleGen",
        "Transform",
        "Evaluator",
        "Predictor",
        "TeacherLabeler",
        "TeacherTrainer",
        *STUDENTS,
    },
    "Gate": {"Distiller", "Predictor"},
    "Visualizer": {"Gate", "Predictor", "Reporter"},
    "Pusher": {"Distiller", "Gate"},
}


class Compiled:
    """A compiled file, and its pipeline spec without the differences between the targets."""

    def __init__(self, target: str, file: Path) -> None:
        self.text = file.read_text(encoding="utf-8")
        if target == "kubeflow":
            [self.spec] = yaml.safe_load_all(self.text)
        else:
            self.job = json.loads(self.text)
            self.spec = self.job["pipelineSpec"]
        self.nodes: dict[str, Any] = self.spec["root"]["dag"]["tasks"]

    def parameters(self, node: str) -> dict[str, Any]:
        """The values of a node where nobody gives the run others."""
        given = self.nodes[node]["inputs"].get("parameters", {})
        return {name: self._value(one) for name, one in given.items() if "taskOutputParameter" not in one}

    def _value(self, parameter: dict[str, Any]) -> Any:
        if "runtimeValue" in parameter:
            return parameter["runtimeValue"]["constant"]
        return self.of_run[parameter["componentInputParameter"]]["defaultValue"]

    @property
    def of_run(self) -> dict[str, Any]:
        """The parameters that the form of a run shows."""
        found: dict[str, Any] = self.spec["root"]["inputDefinitions"]["parameters"]
        return found

    def container(self, node: str) -> dict[str, Any]:
        """What a node is started as."""
        found: dict[str, Any] = self.spec["deploymentSpec"]["executors"][f"{node}_executor"]["container"]
        return found

    def argument(self, node: str, flag: str) -> str:
        """The argument behind a flag."""
        arguments = self.container(node)["args"]
        return str(arguments[arguments.index(flag) + 1])


def arguments(target: str, path: Path) -> list[str]:
    own = ["--root", STORE, "--image", "registry.example/limbeck:7", "--retries", "2"]
    return ["compile", "--task", "digits", "--target", target, "--output", str(path), *own]


@pytest.fixture(scope="module", params=["kubeflow", "vertex"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def file(target: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Neither is the ending of the file what decides about its form.
    path = tmp_path_factory.mktemp(target) / "compiled.txt"
    assignments = [part for text in ASSIGNMENTS for part in ("--set", text)]
    with contextlib.redirect_stderr(io.StringIO()) as warned:
        assert main([*arguments(target, path), *assignments]) == 0
    # Root and image are given, and the task brings its data.
    assert "warning: " not in warned.getvalue()
    return path


@pytest.fixture(scope="module")
def compiled(target: str, file: Path) -> Compiled:
    return Compiled(target, file)


@pytest.fixture(scope="module")
def config() -> Config:
    return settings.load(reference.find("digits"), None, ASSIGNMENTS)


def test_the_form_is_that_of_the_target(target: str, compiled: Compiled):
    assert compiled.spec["schemaVersion"] == "2.1.0"
    assert compiled.spec["pipelineInfo"]["name"] == "limbeck-digits"
    if target == "vertex":
        assert compiled.job["runtimeConfig"]["gcsOutputDirectory"] == f"{STORE}/pipeline"


def test_nothing_but_the_file_is_left(file: Path):
    assert list(file.parent.iterdir()) == [file]


def test_every_node_waits_for_those_it_needs(compiled: Compiled):
    assert {name: set(node.get("dependentTasks", [])) for name, node in compiled.nodes.items()} == EDGES


def test_kfps_own_parser_takes_the_file(compiled: Compiled):
    """Every field is one of the spec, of the right kind: KFP says no more than "unknown template format"."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    message = json_format.ParseDict(compiled.spec, pipeline_spec_pb2.PipelineSpec())
    deployed = pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(compiled.spec["deploymentSpec"], deployed)

    assert set(message.root.dag.tasks) == set(EDGES)
    assert len(deployed.executors) == len(EDGES)


def test_containers_start_our_program_from_our_image(target: str, compiled: Compiled):
    own = {"TaskData": "limbeck.kubeflow.task_data", "DataFingerprint": "limbeck.kubeflow.data_fingerprint"}
    for name in compiled.nodes:
        container = compiled.container(name)
        assert container["image"] == "registry.example/limbeck:7"
        assert container["command"] == ["python", "-m", own.get(name, "limbeck.kubeflow.entrypoint")]
        assert compiled.argument(name, "--node") == name
        assert compiled.argument(name, "--target") == target
        assert compiled.argument(name, "--invocation") == "{{$}}"
        assert "lifecycle" not in container
        if name not in own:
            component = compiled.spec["components"][name]
            assert json.loads(compiled.argument(name, "--inputs")) == component["inputDefinitions"]
            assert json.loads(compiled.argument(name, "--outputs")) == component.get("outputDefinitions", {})


def test_only_what_looks_elsewhere_is_never_cached(compiled: Compiled):
    uncached = {name for name, node in compiled.nodes.items() if not node["cachingOptions"]["enableCache"]}
    assert uncached == {"DataFingerprint", "AnomalyStop"}


def test_retries_that_are_asked_for_are_those_of_every_task(compiled: Compiled):
    assert {node["retryPolicy"]["maxRetryCount"] for node in compiled.nodes.values()} == {2}


def test_no_name_of_a_node_holds_an_underscore(compiled: Compiled):
    for name, node in compiled.nodes.items():
        assert "_" not in name
        assert node["taskInfo"]["name"] == node["componentRef"]["name"] == name


def test_inputs_come_from_the_outputs_that_are_meant(compiled: Compiled):
    def source(node: str, key: str) -> tuple[str, str]:
        output = compiled.nodes[node]["inputs"]["artifacts"][key]["taskOutputArtifact"]
        return output["producerTask"], output["outputArtifactKey"]

    for name in ("Distiller", "DistillerPseudoLabels"):
        assert source(name, "examples") == ("TeacherLabeler", "labelled_examples")
        assert source(name, "teacher") == ("TeacherTrainer", "model")
    assert source("DistillerHardLabels", "examples") == ("Transform", "transformed_examples")
    assert "teacher" not in compiled.nodes["DistillerHardLabels"]["inputs"]["artifacts"]
    assert source("Predictor", "teacher") == ("TeacherTrainer", "model")
    assert source("Predictor", "student_run") == ("Distiller", "model_run")
    assert source("Predictor", "student_hard_labels") == ("DistillerHardLabels", "model")
    assert source("Predictor", "student_pseudo_labels_run") == ("DistillerPseudoLabels", "model_run")
    assert source("Evaluator", "baseline_model") == ("TeacherTrainer", "model")
    assert source("Evaluator", "examples") == ("ExampleGen", "examples")
    assert source("Pusher", "model") == source("Gate", "model") == ("Distiller", "model")
    assert source("Pusher", "model_blessing") == ("Gate", "blessing")


def test_runtime_values_are_parameters_of_the_components_that_use_them(compiled: Compiled, config: Config):
    teacher, student, gate = map(compiled.parameters, ("TeacherTrainer", "Distiller", "Gate"))

    assert (teacher["training_epochs"], teacher["training_seed"], teacher["teachers_count"]) == (5, 19, 3)
    assert (student["training_epochs"], student["training_seed"]) == (7, 19)
    assert student["distillation_temperature"] == 3.5
    assert student["distillation_alpha"] == config.distillation.alpha
    assert teacher["training_batch_size"] == student["training_batch_size"] == config.training.batch_size
    rates = teacher["training_learning_rate"], student["training_learning_rate"]
    assert set(rates) == {config.training.learning_rate}
    assert (gate["gate_tolerance"], gate["gate_max_bytes"]) == (0.125, 500_000)
    # The page shows what the run was given, wherever it was given.
    shown = compiled.parameters("Visualizer")
    assert (shown["training_epochs"], shown["teachers_epochs"], shown["gate_tolerance"]) == (7, 5, 0.125)
    given = compiled.nodes["Visualizer"]["inputs"]["parameters"]
    assert given["teachers_epochs"] == {"componentInputParameter": "teachers_epochs"}
    assert json.loads(gate["gate"]) == {"require_gain": False}
    assert "gate_max_latency_ms" not in gate
    stop = compiled.parameters("AnomalyStop")
    assert (stop["drift_threshold"], stop["drift_skew_threshold"]) == (config.drift.threshold, 0.5)
    assert (stop["accepted"], stop["generation"]) == (f"{STORE}/accepted", 0)
    assert json.loads(student["strategy"])["name"] == config.strategy.name


def test_every_runtime_setting_of_a_node_is_in_the_form_of_a_run(compiled: Compiled, config: Config):
    told = {one.key.replace(".", "_"): one for one in describe() if one.kind == "runtime"}
    assert set(compiled.of_run) <= set(told) | {"generation", "teachers_epochs"}
    wanted = {"training_seed", "training_epochs", "teachers_epochs", "distillation_temperature", "gate_tolerance"}
    assert wanted | {"distillation_alpha"} <= set(compiled.of_run)
    assert compiled.of_run["training_epochs"] == {
        "parameterType": "NUMBER_INTEGER",
        "defaultValue": 7,
        "description": f"training.epochs: {told['training_epochs'].meaning}",
    }
    given = compiled.nodes["DistillerHardLabels"]["inputs"]["parameters"]
    assert given["training_epochs"] == {"componentInputParameter": "training_epochs"}


def test_what_cannot_change_a_result_is_told_to_containers_and_no_parameter(compiled: Compiled, config: Config):
    for name in compiled.nodes:
        variables = {one["name"]: one["value"] for one in compiled.container(name)["env"]}
        told = operational.read(variables)
        assert told == Operational.of(config, f"{STORE}/checkpoints", f"{STORE}/looks")
        assert told.recovery.restarts == 5
        # With one worker, there is no variable for Beam: the goldens show it.
        assert beam.read_flags(variables) == config.beam.flags()
        assert not [key for key in compiled.parameters(name) if key.startswith(("recovery", "checkpoint"))]


def test_controls_are_the_student_on_other_targets(compiled: Compiled):
    student, *controls = map(compiled.parameters, STUDENTS)

    assert [one["targets"] for one in (student, *controls)] == ["soft_targets", "labels", "pseudo_labels"]
    own = {"targets", "teacher_hyperparameters", *(key for key in student if key.startswith("distillation"))}
    assert "distillation_temperature" in own
    for control in controls:
        assert not (own - {"targets"}) & control.keys()
        assert control.items() - {("targets", control["targets"])} == {
            (name, value) for name, value in student.items() if name not in own
        }


def test_a_component_is_given_its_slice_and_no_more(compiled: Compiled, config: Config):
    code = {"task", "code_digest"}

    def sections(node: str) -> set[str]:
        return {key.partition("_")[0] for key in set(compiled.parameters(node)) - code}

    assert sections("TeacherTrainer") == {"training", "teachers", "strategy", "pipelining"}
    assert sections("Distiller") == {"training", "student", "strategy", "distillation", "targets", "teacher"}
    assert sections("Gate") == {"gate"}
    shown = {"training", "teachers", "strategy", "student", "distillation", "compression", "gate"}
    assert sections("Visualizer") == shown
    assert sections("AnomalyStop") == {"drift", "accepted", "generation"}
    drift = {f"drift_{name}" for name in runtime_fields(type(config.drift))}
    of_each = {name: set(compiled.parameters(name)) for name in compiled.nodes}
    assert of_each["AnomalyStop"] == code | {*drift, "accepted", "generation"}
    assert of_each["TeacherLabeler"] == code | {"labelling"}
    for name in ("Predictor", "Reporter", "TaskData"):
        assert of_each[name] == code


def test_every_component_of_ours_knows_task_and_code(compiled: Compiled):
    ours = {
        "AnomalyStop",
        "TeacherTrainer",
        "TeacherLabeler",
        *STUDENTS,
        "Predictor",
        "Reporter",
        "Gate",
        "Visualizer",
    }
    digests = {name: compiled.parameters(name)["code_digest"] for name in ours}

    assert {json.loads(compiled.parameters(name)["task"])["module"] for name in ours} == {"limbeck.tasks.digits"}
    assert len({digests[name] for name in STUDENTS}) == 1
    assert len(set(digests.values())) == len(ours) - len(STUDENTS) + 1


def test_a_pod_is_told_which_executor_to_run(compiled: Compiled):
    own = {
        "AnomalyStop": "limbeck.components.anomaly_stop.executor.Executor",
        "TeacherTrainer": "limbeck.components.teacher_trainer.executor.Executor",
        "TeacherLabeler": "limbeck.components.teacher_labeler.executor.Executor",
        **dict.fromkeys(STUDENTS, "limbeck.components.distiller.executor.Executor"),
        "Predictor": "limbeck.components.predictor.executor.Executor",
        "Reporter": "limbeck.components.reporter.executor.Executor",
        "Gate": "limbeck.components.gate.executor.Executor",
        "Visualizer": "limbeck.components.visualizer.executor.Executor",
    }
    for name, path in own.items():
        assert compiled.argument(name, "--executor") == path
    assert "--sdk_container_image=none" in compiled.container("TeacherLabeler")["args"]
    assert "--direct_num_workers=2" in compiled.container("TeacherLabeler")["args"]
    assert "--direct_running_mode=multi_processing" in compiled.container("Predictor")["args"]


def test_the_tasks_own_data_are_written_by_the_pipeline(compiled: Compiled):
    assert json.loads(compiled.parameters("TaskData")["task"])["module"] == "limbeck.tasks.digits"
    for name in ("DataFingerprint", "ExampleGen"):
        assert "input_base" not in compiled.parameters(name)
        output = compiled.nodes[name]["inputs"]["artifacts"]["data"]["taskOutputArtifact"]
        assert output == {"producerTask": "TaskData", "outputArtifactKey": "data"}


def test_served_students_lie_below_the_root(compiled: Compiled):
    assert f"{STORE}/serving" in compiled.parameters("Pusher")["push_destination"]


def test_nothing_of_this_machine_is_in_it(compiled: Compiled, file: Path):
    secret = ("TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
    here = {"project": str(PROJECT), "output": str(file.parent), "home": str(Path.home())}
    # By name, so that a failure does not print what it found.
    here |= {name: value for name, value in os.environ.items() if any(word in name for word in secret) and value}

    assert [name for name, value in here.items() if value in compiled.text] == []


def test_compiling_again_gives_the_same_file(target: str, file: Path, tmp_path: Path):
    again = tmp_path / "again"
    assignments = [part for text in ASSIGNMENTS for part in ("--set", text)]
    assert main([*arguments(target, again), *assignments]) == 0

    assert again.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


def test_csv_data_are_read_by_the_generator_for_csv(tmp_path: Path):
    path = tmp_path / "csv.json"
    arguments = ["compile", "--task", "digits", "--target", "vertex", "--output", str(path)]
    csv = ["--set", "data.format=csv", "--set", "data.path=gs://elsewhere/csv"]
    assert main([*arguments, *csv]) == 0

    compiled = Compiled("vertex", path)
    assert set(compiled.nodes) == set(EDGES) - {"TaskData"}
    for name in ("DataFingerprint", "ExampleGen"):
        assert compiled.parameters(name)["input_base"] == "gs://elsewhere/csv"
    assert compiled.of_run["data_path"]["defaultValue"] == "gs://elsewhere/csv"
    assert "limbeck.components.example_gen.executor.CsvExecutor" in compiled.text
    assert "TFRecordExecutor" not in compiled.text


def test_without_controls_the_student_stands_alone(tmp_path: Path):
    path = tmp_path / "alone.json"
    arguments = ["compile", "--task", "digits", "--target", "vertex", "--output", str(path)]
    assert main([*arguments, "--set", "controls=false"]) == 0

    compiled = Compiled("vertex", path)
    assert set(compiled.nodes) == set(EDGES) - set(STUDENTS[1:])
    assert not [key for key in compiled.nodes["Predictor"]["inputs"]["artifacts"] if "labels" in key]
    outputs = compiled.spec["components"]["Visualizer"]["outputDefinitions"]["artifacts"]
    assert {key for key in outputs if key.endswith("_metrics")} == {"teacher_metrics", "student_metrics"}


def test_a_gain_that_is_asked_for_is_a_parameter_of_the_gate(tmp_path: Path):
    path = tmp_path / "gain.json"
    arguments = ["compile", "--task", "digits", "--target", "vertex", "--output", str(path)]
    assert main([*arguments, "--set", "gate.require_gain=true"]) == 0

    assert json.loads(Compiled("vertex", path).parameters("Gate")["gate"]) == {"require_gain": True}


def test_what_is_printed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "pipeline.yaml"
    assert main(["compile", "--task", "digits", "--target", "kubeflow", "--output", str(path)]) == 0

    assert capsys.readouterr().out == f"wrote {path} for kubeflow\n"
    assert "gs://BUCKET/limbeck/serving" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("root", ["s3://own-bucket/somewhere", "minio://mlpipeline/limbeck"])
def test_a_root_may_lie_in_an_object_store_and_its_credentials_stay_out(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    secrets = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", "session-token", "kubeflows-key", "kubeflows-secret")
    names = (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "MINIO_ACCESS_KEY",
        "MINIO_SECRET_KEY",
    )
    for name, secret in zip(names, secrets, strict=True):
        monkeypatch.setenv(name, secret)
    path = tmp_path / "pipeline.yaml"
    arguments = ["compile", "--task", "digits", "--target", "kubeflow", "--output", str(path), "--root", root]
    assert main([*arguments, "--set", f"data.path={root}/data"]) == 0

    text = path.read_text(encoding="utf-8")
    assert all(f"{root}/{name}" in text for name in ("serving", "accepted", "checkpoints", "data"))
    assert not [secret for secret in secrets if secret in text]


DATAFLOW = [
    argument
    for setting in (
        *("engine=dataflow", "dataflow.project=my-project-1", "dataflow.region=us-central1"),
        *("dataflow.temp=gs://bucket/temp", "dataflow.image=gcr.io/me/it:1"),
    )
    for argument in ("--set", f"beam.{setting}")
]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--root", "runs/digits"], "--root must be a URI such as gs://bucket/folder, or the absolute path"),
        (["--root", "ram://digits"], "--root must be a URI"),
        (
            ["--root", "/shared", "--target", "vertex"],
            "--root must be a gs:// URI for Vertex AI, received /shared",
        ),
        (["--root", "s3://bucket/limbeck", "--target", "vertex"], "--root must be a gs:// URI for Vertex AI"),
        (
            ["--root", "gs://bucket", "--target", "vertex", "--set", "data.path=s3://bucket/data"],
            "data.path must be a gs:// URI for Vertex AI, received s3://bucket/data",
        ),
        (["--root", "minio://key:word@minio/x"], "Credentials are read from the environment"),
        (["--root", "s3a://bucket"], "there is no file system for 's3a://'"),
        (["--set", "data.path=raw"], "data.path must be a URI"),
        (["--set", "beam.engine=portable"], "a compiled pipeline has none: set beam.engine=local or dataflow"),
        (
            ["--root", "/shared", *DATAFLOW],
            "--root must be a gs:// URI for the workers of Dataflow, received /shared",
        ),
        (["--image", "limbeck 2"], "--image takes the name of a container image"),
        (["--retries", "-1"], "'containers.default.retry.count': Input should be greater than or equal to 0"),
        (
            ["--set", "containers.TeacherTrainr.cpu=4"],
            "the pipeline has no such node. Did you mean 'TeacherTrainer'? Its nodes: AnomalyStop, DataFing",
        ),
        (
            ["--set", "containers.default.timeout=6h", "--target", "vertex", "--root", "gs://bucket"],
            "containers.default.timeout is not for Vertex AI",
        ),
        (["--set", "data.path=gs://bucket/$(HOME)"], "parameter 'data_path' of the run must hold neither"),
    ],
)
def test_what_no_cluster_can_run_is_refused_before_it_is_written(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "pipeline.yaml"
    assert main(["compile", "--task", "digits", "--target", "kubeflow", "--output", str(path), *options]) == 2

    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays_whole_where_compiling_fails(tmp_path: Path):
    path = tmp_path / "pipeline.yaml"
    path.write_text("before", encoding="utf-8")
    broken = tmp_path / "brokentask.py"
    broken.write_text("TASK = None\n", encoding="utf-8")

    assert main(["compile", "--task", str(broken), "--target", "kubeflow", "--output", str(path)]) == 2

    assert path.read_text(encoding="utf-8") == "before"
    assert {one.name for one in tmp_path.iterdir()} - {"__pycache__"} == {"pipeline.yaml", "brokentask.py"}


def test_a_student_that_is_compressed_has_a_node_and_its_file_is_pushed(tmp_path: Path):
    path = tmp_path / "compressing.txt"
    assert main([*arguments("kubeflow", path), "--set", "compression.recipe=int8"]) == 0
    compiled = Compiled("kubeflow", path)

    def producer(node: str, key: str) -> str:
        return str(compiled.nodes[node]["inputs"]["artifacts"][key]["taskOutputArtifact"]["producerTask"])

    assert (producer("Compressor", "student_model"), producer("Compressor", "examples")) == (
        "Distiller",
        "TeacherLabeler",
    )
    assert producer("Compressor", "student_run") == "Distiller"
    assert producer("Predictor", "student_compressed") == producer("Pusher", "compressed") == "Compressor"
    assert producer("Pusher", "model") == "Distiller"
    assert compiled.parameters("Compressor")["compression_representative"] == 500
    assert "strategy" not in compiled.parameters("Compressor")


def test_the_steps_of_a_compiled_pipeline_have_their_jobs_run_on_dataflow(tmp_path: Path):
    path = tmp_path / "pipeline.yaml"
    arguments = [
        "compile",
        "--task",
        "digits",
        "--target",
        "kubeflow",
        "--output",
        str(path),
        "--root",
        "gs://bucket",
    ]
    assert main([*arguments, *DATAFLOW]) == 0
    text = path.read_text(encoding="utf-8")
    for flag in ("runner=DataflowRunner", "project=my-project-1", "sdk_container_image=gcr.io/me/it:1"):
        assert f"--{flag}" in text
