"""What a container is asked to get: amounts, names, and which entry counts for a node."""

import json
from decimal import Decimal
from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.records import from_json, to_json
from limbeck.settings import sources
from limbeck.settings.config import Config
from limbeck.settings.containers import ContainerConfig, TolerationConfig, resolved
from limbeck.settings.descriptions import describe
from limbeck.settings.quantities import cores, seconds, size


def loaded(*assignments: str) -> Config:
    return sources.load([sources.parse_assignment(text) for text in assignments])


@pytest.mark.parametrize(("text", "expected"), [("2", 2), ("500m", "0.5"), ("0.25", "0.25"), ("1500m", "1.5")])
def test_amounts_of_cpu(text: str, expected: Any):
    assert cores(text) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("4Gi", 4 * 1024**3), ("512Mi", 512 * 1024**2), ("1.5G", 1_500_000_000), ("3k", 3000)]
)
def test_amounts_of_memory(text: str, expected: int):
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("1d1h1m1s", 90_061)]
)
def test_lengths_of_time(text: str, expected: int):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("T.cpus=2", "unknown configuration key 'containers.T.cpus'. Did you mean 'cpu'?"),
        (
            "T.cpu=two",
            "'containers.T.cpu': Input should be an amount of CPU such as 2, 0.5 or 500m; received 'two'",
        ),
        ("T.cpu=-1", "received '-1'"),
        ("T.cpu=0", "an amount of CPU"),
        ("T.cpu=0.0001", "an amount of CPU"),
        ("T.cpu=true", "received True"),
        ("T.cpu=1k", "an amount of CPU"),
        # Four bytes, to Kubernetes.
        ("T.memory=4", "an amount of memory with its unit, such as 512Mi, 4Gi or 1.5G; received '4'"),
        ("T.memory=4GB", "received '4GB'"),
        ("T.memory=500m", "received '500m'"),
        ("T.timeout=90", "a length of time with its unit"),
        ("T.timeout=0s", "received '0s'"),
        ("T.timeout=1m1h", "received '1m1h'"),
        ("T.retry.count=-1", "'containers.T.retry.count': Input should be greater than or equal to 0"),
        ("T.retry.cont=1", "'containers.T.retry.cont'. Did you mean 'count'?"),
        ("T.retry.backoff_factor=1.5", "'containers.T.retry.backoff_factor'"),
        ("T.accelerator.type=gpu", "such as nvidia.com/gpu (Kubernetes) or NVIDIA_TESLA_T4 (Vertex AI)"),
        ("T.tolerations=[{keys: gpu}]", "'containers.T.tolerations.0.keys'. Did you mean 'key'?"),
        ("T.tolerations=[{value: a}]", "needs the operator Exists"),
        ("T.tolerations=[{key: a, value: b, operator: Exists}]", "has no value"),
        ("T.tolerations=[{key: a, value: b, seconds: 3}]", "with the effect NoExecute"),
        ("T.tolerations=[{key: a, effect: Never}]", "'NoSchedule', 'PreferNoSchedule' or 'NoExecute'"),
        ("T.secrets={A: {name: x}}", "'containers.T.secrets.A.key': Field required"),
        ("T.secrets={A: {name: x, kye: y, key: z}}", "'containers.T.secrets.A.kye'. Did you mean 'key'?"),
        ("T.secrets={1A: {name: x, key: y}}", "'containers.T.secrets.1A': Input should be the name of a variable"),
        ("T.secrets={A: {name: X, key: y}}", "Input should be the name of an object"),
        ("T.claims={data: x}", "'containers.T.claims.data': Input should be an absolute path"),
        ("T.claims={/: x}", "absolute path"),
        ("T.claims={/a/../b: x}", "absolute path"),
        ("T.claims={/data: a.b}", "Input should be the name of a claim"),
        ("T.empty_dirs={/dev/shm: {siz: 3Gi}}", "'containers.T.empty_dirs./dev/shm.siz'. Did you mean 'size'?"),
        ("T.node_selector={gpu: true}", "'containers.T.node_selector.gpu': Input should be a text"),
        ("T.labels={a b: c}", "Input should be the key of a label"),
        ("T.labels={a/b/c: c}", "Input should be the key of a label"),
        ("T.labels={a: -c}", "Input should be the value of a label"),
        ("T.annotations={a: '{{workflow.name}}'}", "which Argo would replace"),
        ("T.image_pull_policy=always", "'Always', 'IfNotPresent' or 'Never'"),
        ("T={cpu: 1, cpu_request: 1001m}", "cpu_request must not be more than cpu=1"),
        ("T={memory: 1Gi, memory_request: 1.1G}", "memory_request must not be more than memory=1Gi"),
        ("T=null", "'containers.T': Input should be a section"),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(assignment: str, message: str):
    with pytest.raises(ConfigError) as caught:
        loaded(f"containers.{assignment}")
    assert message in str(caught.value)


