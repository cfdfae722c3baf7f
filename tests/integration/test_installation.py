"""`pip install .` beside a project that has its own `components`, `trainer` and `pipeline`, as TFX projects do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limbeck.digests.code import code_digest, dependencies
from tests.integration.installed import Environment, install
from tests.integration.runs import PROJECT

pytestmark = pytest.mark.processes

# The names of our folders. TFX projects have some of them, too.
NAMES = ("components", "trainer", "launchers", "report", "tasks", "cli", "kubeflow", "pipeline")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Someone's project: each of its packages says whose it is."""
    for name in NAMES:
        place = tmp_path / "project" / (f"{name}.py" if name == "pipeline" else f"{name}/__init__.py")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("WHOSE = 'theirs'\n", encoding="utf-8")
    return tmp_path / "project"


def test_the_installation_adds_one_top_level_package(environment: Environment):
    [information] = environment.packages.glob("limbeck-*.dist-info")
    installed = {line.split(",")[0].split("/")[0] for line in (information / "RECORD").read_text().splitlines()}

    assert installed == {"limbeck", information.name, ".."}
    assert (information / "top_level.txt").read_text().split() == ["limbeck"]
    assert [line for line in (information / "RECORD").read_text().splitlines() if line.startswith("../")] == [
        line for line in (information / "RECORD").read_text().splitlines() if "bin/limbeck" in line
    ]


def test_every_file_of_the_product_is_installed(environment: Environment):
    def product(root: Path) -> set[str]:
        kinds = {".py", ".yaml", ".j2", ".css", ".Dockerfile"}
        found = (path for path in followed(root) if path.suffix in kinds or path.name == "Dockerfile")
        return {str(path.relative_to(root)) for path in found}

    assert product(environment.packages / "limbeck") == product(PROJECT / "limbeck")


def followed(folder: Path) -> list[Path]:
    """All files below a folder. Unlike Path.rglob, it follows links."""
    found = []
    for path in folder.iterdir():
        found += followed(path) if path.is_dir() else [path]
    return found


def test_a_process_has_the_modules_of_both(environment: Environment, project: Path):
    (project / "main.py").write_text(
        "import importlib, json\n"
        f"names = {NAMES}\n"
        "theirs = {name: importlib.import_module(name).WHOSE for name in names}\n"
        "ours = {name: importlib.import_module('limbeck.' + name).__file__ for name in names}\n"
        "import limbeck.components.gate.decision, limbeck.trainer.job\n"
        "print(json.dumps([theirs, ours]))\n",
        encoding="utf-8",
    )

    theirs, ours = json.loads(environment.run("python", "main.py", cwd=project).stdout)

    assert theirs == dict.fromkeys(NAMES, "theirs")
    assert {name for name in NAMES if str(environment.packages / "limbeck") in ours[name]} == set(NAMES)


def test_a_training_process_started_from_the_project_has_the_modules_of_both(
    environment: Environment, project: Path
):
    asked = "import components, trainer.x, limbeck.trainer.job as j; print(trainer.x.__file__, j.__file__)"
    (project / "trainer" / "x.py").write_text("", encoding="utf-8")
    (project / "main.py").write_text(
        "import os, subprocess, sys\n"
        "from limbeck.trainer.process import interpreter\n"
        f"command = [sys.executable, '-c', {asked!r}]\n"
        "subprocess.run(command, env=interpreter.environment(os.environ), check=True)\n",
        encoding="utf-8",
    )

    theirs, ours = environment.run("python", "main.py", cwd=project).stdout.split()

    assert Path(theirs) == project / "trainer" / "x.py"
    assert Path(ours).is_relative_to(environment.packages / "limbeck")


def test_the_program_runs_in_the_folder_of_the_project(environment: Environment, project: Path):
    said = environment.run("limbeck", "tasks", cwd=project).stdout
    refused = environment.run("limbeck", "run", "--task", "digts", "--root", "runs", cwd=project, check=False)

    assert "digits" in said
    assert refused.returncode == 2
    assert "Did you mean 'digits'?" in refused.stderr + refused.stdout


def test_an_installed_executor_has_the_digest_that_it_has_in_the_checkout(environment: Environment, project: Path):
    """Or the cache would hold nothing, or would not see an edit."""
    roots = ["limbeck.components.gate.executor:Executor", "limbeck.trainer.worker", "limbeck.trainer.training"]
    asked = f"from limbeck.digests import code as c; print(c.code_digest({roots}), len(c.dependencies({roots})))"

    digest, count = environment.run("python", "-c", asked, cwd=project).stdout.split()

    assert digest == code_digest(roots)
    assert int(count) == len(dependencies(roots)) > 100
