"""What is compiled now, against the golden files, which were read."""

import datetime
import json
from pathlib import Path

import pytest
import yaml

from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import NAMES, rules
from limbeck.kubeflow.simulate.workflow.document import NewRun, compile_run
from limbeck.settings import sources
from limbeck.settings.containers import ContainerConfig
from limbeck.settings.descriptions import describe
from tests.kubeflow.goldens import CONTAINERS, FOLDER, GOLDENS, compiled

DOCS = Path(__file__).parents[2] / "docs/kubeflow.md"


@pytest.mark.pipeline
@pytest.mark.parametrize("name", GOLDENS)
def test_what_is_compiled_is_as_it_was_read(name: str, tmp_path: Path):
    kept = (FOLDER / name).read_text(encoding="utf-8")

    assert compiled(name, tmp_path) == kept, (
        "the compiled pipeline has changed: write it with `python -m tests.kubeflow.goldens`, and read the difference"
    )


def test_every_setting_of_a_container_is_in_one_of_them():
    given = sources.read_yaml(CONTAINERS)["containers"].values()
    names = {
        f"{name}.{inner}" if name in ("accelerator", "retry") else name
        for entry in given
        for name, value in entry.items()
        for inner in (value if isinstance(value, dict) else ("",))
    }
    assert names == {one.key for one in describe(ContainerConfig)}


def test_the_documents_of_the_containers_differ_from_those_without_in_nothing_but_what_is_asked_for():
    [plain] = yaml.safe_load_all((FOLDER / "digits.kubeflow.yaml").read_text(encoding="utf-8"))
    spec, platform = yaml.safe_load_all((FOLDER / "digits.containers.kubeflow.yaml").read_text(encoding="utf-8"))

    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"].pop("resources")["resourceCpuLimit"] in ("2", "8")
    for task in spec["root"]["dag"]["tasks"].values():
        assert task.pop("retryPolicy")["maxRetryCount"] == 2
    reporter = spec["root"]["dag"]["tasks"]["Reporter"]
    assert reporter["cachingOptions"] == {"enableCache": False}
    reporter["cachingOptions"] = {"enableCache": True}
    assert spec == plain
    assert set(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]) == set(
        spec["deploymentSpec"]["executors"]
    )


@pytest.mark.parametrize("release", NAMES)
def test_each_release_makes_a_workflow_of_it(release: str):
    accepted = accept((FOLDER / "digits.containers.kubeflow.yaml").read_text(encoding="utf-8"), rules(release))
    new = NewRun("id", "name", datetime.datetime.now(datetime.timezone.utc), "minio://mlpipeline/v2/artifacts")

    workflow = json.dumps(compile_run(accepted, {}, new, rules(release)).document)

    assert accepted.warnings == ()
    assert set(accepted.platform) == set(accepted.executors)
    assert json.dumps({"name": "pod-metadata-label-val", "value": "team"}) in workflow


def test_both_targets_have_the_same_graph():
    [kubeflow] = yaml.safe_load_all((FOLDER / "digits.kubeflow.yaml").read_text(encoding="utf-8"))
    vertex = json.loads((FOLDER / "digits.vertex.json").read_text(encoding="utf-8"))["pipelineSpec"]

    assert kubeflow["root"] == vertex["root"]
    assert kubeflow["components"] == vertex["components"]


def test_the_docs_show_the_settings_that_are_compiled():
    _, _, text = CONTAINERS.read_text(encoding="utf-8").partition("\n")
    assert f"```yaml\n{text.rstrip()}\n```" in DOCS.read_text(encoding="utf-8")
