"""The platform document: refused where Kubernetes would refuse the pod; otherwise, all of it reaches the pod.

The pods are those of the simulation, with the rules of each release. Its traces hold what KFP itself did with a
document that was written by hand.
"""

import copy
import datetime
import json
from typing import Any

import pytest
import yaml

from limbeck.errors import ConfigError
from limbeck.kubeflow import platform_document as platform_document_module
from limbeck.kubeflow.node_containers import containers_of_tasks
from limbeck.kubeflow.platform_document import platform_document
from limbeck.kubeflow.rewrites.resources import set_resources
from limbeck.kubeflow.rewrites.retries import set_retries
from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import rules
from limbeck.kubeflow.simulate.workflow import pod_templates
from limbeck.kubeflow.simulate.workflow.document import NewRun, compile_run
from limbeck.kubeflow.strict_fields import assert_fields
from limbeck.settings import sources
from limbeck.settings.containers import ContainerConfig
from tests import schemas
from tests.kubeflow.simulate.probe import TRACES, Json, found, run, spec, step, task
from tests.kubeflow.specs import container_of, stock

kubernetes_validate = schemas.kubernetes_validate()
RELEASES = ("2.5", "2.15", "2.17")
# What the trace `platform-everything` asks for by hand, but for a field of the pod as environment.
EVERYTHING = """
    timeout: 10m
    node_selector: {pool: gpu}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    secrets: {KEY: {name: mlpipeline-minio-artifact, key: accesskey}}
    claims: {/claim: claim}
    empty_dirs: {/dev/shm: {medium: Memory}}
    labels: {kueue.x-k8s.io/queue-name: q}
    annotations: {sidecar.istio.io/inject: "false"}
"""


def section(**nodes: str) -> dict[str, ContainerConfig]:
    """The settings `containers`, each entry as YAML."""
    return sources.load([{"containers": {name: yaml.safe_load(text) for name, text in nodes.items()}}]).containers


def document(**nodes: str) -> Json | None:
    """The platform document of the small pipeline."""
    before = stock()
    kept = copy.deepcopy(before)
    made = platform_document(before, containers_of_tasks(before, section(**nodes)))
    assert before == kept
    return made


def entries(**nodes: str) -> Json:
    """The entries of the document's executors."""
    made = document(**nodes)
    assert made is not None
    assert_fields(stock_for_kubeflow(), made)
    executors: Json = made["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return executors


def stock_for_kubeflow() -> Json:
    before = stock()
    del container_of(before, "ExampleGen")["lifecycle"]
    return before


def test_without_anything_of_a_pod_there_is_none():
    assert document() is None
    assert (
        document(default="{cpu: 2, memory: 4Gi, retry: {count: 2}, cache: false, labels: {}, claims: {}}") is None
    )


def test_the_volumes_of_the_pod_are_known():
    assert platform_document_module._MOUNTED == pod_templates._MOUNTS


def test_an_entry_has_the_name_of_its_executor():
    assert entries(ExampleGen="{timeout: 1h}") == {"ExampleGen_executor": {"activeDeadlineSeconds": 3600}}
    assert set(entries(default="{timeout: 1h}")) == {"ExampleGen_executor", "StatisticsGen_executor"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{secrets: {PLAIN: {name: a, key: b}}}", "containers.ExampleGen.secrets.PLAIN is a variable that the"),
        ("{secrets: {KFP_POD_NAME: {name: a, key: b}}}", "KFP_POD_NAME is a variable that the container has"),
        ("{claims: {/a: data, /b: data}}", "claims mounts 'data' at /b, and there is a volume of this name at /a"),
        ("{claims: {/a: kfp-launcher}}", "there is a volume of this name at /kfp-launcher already"),
        ("{claims: {/minio: data}}", "claims has /minio, where the volume 'minio-scratch' is mounted"),
        ("{claims: {/a: data}, empty_dirs: {/a: {}}}", "claims has /a, where the volume 'limbeck-empty-dir-0'"),
        ("{empty_dirs: {/gcs: {}}}", "empty_dirs has /gcs, where Kubeflow Pipelines mounts a volume"),
    ],
)
def test_what_kubernetes_would_refuse_is_refused(text: str, message: str):
    before = stock()
    container_of(before, "ExampleGen")["env"] = [{"name": "PLAIN", "value": "1"}]
    with pytest.raises(ConfigError) as caught:
        platform_document(before, containers_of_tasks(before, section(ExampleGen=text)))
    assert message in str(caught.value)


class TestStrictFields:
    """A document that KFP would drop in silence, or refuse without a place, is never written."""

    def test_what_is_compiled_passes(self):
        made = document(default=EVERYTHING)
        assert_fields(stock_for_kubeflow(), made)
        assert accept(f"{json.dumps(stock_for_kubeflow())}\n---\n{json.dumps(made)}", rules("2.17")).warnings == ()

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            (["platforms"], "unknown field 'misspelt'"),
            (["platforms", "kubernetes", "deploymentSpec"], "unknown field 'misspelt'"),
            (["platforms", "kubernetes", "deploymentSpec", "executors"], "misspelt, which is no executor"),
            (
                ["platforms", "kubernetes", "deploymentSpec", "executors", "ExampleGen_executor", "nodeSelector"],
                "unknown field 'misspelt' at platform document, ExampleGen_executor.misspelt",
            ),
        ],
    )
    def test_a_misspelt_key_is_found(self, path: list[str], message: str):
        made: Any = document(ExampleGen=EVERYTHING)
        *above, last = path
        inside = made
        for key in above:
            inside = inside[key]
        inside["misspelt"] = inside[last] if last != "executors" else {}
        if last == "executors":
            inside.pop("misspelt")
            inside["executors"]["misspelt"] = {}
        with pytest.raises(ValueError, match=message):
            assert_fields(stock_for_kubeflow(), made)

    def test_a_misspelt_field_of_a_container_is_found(self):
        before = stock_for_kubeflow()
        container_of(before, "ExampleGen")["resource"] = {}
        with pytest.raises(ValueError, match=r"unknown field 'resource' at deploymentSpec\.executors"):
            assert_fields(before, None)


