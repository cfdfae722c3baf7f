"""What is found out about a compiled file before the network is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from limbeck.errors import UserError
from limbeck.kubeflow.submit.document import read
from tests.kubeflow.submit import compiled


def test_the_file_says_for_which_service_it_is(tmp_path: Path) -> None:
    kubeflow, vertex = (read(compiled.write(tmp_path, target)) for target in ("kubeflow", "vertex"))
    assert (kubeflow.target, vertex.target) == ("kubeflow", "vertex")
    for document in (kubeflow, vertex):
        assert document.name == "limbeck-small"
        assert sorted(document.tasks) == ["DataFingerprint", "ExampleGen", "StatisticsGen"]
        assert document.warnings == ()


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
class TestBothTargets:
    def written(self, folder: Path, target: str, spec: dict[str, Any]) -> Path:
        file = folder / "file"
        file.write_text(yaml.safe_dump(spec) if target == "kubeflow" else json.dumps({"pipelineSpec": spec}))
        return file

    def test_a_root_that_was_never_given(self, tmp_path, target):
        spec = compiled.spec(target)
        executor = spec["deploymentSpec"]["executors"]["StatisticsGen_executor"]["container"]
        executor["args"].append("--accepted=gs://BUCKET/limbeck/accepted")
        told = refused(self.written(tmp_path, target, spec))
        assert "placeholder gs://BUCKET" in told
        assert "--root gs://your-bucket/folder" in told

    @pytest.mark.parametrize("image", ["IMAGE", "registry.example/limbeck:1", "gcr.io/<project>/limbeck"])
    def test_an_image_that_was_never_given(self, tmp_path, target, image):
        assert "compile with --image REGISTRY/NAME:TAG" in refused(compiled.write(tmp_path, target, image=image))

    def test_a_spec_of_another_version(self, tmp_path, target):
        spec = compiled.spec(target) | {"schemaVersion": "1.0.0"}
        told = refused(self.written(tmp_path, target, spec))
        assert "1.0.0" in told
        assert f"compile for target {target}" in told

    def test_a_misspelt_field(self, tmp_path, target):
        spec = compiled.spec(target)
        spec["root"]["dag"]["tasks"]["ExampleGen"]["cachingOption"] = {}
        assert "cachingOption" in refused(self.written(tmp_path, target, spec))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.yaml")


def test_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a: [")
    assert "neither YAML nor JSON" in refused(file)
    file.write_text("")
    assert "no pipeline spec" in refused(file)
