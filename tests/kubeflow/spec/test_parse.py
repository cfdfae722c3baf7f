"""What is compiled, read by a current SDK of Kubeflow Pipelines in an environment of its own.

TFX holds this project to an old SDK, whose messages lack fields that today's API server knows. `make .venv-spec/ready`
makes the environment; CI fails without it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from limbeck.settings import sources
from limbeck.settings.containers import resolved
from limbeck.settings.quantities import seconds
from tests.kubeflow.goldens import CONTAINERS, FOLDER, GOLDENS

pytestmark = pytest.mark.long

PYTHON = Path(__file__).parents[3] / ".venv-spec/bin/python"
PARSE = Path(__file__).with_name("parse.py")


def parse(file: Path) -> subprocess.CompletedProcess[str]:
    """Runs `parse.py` in its environment, and nothing of this one."""
    if not PYTHON.exists() and not os.environ.get("CI"):
        pytest.skip("there is no .venv-spec: `make .venv-spec/ready` makes it")
    command = [str(PYTHON), "-I", str(PARSE), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


@pytest.fixture(scope="module", params=list(GOLDENS))
def golden(request: pytest.FixtureRequest) -> Path:
    return FOLDER / str(request.param)


@pytest.fixture(scope="module")
def parsed(golden: Path) -> Any:
    done = parse(golden)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def documents(file: Path) -> list[Any]:
    """The pipeline spec, and the platform document if there is one."""
    spec, *platforms = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    return [spec.get("pipelineSpec", spec), *platforms]


def test_each_field_is_known(golden: Path, parsed: Any):
    spec, *_ = documents(golden)

    # No older than what is simulated.
    assert tuple(map(int, parsed["versions"]["kfp"].split(".")[:2])) >= (2, 17)
    assert parsed["tasks"] == sorted(spec["root"]["dag"]["tasks"])
    assert parsed["executors"] == sorted(spec["deploymentSpec"]["executors"])


def test_the_sdk_loads_it_as_a_component_with_the_parameters_of_a_run(golden: Path, parsed: Any):
    spec, *platforms = documents(golden)

    assert parsed["name"] == spec["pipelineInfo"]["name"]
    assert parsed["inputs"] == sorted(spec["root"]["inputDefinitions"]["parameters"])
    assert [parsed["platform"]] == platforms or parsed["platform"] == {}


def test_what_is_asked_for_is_what_is_read():
    done = parse(FOLDER / "digits.containers.kubeflow.yaml")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    section = sources.load([sources.read_yaml(CONTAINERS)]).containers

    assert set(found["entries"]) == set(found["resources"]) == set(found["executors"])
    for label, entry in found["entries"].items():
        asked = resolved(section, label.removesuffix("_executor"))
        assert entry["activeDeadlineSeconds"] == str(seconds(asked.timeout or ""))
        assert entry.get("nodeSelector", {}).get("labels") == asked.node_selector
        assert len(entry.get("tolerations", [])) == len(asked.tolerations or ())
        assert found["resources"][label]["resourceMemoryLimit"] == asked.memory
        accelerator = found["resources"][label].get("accelerator", {})
        assert accelerator.get("resourceCount", "0") == str(asked.accelerator.number)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("dependentTasks:", "dependentTask:", 'no field named "dependentTask"'),
        ("resourceCpuLimit:", "resourceCpusLimit:", 'no field named "resourceCpusLimit"'),
        ("    deploymentSpec:", "    deploymentSpecs:", 'no field named "deploymentSpecs"'),
        ("nodeSelector:", "nodeSelectors:", 'no field named "nodeSelectors"'),
    ],
)
def test_a_misspelt_field_would_be_found(right: str, wrong: str, message: str, tmp_path: Path):
    text = (FOLDER / "digits.containers.kubeflow.yaml").read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "misspelt.yaml"
    file.write_text(text.replace(right, wrong), encoding="utf-8")

    done = parse(file)

    assert done.returncode == 1
    assert message in done.stderr