def test_a_section_is_read_back_as_it_was_written():
    config = loaded(
        "containers.default={cpu: 2, memory: 4Gi, retry: {count: 3}, tolerations: [{key: gpu, operator: Exists}]}",
        "containers.T={secrets: {A: {name: x, key: y}}, empty_dirs: {/dev/shm: {}}, image_pull_secrets: [a, b]}",
    )
    assert from_json(Config, to_json(config)) == config
    assert config.containers["default"].cpu == "2"
    assert config.containers["default"].tolerations == (TolerationConfig(key="gpu", operator="Exists"),)


class TestResolved:
    def of(self, node: str, *assignments: str) -> ContainerConfig:
        return resolved(loaded(*(f"containers.{text}" for text in assignments)).containers, node)

    def test_without_any_entry_nothing_is_asked_for(self):
        assert self.of("T") == ContainerConfig()

    def test_what_a_nodes_entry_leaves_out_is_as_in_the_default(self):
        found = self.of(
            "T", "default={cpu: 2, retry: {count: 3, backoff: 1m}}", "T={memory: 8Gi, retry: {count: 0}}"
        )
        assert (found.cpu, found.memory, found.retry.count, found.retry.backoff) == ("2", "8Gi", 0, "1m")
        assert self.of("Other", "default.cpu=2", "T.cpu=8").cpu == "2"

    def test_maps_and_lists_are_replaced_as_a_whole(self):
        default = "default={labels: {a: b}, tolerations: [{operator: Exists}]}"
        assert self.of("T", default, "T.labels={c: d}").labels == {"c": "d"}
        emptied = self.of("T", default, "T={labels: {}, tolerations: []}")
        assert (emptied.labels, emptied.tolerations) == ({}, ())

    def test_entries_that_break_a_rule_together_are_refused_for_the_node(self):
        with pytest.raises(ConfigError) as caught:
            self.of("T", "default.cpu=1", "T.cpu_request=2")
        assert str(caught.value) == (
            "configuration key 'containers.T': cpu_request must not be more than cpu=1; "
            "received {'cpu': '1', 'accelerator': {}, 'retry': {}, 'cpu_request': '2'}"
        )

    def test_a_type_of_accelerator_alone_asks_for_one(self):
        assert self.of("T", "T.accelerator.type=nvidia.com/gpu").accelerator.number == 1
        assert self.of("T", "default.accelerator.type=a.b/c", "T.accelerator.count=0").accelerator.number == 0
        assert self.of("T").accelerator.number == 0


def test_no_container_changes_a_result_and_the_docs_have_each_setting():
    told = {one.key: one for one in describe() if one.key.startswith("containers.")}

    assert {"containers.NODE.cpu", "containers.NODE.retry.backoff", "containers.NODE.accelerator.type"} <= set(
        told
    )
    assert {one.kind for one in told.values()} == {"operational"}
    assert json.dumps([one.default for one in told.values()]) == json.dumps([None] * len(told))
