"""Small parts: placeholders of driver and launcher, variables of pods, the cache key, what a command tells."""

from pathlib import Path
from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.simulate.cache import Cache, cache_key
from limbeck.kubeflow.simulate.driver.options import DriverError
from limbeck.kubeflow.simulate.driver.outputs import provision
from limbeck.kubeflow.simulate.driver.placeholders import single, words
from limbeck.kubeflow.simulate.launcher import command
from limbeck.kubeflow.simulate.launcher.artifacts import merge, title
from limbeck.kubeflow.simulate.launcher.errors import LauncherDiedError, LauncherError
from limbeck.kubeflow.simulate.pod.variables import expand, of_pod
from limbeck.kubeflow.simulate.said import said
from limbeck.kubeflow.simulate.versions import rules

VALUES = {"a": "A", "n": 1234567.5, "none": None}


def test_the_driver_replaces_placeholders_of_parameters() -> None:
    given = ["x={{$.inputs.parameters['a']}}!", "{{$}}", "{{$.inputs.parameters['n']}}"]
    assert words(given, VALUES) == ["x=A!", "{{$}}", "1.2345675e+06"]


def test_the_driver_leaves_an_argument_with_outputs_to_the_launcher() -> None:
    given = ["{{$.inputs.parameters['missing']}} {{$.outputs.artifacts['data'].path}}"]
    assert words(given, VALUES) == given


def test_a_placeholder_without_value_kills_the_driver() -> None:
    with pytest.raises(DriverError, match="'missing' not found"):
        words(["{{$.inputs.parameters['missing']}}"], VALUES)


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ('{"IfPresent": {"InputName": "a", "Then": ["--a", "{{$.inputs.parameters[\'a\']}}"]}}', ["--a", "A"]),
        ('{"IfPresent": {"InputName": "none", "Then": "yes", "Else": "no"}}', ["no"]),
        ('{"IfPresent": {"InputName": "b", "Then": "yes"}}', []),
    ],
)
def test_an_argument_for_what_is_present(clause: str, expected: list[str]) -> None:
    assert words([clause], VALUES) == expected


def test_an_image_may_be_a_parameter() -> None:
    assert single("{{$.inputs.parameters['a']}}", VALUES) == "A"
    assert single("image:1", VALUES) == "image:1"
    with pytest.raises(DriverError):
        single("{{$.inputs.parameters['b']}}", VALUES)


EXECUTOR_INPUT: dict[str, Any] = {
    "inputs": {"parameterValues": {"a": "{{$.inputs.parameters['b']}}"}},
    "outputs": {
        "artifacts": {"data": {"artifacts": [{"uri": "minio://b/data"}]}},
        "parameters": {"p": {"outputFile": "/tmp/p"}},
        "outputFile": "/tmp/o",
    },
}
COMPONENT = {"inputDefinitions": {"parameters": {"b": {"parameterType": "STRING", "defaultValue": "B"}}}}


def test_the_launcher_adds_defaults_of_the_component_for_placeholders_only() -> None:
    given = [
        "run",
        "{{$.inputs.parameters['b']}}",
        "{{$.outputs.artifacts['data'].path}}",
        "{{$.outputs.parameters['p'].output_file}}",
    ]
    assert command.words(EXECUTOR_INPUT, COMPONENT, given, rules("2.17")) == [
        "run",
        "B",
        "/minio/b/data",
        "/tmp/p",
    ]
    assert "b" not in EXECUTOR_INPUT["inputs"]["parameterValues"]


def test_a_value_that_looks_like_a_placeholder_is_rewritten() -> None:
    (_, word) = command.words(EXECUTOR_INPUT, COMPONENT, ["run", "{{$}}"], rules("2.17"))
    assert '"a":"B"' in word


def test_the_first_word_knows_placeholders_before_2_15_only() -> None:
    given = ["{{$.inputs.parameters['b']}}"]
    assert command.words(EXECUTOR_INPUT, COMPONENT, given, rules("2.5")) == ["B"]
    assert command.words(EXECUTOR_INPUT, COMPONENT, given, rules("2.15")) == given


