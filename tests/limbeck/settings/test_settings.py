import dataclasses
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.settings import fields, sources
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig
from limbeck.settings.distillation import DistillationConfig, weight_fields
from limbeck.settings.gate import GateConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob

_NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = st.booleans() | st.integers() | _FLOATS | st.text()
_POSITIVE = st.integers(1, 2**63 - 1)
_CONFIGS = st.builds(
    Config,
    data=st.builds(DataConfig, path=st.none() | st.text(), format=st.sampled_from(["tfrecord", "csv"])),
    strategy=st.builds(StrategyConfig, workers=st.none() | _POSITIVE),
    training=st.builds(
        TrainingConfig,
        epochs=_POSITIVE,
        batch_size=_POSITIVE,
        learning_rate=st.floats(0, exclude_min=True, allow_infinity=False),
        seed=st.integers(0, 2**32 - 2**16),
    ),
    teachers=st.builds(
        TeachersConfig,
        count=st.integers(1, 2**16),
        epochs=st.none() | _POSITIVE,
        hyperparameters=st.dictionaries(_NAMES, _SCALARS, max_size=3),
    ),
    distillation=st.builds(
        DistillationConfig,
        temperature=st.none() | st.floats(1e-3, 100),
        alpha=st.none() | st.floats(0, 1),
        search=st.booleans(),
    ),
    search=st.builds(
        SearchConfig,
        budget=st.floats(2, 1e3),
        temperatures=st.lists(st.floats(1e-3, 100), min_size=1, max_size=3, unique=True).map(tuple),
        alphas=st.lists(st.floats(0, 1), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    controls=st.just(True),
    gate=st.builds(
        GateConfig,
        max_bytes=st.none() | _POSITIVE,
        max_latency_ms=st.none() | st.floats(1e-3, 1e3),
        require_gain=st.booleans(),
    ),
)


@given(_CONFIGS)
def test_json_round_trip(whole):
    read = records.from_json(Config, records.to_json(whole))
    assert read == whole
    # 1 == 1.0 == True, but a builder given one for another would build another model.
    types = {name: type(value) for name, value in whole.teachers.hyperparameters.items()}
    assert {name: type(value) for name, value in read.teachers.hyperparameters.items()} == types


def test_json_does_not_depend_on_the_order_of_hyperparameters():
    one, other = (TeachersConfig(hyperparameters=values) for values in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert records.to_json(one) == records.to_json(other)


def test_without_layers_the_defaults_hold():
    assert sources.load([]) == Config() == sources.load([{}, {}])


def test_a_later_layer_overrides_only_the_keys_that_it_names():
    task = {
        "training": {"epochs": 30, "seed": 1},
        "teachers": {"count": 5, "hyperparameters": {"width": 8, "depth": 2}},
    }
    file = {"training": {"epochs": 20}, "teachers": {"hyperparameters": {"width": 16}}}
    assignment = sources.parse_assignment("training.epochs=7")
    loaded = sources.load([task, file, assignment])
    assert loaded.training == TrainingConfig(epochs=7, seed=1)
    assert loaded.teachers == TeachersConfig(count=5, hyperparameters={"width": 16, "depth": 2})
    assert task["training"]["epochs"] == 30, "a layer was changed"


@pytest.mark.parametrize(
    ("values", "key", "received", "near"),
    [
        ({"trainin": {}}, "'trainin'", "", "Did you mean 'training'?"),
        ({"training": {"epoch": 3}}, "'training.epoch'", "", "Did you mean 'epochs'?"),
        ({"distillation": {"alhpa": 0.5}}, "'distillation.alhpa'", "", "Did you mean 'alpha'?"),
        ({"gate": {"zzz": 1}}, "'gate.zzz'", "", "Known here: tolerance, max_bytes, max_latency_ms"),
        ({1: 2}, "'1'", "", "Known here: data, "),
        ({"training": {"epochs": "3"}}, "'training.epochs'", "'3'", "whole number"),
        ({"training": {"epochs": True}}, "'training.epochs'", "True", "whole number"),
        ({"training": {"epochs": 3.0}}, "'training.epochs'", "3.0", "whole number"),
        ({"training": {"epochs": 0}}, "'training.epochs'", "0", "greater than 0"),
        ({"training": {"seed": -1}}, "'training.seed'", "-1", "greater than or equal to 0"),
        ({"training": {"seed": 2**32}}, "'training.seed'", "4294967296", "less than 4294967296"),
        (
            {"training": {"seed": 2**32 - 2}, "teachers": {"count": 3}},
            "below 2^32",
            "training.seed=4294967294",
            "teachers.count=3",
        ),
        ({"training": {"learning_rate": "fast"}}, "'training.learning_rate'", "'fast'", "number"),
        ({"training": {"learning_rate": float("nan")}}, "'training.learning_rate'", "nan", "finite"),
        ({"training": {"learning_rate": float("inf")}}, "'training.learning_rate'", "inf", "finite"),
        ({"training": None}, "'training'", "None", "section"),
        ({"training": 5}, "'training'", "5", "section"),
        ({"distillation": {"alpha": 1.5}}, "'distillation.alpha'", "1.5", "less than or equal to 1"),
        ({"distillation": {"temperature": 0}}, "'distillation.temperature'", "0", "greater than 0"),
        ({"distillation": {"temperature": 101}}, "'distillation.temperature'", "101", "less than or equal to 100"),
        ({"distillation": {"search": "yes"}}, "'distillation.search'", "'yes'", "true or false"),
        ({"search": {"budget": 0}}, "'search.budget'", "0", "greater than or equal to 2"),
        ({"search": {"temperatures": []}}, "'search.temperatures'", "[]", "not empty"),
        ({"search": {"temperatures": [1, 0]}}, "'search.temperatures.1'", "0", "greater than 0"),
        ({"search": {"temperatures": [200]}}, "'search.temperatures.0'", "200", "less than or equal to 100"),
        ({"search": {"alphas": []}}, "'search.alphas'", "[]", "not empty"),
        ({"search": {"alphas": [0.5, 0.5]}}, "'search.alphas'", "[0.5, 0.5]", "each value once"),
        (
            {"compression": {"candidates": ["int8", "int8"]}},
            "'compression.candidates'",
            "['int8', 'int8']",
            "once",
        ),
        ({"compression": {"candidates": "int8"}}, "'compression.candidates'", "'int8'", "a list, such as"),
        # TFX refuses a larger number when its components are made, and calls it a fault of the program.
        ({"training": {"epochs": 2**63}}, "'training.epochs'", "9223372036854775808", "9223372036854775807"),
        ({"pipelining": {"memory_mib": "15GiB"}}, "'pipelining.memory_mib'", "'15GiB'", "without a unit"),
        (
            {"launcher": {"kubernetes": {"cpu": "many"}}},
            "'launcher.kubernetes.cpu'",
            "'many'",
            "such as 2, 0.5 or 500m",
        ),
        (
            {"launcher": {"kubernetes": {"memory": "16GB"}}},
            "'launcher.kubernetes.memory'",
            "'16GB'",
            "with its unit",
        ),
        ({"training.epochs": 3}, "'training.epochs'", "", "in a file, write 'epochs' below 'training'"),
        ({"search": {"alphas": [1.5]}}, "'search.alphas.0'", "1.5", "less than or equal to 1"),
        ({"strategy": {"name": "one_devise"}}, "'strategy.name'", "'one_devise'", "'one_device'"),
        (
            {"teachers": {"hyperparameters": {"width": [1]}}},
            "'teachers.hyperparameters.width'",
            "[1]",
            "a boolean, a number or a text",
        ),
        (
            {"student": {"hyperparameters": {"bool": {}}}},
            "'student.hyperparameters.bool'",
            "{}",
            "a number or a text",
        ),
        ([1], "", "[1]", "section"),
    ],
)
def test_an_error_names_the_key_what_was_received_and_what_is_legal(values, key, received, near):
    with pytest.raises(ConfigError) as caught:
        records.from_mapping(Config, values)
    message = str(caught.value)
    assert key in message
    assert near in message
    assert not received or f"received {received}" in message


def test_an_error_of_a_slice_names_its_place_in_the_whole():
    with pytest.raises(ConfigError, match=r"'gate\.max_bytes'.*received 0"):
        records.from_mapping(GateConfig, {"max_bytes": 0}, prefix="gate")
    with pytest.raises(ConfigError, match=r"'gate\.max_byte'\. Did you mean 'max_bytes'\?"):
        records.from_mapping(GateConfig, {"max_byte": 0}, prefix="gate")


def test_an_unknown_key_below_an_optional_section_of_another_module_is_named():
    known = {
        "entry": "student",
        "task": {"module": "m"},
        "examples_uri": "e",
        "transform_graph_uri": "t",
        "model_uri": "m",
        "record_uri": "r",
        "targets": "soft_targets",
        "strategy": {},
        "training": {},
    }
    with pytest.raises(ConfigError, match=r"'distillation\.alhpa'\. Did you mean 'alpha'\?"):
        records.from_mapping(TrainingJob, known | {"distillation": {"alhpa": 1}})
    with pytest.raises(ConfigError, match=r"'task\.modul'\. Did you mean 'module'\?"):
        records.from_mapping(TrainingJob, known | {"task": {"module": "m", "modul": "m"}})


@pytest.mark.parametrize("text", ["{", "", "nonsense"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ConfigError, match=r"expected JSON for GateConfig, received: "):
        records.from_json(GateConfig, text)


@pytest.mark.parametrize(("name", "workers", "processes"), [
    ("multi_worker_mirrored", None, 2),
    ("multi_worker_mirrored", 1, 1),
    ("multi_worker_mirrored", 5, 5),
    ("one_device", None, 1),
    ("one_device", 1, 1),
])  # fmt: skip
def test_the_number_of_workers_follows_the_strategy(name, workers, processes):
    values = {"name": name} | ({} if workers is None else {"workers": workers})
    assert sources.load([{"strategy": values}]).strategy.processes == processes


def test_one_device_with_two_workers_is_refused():
    with pytest.raises(ConfigError, match=r"'one_device'.*strategy\.workers is 2.*multi_worker_mirrored"):
        sources.load([{"strategy": {"name": "one_device"}}, sources.parse_assignment("strategy.workers=2")])


def test_a_gain_is_measured_against_controls():
    with pytest.raises(ConfigError, match=r"student\.seeds=3 .* but controls is false: set controls=true, or"):
        sources.load([{"controls": False}, sources.parse_assignment("student.seeds=3")])
    with pytest.raises(ConfigError, match=r"gate\.require_gain .* but controls is false: set controls=true, or"):
        sources.load([{"controls": False}, sources.parse_assignment("gate.require_gain=true")])
    assert not sources.load([{"controls": False}]).controls
    assert sources.load([{"gate": {"require_gain": True}}]).gate.require_gain


@pytest.mark.parametrize(("text", "layer"), [
    ("training.epochs=5", {"training": {"epochs": 5}}),
    ("beam={workers: 2}", {"beam": {"workers": 2}}),
    (" training.epochs =5", {"training": {"epochs": 5}}),
    ("data.path=/a=b", {"data": {"path": "/a=b"}}),
    ("data.path=null", {"data": {"path": None}}),
    ("data.path='5'", {"data": {"path": "5"}}),
    ("x.y.z=true", {"x": {"y": {"z": True}}}),
    ("gate.tolerance=1e-3", {"gate": {"tolerance": 0.001}}),
    ("gate.tolerance=-2.5E+2", {"gate": {"tolerance": -250.0}}),
    ("gate.tolerance=.5", {"gate": {"tolerance": 0.5}}),
    ("x=1e-3a", {"x": "1e-3a"}),
    ("x=2020-01-01x", {"x": "2020-01-01x"}),
])  # fmt: skip
def test_an_assignment_becomes_a_layer(text, layer):
    parsed = sources.parse_assignment(text)
    assert parsed == layer
    assert repr(parsed) == repr(layer)


@pytest.mark.parametrize("text", ["training.epochs", "=5", "training..epochs=5", ".a=5", ""])
def test_an_assignment_needs_key_and_value(text):
    with pytest.raises(ConfigError) as caught:
        sources.parse_assignment(text)
    assert "training.epochs=5" in str(caught.value)
    assert repr(text) in str(caught.value)


def test_the_value_of_an_assignment_must_be_yaml():
    with pytest.raises(ConfigError, match=r"--set training\.epochs is not YAML: '\['"):
        sources.parse_assignment("training.epochs=[")


def test_yaml_is_read_as_one_layer(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("training:\n  learning_rate: 3e-4 # a text in YAML 1.1\n  epochs: 2\n")
    assert sources.load([sources.read_yaml(file)]).training == TrainingConfig(learning_rate=3e-4, epochs=2)


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "null"])
def test_an_empty_yaml_file_changes_nothing(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    assert sources.read_yaml(file) == {}


@pytest.mark.parametrize(("content", "rule"), [
    (None, "cannot read"),
    (b"a: [", "is not YAML"),
    (b"training:\n  epochs: 3\n  epochs: 4\n", "line 3, column 3: the key 'epochs' is given twice"),
    (b"? [training, epochs]\n: 3\n", "line 1, column 3: found unhashable key"),
    (b"training:\n\tepochs: 3\n", "line 2, column 1: found character"),
    (b"\xff\xfe\x00\xd8", "is not YAML"),
    (b"- training\n", "must hold sections such as 'training:', but holds: ['training']"),
    (b"training", "must hold sections such as 'training:', but holds: training"),
])  # fmt: skip
def test_yaml_that_is_no_layer_is_refused(tmp_path, content, rule):
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        sources.read_yaml(file)
    assert rule in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_folder_is_no_configuration_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the configuration file"):
        sources.read_yaml(tmp_path)


@pytest.mark.parametrize("tag", [
    "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{target}]]",
    "!!python/object/new:pathlib.Path [{target}]",
    "!!python/name:os.system",
])  # fmt: skip
def test_a_yaml_tag_is_refused_and_not_executed(tmp_path, tag):
    target, file = tmp_path / "executed", tmp_path / "config.yaml"
    value = tag.format(target=target)
    file.write_text(f"data:\n  path: {value}\n")
    with pytest.raises(ConfigError, match="is not YAML"):
        sources.read_yaml(file)
    with pytest.raises(ConfigError, match="is not YAML"):
        sources.parse_assignment(f"data.path={value}")
    assert not target.exists()


@pytest.mark.parametrize("text", ["2020-01-01: 1", "training: &a {x: *a}"])
def test_yaml_that_json_cannot_say_is_refused(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="that JSON cannot represent"):
        sources.load([sources.read_yaml(file)])


@pytest.mark.parametrize(("values", "message"), [
    ({"name": "mirrored", "workers": 2}, r"'mirrored' runs in one process, but strategy\.workers is 2"),
    ({"name": "central_storage", "workers": 3}, r"'central_storage' runs in one process"),
    ({"name": "one_device", "logical_devices": 2}, r"but strategy\.logical_devices is 2"),
    ({"logical_devices": 2}, r"'multi_worker_mirrored' has one device in each process .* take strategy\.name=mirrored"),
    ({"name": "one_device", "communication": "ring"}, r"strategy\.communication=ring concerns GPUs or processes"),
    ({"name": "central_storage", "communication": "nccl"}, r"strategy\.communication=nccl"),
    ({"name": "mirrored", "logical_devices": 2, "communication": "ring"}, r"'mirrored' on logical devices"),
])  # fmt: skip
def test_a_strategy_that_contradicts_itself_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        records.from_mapping(StrategyConfig, values)


@pytest.mark.parametrize(("values", "processes"), [
    ({}, 2), ({"workers": 4}, 4), ({"name": "one_device", "workers": 1}, 1),
    ({"name": "mirrored", "logical_devices": 3}, 1), ({"name": "mirrored", "communication": "nccl"}, 1),
    ({"name": "central_storage", "logical_devices": 2}, 1), ({"communication": "ring", "workers": 3}, 3),
])  # fmt: skip
def test_a_strategy_says_how_many_processes_it_takes(values, processes):
    assert records.from_mapping(StrategyConfig, values).processes == processes


def test_keras_has_no_mixed_precision_with_central_storage():
    values = {"strategy": {"name": "central_storage"}, "training": {"precision": "mixed_bfloat16"}}
    with pytest.raises(
        ConfigError, match=r"training\.precision is mixed_bfloat16: take .*=float32, or .*=mirrored"
    ):
        records.from_mapping(Config, values)
    records.from_mapping(Config, values | {"strategy": {"name": "mirrored"}})


def test_runtime_fields_are_those_that_a_run_may_change():
    assert fields.runtime_fields(TrainingConfig) == (
        "epochs", "batch_size", "accumulate", "learning_rate", "seed", "clip_norm", "warmup_steps",
    )  # fmt: skip
    assert {"temperature", "alpha", *weight_fields()} < {*fields.runtime_fields(DistillationConfig)}
    assert fields.runtime_fields(StrategyConfig) == ()
    assert fields.runtime_fields(DataConfig) == ("path", "unlabelled")
    assert fields.runtime_fields(RecoveryConfig) == fields.structural_fields(RecoveryConfig) == ()
    assert fields.operational_fields(RecoveryConfig) == ("restarts", "backoff_seconds", "heartbeat_seconds")


def test_the_tree_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().training.epochs = 3
