"""CPU, memory and accelerators, spelt for each target; and what a target does not have."""

from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.node_containers import containers_of_tasks
from limbeck.kubeflow.rewrites.resources import set_resources
from limbeck.kubeflow.rewrites.target_settings import assert_available
from limbeck.settings import sources
from limbeck.settings.containers import ContainerConfig
from tests.kubeflow.specs import changed, container_of, stock


def section(text: str) -> dict[str, ContainerConfig]:
    """The settings `containers`, as YAML."""
    return sources.load([sources.parse_assignment(f"containers={{{text}}}")]).containers


def resources(text: str, target: str, node: str = "ExampleGen") -> Any:
    """What the container of a node gets."""
    before = stock()
    containers = containers_of_tasks(before, section(text))
    after = changed(lambda spec: set_resources(spec, containers, target), before)
    found = {each: container_of(after, each).pop("resources", None) for each in ("ExampleGen", "StatisticsGen")}
    assert after == before
    return found[node]


GPU = "accelerator: {type: nvidia.com/gpu, count: 2}"


def test_kubeflow_reads_quantities():
    asked = f"ExampleGen: {{cpu: 500m, cpu_request: 0.25, memory: 4Gi, memory_request: 1.5G, {GPU}}}"
    assert resources(asked, "kubeflow") == {
        "resourceCpuLimit": "500m",
        "resourceCpuRequest": "0.25",
        "resourceMemoryLimit": "4Gi",
        "resourceMemoryRequest": "1.5G",
        "accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"},
    }
    assert resources(asked, "kubeflow", "StatisticsGen") is None


def test_vertex_reads_numbers():
    asked = "ExampleGen: {cpu: 500m, memory: 4Gi, accelerator: {type: NVIDIA_TESLA_T4}}"
    assert resources(asked, "vertex") == {
        "cpuLimit": 0.5,
        "memoryLimit": 4.294967296,
        "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "1"},
    }


def test_what_is_asked_for_all_nodes_is_for_each():
    for node in ("ExampleGen", "StatisticsGen"):
        assert resources("default: {cpu: 3}", "kubeflow", node) == {"resourceCpuLimit": "3"}
    # No accelerator, where the node itself says so.
    assert resources(f"default: {{{GPU}}}, ExampleGen: {{accelerator: {{count: 0}}}}", "kubeflow") is None


def test_a_node_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(ConfigError) as caught:
        containers_of_tasks(stock(), section("ExampelGen: {cpu: 2}"))
    assert str(caught.value) == (
        "the settings have a section 'containers.ExampelGen', and the pipeline has no such node. Did you mean "
        "'ExampleGen'? Its nodes: ExampleGen, StatisticsGen; 'default' is for all"
    )


def test_accelerators_of_no_type_are_refused():
    with pytest.raises(ConfigError, match=r"containers\.ExampleGen\.accelerator has a count, and no type"):
        containers_of_tasks(stock(), section("ExampleGen: {accelerator: {count: 1}}"))


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            "A: {node_selector: {pool: gpu}}",
            "vertex",
            "containers.A.node_selector is not for Vertex AI: it has no node",
        ),
        ("A: {tolerations: [{operator: Exists}]}", "vertex", "it has no tolerations"),
        ("default: {claims: {/data: data}}", "vertex", "containers.default.claims is not for Vertex AI"),
        ("A: {empty_dirs: {/data: {}}}", "vertex", "it has no volumes"),
        ("A: {secrets: {A: {name: a, key: b}}}", "vertex", "give the run a service account"),
        ("A: {timeout: 3h}", "vertex", "it has no timeout of a task"),
        ("A: {labels: {a: b}}", "vertex", "give them to the run"),
        ("A: {annotations: {a: b}}", "vertex", "it has no annotations"),
        ("A: {image_pull_policy: Always}", "vertex", "it pulls the image for each task"),
        ("A: {image_pull_secrets: [a]}", "vertex", "let that read the registry"),
        ("A: {cpu_request: 1}", "vertex", "it has no requests beside limits: give cpu"),
        ("A: {memory_request: 1Gi}", "vertex", "it has no requests beside limits: give memory"),
        (f"A: {{{GPU}}}", "vertex", "is of the other target: Vertex AI has constants such as NVIDIA_TESLA_T4"),
        ("A: {accelerator: {type: NVIDIA_L4}}", "kubeflow", "Kubernetes has resources such as nvidia.com/gpu"),
    ],
)
def test_what_the_target_does_not_have_is_refused(text: str, target: str, message: str):
    with pytest.raises(ConfigError) as caught:
        assert_available(stock(), section(text), target)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (f"A: {{{GPU}, node_selector: {{pool: gpu}}, timeout: 3h, claims: {{/data: data}}}}", "kubeflow"),
        ("A: {cpu: 4, memory: 8Gi, accelerator: {type: NVIDIA_L4}, retry: {count: 2}, cache: false}", "vertex"),
        # An empty one asks for nothing.
        ("A: {labels: {}, tolerations: [], claims: {}}", "vertex"),
    ],
)
def test_what_the_target_has_passes(text: str, target: str):
    assert changed(lambda spec: assert_available(spec, section(text), target), stock()) == stock()


def test_every_setting_is_either_for_vertex_or_refused():
    from limbeck.kubeflow.rewrites import target_settings

    everything = set(ContainerConfig.__dataclass_fields__)
    assert everything - set(target_settings._NOT_ON_VERTEX) == {"cpu", "memory", "accelerator", "retry", "cache"}