def test_outputs_of_each_release() -> None:
    def of(release: str) -> dict[str, Any]:
        return provision("minio://b/root", "task", "salt", {"parameters": {"p": {}}}, rules(release))

    assert of("2.17")["outputFile"] == "/minio/b/root/task/salt/output_metadata.json"
    assert of("2.5")["outputFile"] == "/tmp/kfp_outputs/output_metadata.json"
    assert "name" not in of("2.5")["artifacts"]["executor-logs"]["artifacts"][0]
    assert (
        of("2.15")["artifacts"]["executor-logs"]["artifacts"][0]["uri"] == "minio://b/root/task/salt/executor-logs"
    )
    assert of("2.17")["parameters"] == {"p": {"outputFile": "/tmp/kfp/outputs/p"}}


def test_an_artifact_of_the_output_file_is_merged_key_by_key() -> None:
    artifact = {"uri": "minio://b/a", "metadata": {"declared": 1, "n": 1}}
    merge(artifact, {"metadata": {"n": 2}, "uri": "", "customPath": "/tmp/x"})
    assert artifact == {"uri": "minio://b/a", "metadata": {"declared": 1, "n": 2}, "customPath": "/tmp/x"}


def test_the_title_of_a_type() -> None:
    assert title({"schemaTitle": "system.Model"}) == "system.Model"
    assert title({"instanceSchema": "title: tfx.Examples\ntype: object\n"}) == "tfx.Examples"
    with pytest.raises(LauncherDiedError):
        title({"instanceSchema": "type: object\n"})
    for unusable in ({"schemaUri": "http://somewhere"}, {"instanceSchema": "title: [1"}, {}):
        with pytest.raises(LauncherError):
            title(unusable)


def test_variables_in_arguments() -> None:
    known = {"NAME": "value"}
    assert expand("$(NAME) $(OTHER) $NAME $$(NAME) $", known) == "value $(OTHER) $NAME $(NAME) $"
    environment = [
        {"name": "A", "value": "$(KFP_POD_NAME)"},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "k"}}},
    ]
    found = of_pod("pod", "uid", environment, attempt=2)
    assert (found["A"], found["B"], found["KFP_RETRY_INDEX"]) == ("pod", "kubeflow", "2")
    assert "C" not in found


def key(**changes: Any) -> str:
    """A cache key, with changes to what it is made of."""
    artifact = {"name": changes.get("artifact", "7"), "uri": changes.get("input_uri", "minio://b/in")}
    output = {
        "name": "data",
        "uri": changes.get("uri", "minio://b/x"),
        "type": {"schemaTitle": changes.get("kind", "T")},
    }
    given = {
        "inputs": {"artifacts": {"in": {"artifacts": [artifact]}}, "parameterValues": {"t": changes.get("t", 2)}},
        "outputs": {"artifacts": {"data": {"artifacts": [output]}}},
    }
    container = {
        "image": changes.get("image", "i:1"),
        "args": [changes.get("word", "w")],
        "env": changes.get("env", []),
    }
    return cache_key(given, {}, container, changes.get("claims", []))


@pytest.mark.parametrize(
    "change", [{"artifact": "8"}, {"t": 3}, {"kind": "U"}, {"image": "i:2"}, {"word": "v"}, {"claims": ["c"]}]
)
def test_what_the_cache_key_takes_in(change: dict[str, Any]) -> None:
    assert key(**change) != key()


@pytest.mark.parametrize(
    "change", [{"uri": "minio://b/y"}, {"input_uri": "minio://b/y"}, {"env": [{"name": "A"}]}]
)
def test_what_the_cache_key_does_not_take_in(change: dict[str, Any]) -> None:
    assert key(**change) == key()


def test_the_latest_entry_of_a_pipeline_counts(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache.json")
    cache.add("one", "key", 1)
    cache.add("one", "key", 2)
    again = Cache(tmp_path / "cache.json")
    assert (again.find("one", "key"), again.find("other", "key")) == (2, None)


def test_what_a_command_told() -> None:
    log = 'PROBE {"a": 1}\nwords\nREAD ["b", 2]\nNOT {json}\nlower {"a": 1}\n'
    assert said(log) == [{"probe": {"a": 1}}, {"read": ["b", 2]}]


def test_a_release_that_is_not_known() -> None:
    with pytest.raises(ConfigError, match=r"2\.5, 2\.15, 2\.17"):
        rules("2.16")
    assert [rules(name).number for name in ("2.5", "2.15", "2.17")] == [(2, 5, 0), (2, 15, 0), (2, 17, 0)]