def pods(release: str, text: str) -> Json:
    """The pod of a step that asks for something, and how often it was tried, as the simulation's trace tells it."""
    asked = section(one=text)
    pipeline = spec([step("one", {"exit": 0})], {"one": task("one")})
    containers = containers_of_tasks(pipeline, asked)
    pipeline = set_resources(pipeline, containers, "kubeflow")
    pipeline = set_retries(pipeline, containers, "kubeflow")
    platform = platform_document(pipeline, containers)
    assert_fields(pipeline, platform)
    documents = [pipeline] if platform is None else [pipeline, platform]
    (outcome,) = run("\n---\n".join(map(json.dumps, documents)), release)
    assert outcome.refusal is None
    assert outcome.trace["phase"] == "Succeeded"
    return dict(found(outcome.trace, "root.one-driver")["pod"])


def assert_kubernetes_takes(made: Json) -> None:
    """Holds a pod against the schemas of Kubernetes, by which a misspelt field is an error."""
    inside = ("env", "image", "imagePullPolicy", "resources", "volumeMounts")
    container = {"name": "main", **{key: made[key] for key in inside if key in made}}
    body = {"containers": [container], **made["patch"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": body}
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.processes
@pytest.mark.parametrize("release", RELEASES)
class TestPods:
    def test_all_of_the_document_is_in_the_pod(self, release: str):
        trace = json.loads((TRACES / "2.17.0" / "platform-everything" / "expected.json").read_text("utf-8"))
        theirs = found(trace["runs"][0], "root.make-driver")["pod"]
        # KFP was asked for one more, which is not among our settings.
        theirs["env"] = [one for one in theirs["env"] if "fieldRef" not in one["valueFrom"]]
        text = json.dumps(theirs).replace('"shm"', '"limbeck-empty-dir-0"')

        made = pods(release, EVERYTHING)

        assert made == json.loads(text)
        assert_kubernetes_takes(made)

    def test_resources_and_pulling_of_the_image(self, release: str):
        made = pods(
            release,
            "{cpu: 2, cpu_request: 500m, memory: 1.5Gi, memory_request: 1G, image_pull_policy: Never,"
            " accelerator: {type: nvidia.com/gpu, count: 3}, image_pull_secrets: [first, second],"
            " empty_dirs: {/a: {size: 1.5Gi}, /b: {}},"
            " tolerations: [{key: a, value: b, effect: NoExecute, seconds: 0}, {operator: Exists}]}",
        )
        assert made["resources"] == {
            "limits": {"cpu": "2", "memory": "1536Mi", "nvidia.com/gpu": "3"},
            "requests": {"cpu": "500m", "memory": "1G"},
        }
        assert made["imagePullPolicy"] == "Never"
        assert made["patch"]["imagePullSecrets"] == [{"name": "first"}, {"name": "second"}]
        assert made["patch"]["volumes"] == [
            {"name": "limbeck-empty-dir-0", "emptyDir": {"sizeLimit": "1536Mi"}},
            {"name": "limbeck-empty-dir-1", "emptyDir": {}},
        ]
        assert made["patch"]["tolerations"] == [
            {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 0},
            {"operator": "Exists"},
        ]
        assert_kubernetes_takes(made)

    def test_labels_and_annotations_are_on_the_pods_template(self, release: str):
        pipeline = spec([step("one", {})], {"one": task("one")})
        containers = containers_of_tasks(pipeline, section(one="{labels: {a: b}, annotations: {c: d e}}"))
        text = f"{json.dumps(pipeline)}\n---\n{json.dumps(platform_document(pipeline, containers))}"
        new = NewRun("id", "name", datetime.datetime.now(datetime.timezone.utc), "minio://mlpipeline/v2/artifacts")
        workflow = json.dumps(compile_run(accept(text, rules(release)), {}, new, rules(release)).document)
        given = {"label-key": "a", "label-val": "b", "annotation-key": "c", "annotation-val": "d e"}
        for name, value in given.items():
            assert json.dumps({"name": f"pod-metadata-{name}", "value": value}) in workflow

    def test_a_step_that_fails_is_tried_again_as_often_as_is_asked(self, release: str):
        pipeline = spec([step("one", {"exit": 1})], {"one": task("one")})
        containers = containers_of_tasks(
            pipeline, section(one="{retry: {count: 2, backoff: 1h, backoff_factor: 3}}")
        )
        (outcome,) = run(set_retries(pipeline, containers, "kubeflow"), release)
        steps = [one for one in outcome.trace["tasks"] if one["kind"] == "EXECUTOR"]
        assert [one["exit"] for one in steps] == [1, 1, 1]
