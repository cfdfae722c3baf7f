"""The files that the image is built from. No image is built here: see docs/kubeflow.md for what was."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.kubeflow.simulate.pod import image, process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from tests.integration.container import refusal

PROJECT = Path(__file__).parents[2]
DOCKERFILES = [PROJECT / "kubeflow" / "Dockerfile", PROJECT / "kubeflow" / "task.Dockerfile"]
INSTRUCTIONS = {"ARG", "FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER"}


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile, with the number of its stage; -1 before the first."""

    stage: int
    name: str
    text: str

    def words(self) -> list[str]:
        """What follows the name, without flags."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]


def parse(text: str) -> list[Instruction]:
    """Instructions in order. Comments are left out, and lines that a backslash ends are joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found, stage = [], -1
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if not line.strip():
            continue
        name, _, rest = line.strip().partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, rest.strip()))
    return found


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore leaves a path out: the last pattern that fits it, or a folder above it, decides."""
    places = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
    verdict = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").removeprefix("**/")
        anywhere = "**/" in pattern
        if any(fnmatch.fnmatchcase(Path(place).name if anywhere else place, plain) for place in places):
            verdict = not pattern.startswith("!")
    return verdict


@pytest.fixture(scope="module")
def built() -> list[Instruction]:
    return parse(DOCKERFILES[0].read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def patterns() -> list[str]:
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def sources(instructions: list[Instruction]) -> Iterator[str]:
    """What is copied from the folder of the build."""
    for one in instructions:
        if one.name == "COPY" and not one.text.startswith("--from="):
            yield from one.words()[:-1]


def last_stage(instructions: list[Instruction]) -> list[Instruction]:
    return [one for one in instructions if one.stage == instructions[-1].stage]


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_the_user_is_a_number_and_not_root(file: Path):
    """Kubernetes refuses a name under runAsNonRoot, because it cannot know who that is."""
    instructions = parse(file.read_text(encoding="utf-8"))
    assert instructions[-1].name == "USER"
    user, group = instructions[-1].text.split(":")
    assert user.isdigit() and group.isdigit() and int(user) > 0 and int(group) > 0


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_nothing_is_fetched_but_locked_packages_and_compilers(file: Path):
    """ADD fetches URLs and unpacks archives; a secret in an ARG or ENV stays in the image's history."""
    instructions = parse(file.read_text(encoding="utf-8"))
    assert {one.name for one in instructions} <= INSTRUCTIONS
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--trusted-host|curl |wget ", text)
    named = [one.text for one in instructions if one.name in ("ARG", "ENV")]
    assert not re.search(r"(?i)password|secret|token|credential", " ".join(named))


def test_each_source_is_there_and_not_ignored(built: list[Instruction], patterns: list[str]):
    listed = list(sources(built))
    assert listed
    assert [source for source in listed if not (PROJECT / source).exists() or ignored(source, patterns)] == []


def test_what_no_step_needs_stays_outside(patterns: list[str]):
    for path in (".git", ".venv", "runs", "tests", "docs", "cli", ".env", "kubeflow/__pycache__", "tasks/a/b.pyc"):
        assert ignored(path, patterns), path
    assert not ignored("kubeflow/entrypoint.py", patterns)


def test_all_packages_are_copied_that_simulate_shows_a_step(built: list[Instruction]):
    """Else a pipeline that runs in `simulate` dies on the cluster, with a ModuleNotFoundError."""
    copied = {source for source in sources(built) if (PROJECT / source).is_dir()}
    linked = {path.readlink().name for path in (PROJECT / "limbeck").iterdir() if path.is_symlink()}
    assert copied == {"limbeck"} | linked - set(image._LEFT_OUT)
    [source] = [one for one in last_stage(built) if one.name == "COPY" and image.SOURCE in one.words()]
    assert source.words() == [image.SOURCE, image.SOURCE]


def test_simulate_shows_a_step_every_module_of_these_packages(tmp_path: Path):
    """A module of the trainer had the name of one that is left out at the top, and was left out, too."""
    [source] = [folder for folder, place in image.build(tmp_path).mounts if place == image.SOURCE]
    package = PROJECT / "limbeck"
    shown = {str(path.relative_to(source / "limbeck")) for path in (source / "limbeck").rglob("*.py")}
    kept = [path for path in package.iterdir() if path.name not in (*image._LEFT_OUT, "__pycache__")]
    modules = {str(path.relative_to(package)) for folder in kept for path in [folder, *folder.rglob("*.py")]}
    assert shown == {module for module in modules if module.endswith(".py")}


def test_the_environment_is_that_of_simulate(built: list[Instruction], tmp_path: Path):
    [environment] = [one for one in last_stage(built) if one.name == "ENV"]
    told = dict(word.split("=", 1) for word in environment.words())
    simulated = image.build(tmp_path).variables
    assert {key: told[key] for key in simulated if key != "PATH"} == {
        key: value for key, value in simulated.items() if key != "PATH"
    }
    assert told["PATH"].startswith(f"{image.ENVIRONMENT}/bin:")


def test_packages_are_those_of_the_lock(built: list[Instruction]):
    installing = [one.text for one in built if one.name == "RUN" and "pip" in one.text and " install " in one.text]
    pip = [text for text in installing if "-m pip" in text]
    assert len(pip) == 1
    assert all(
        flag in pip[0] for flag in ("--require-hashes", "--no-deps", "--no-build-isolation", "--no-cache-dir")
    )
    locks = {source for source in sources(built) if source.endswith(".txt")}
    assert locks == {"requirements.txt", "requirements-gpu.txt", "requirements-languages.txt"}
    for lock in locks:
        text = (PROJECT / lock).read_text(encoding="utf-8")
        # What builds the packages that are published as source only.
        assert re.search(r"^setuptools==", text, re.MULTILINE) and re.search(r"^wheel==", text, re.MULTILINE)


def test_nothing_of_the_build_is_in_the_image(built: list[Instruction]):
    """Compilers, caches and lists of packages are in stages of their own; only two folders come from these."""
    last = last_stage(built)
    assert all(one.name != "RUN" for one in last)
    copied = [(one.text.split()[0], *one.words()) for one in last if one.name == "COPY"]
    assert copied == [
        ("--from=environment", "/opt/environment", "/opt/environment"),
        ("--from=source", "/opt/limbeck", "/opt/limbeck"),
    ]


def test_the_base_can_be_pinned(built: list[Instruction]):
    """All stages start from one base, or the environment would not fit the interpreter."""
    first = built[0]
    assert (first.stage, first.name) == (-1, "ARG")
    name, default = first.text.split("=")
    assert default.startswith("python:" + (PROJECT / ".python-version").read_text(encoding="utf-8").strip())
    assert {one.words()[0] for one in built if one.name == "FROM"} == {f"${{{name}}}"}


def test_a_task_lies_where_it_was_compiled():
    """`compile` writes the folder into LIMBECK_TASK_FOLDER, and the image must hold it there."""
    instructions = parse(DOCKERFILES[1].read_text(encoding="utf-8"))
    [copied] = [one for one in instructions if one.name == "COPY"]
    assert copied.words() == [".", "${FOLDER}"]
    assert [one.text for one in instructions if one.name == "USER"] == ["0", "1000:1000"]


def rehearsed(built: list[Instruction], patterns: list[str], folder: Path) -> Path:
    """Does what the stage of our packages does, in a folder instead of a root; returns where they are."""

    def left_out(where: str, names: list[str]) -> set[str]:
        return {name for name in names if ignored(str((Path(where) / name).relative_to(PROJECT)), patterns)}

    [stage] = {one.stage for one in built if one.name == "FROM" and one.text.endswith(" AS source")}
    for one in (one for one in built if one.stage == stage):
        if one.name == "COPY":
            source, target = one.words()
            shutil.copytree(PROJECT / source, folder / target.lstrip("/"), ignore=left_out)
        elif one.name == "RUN":
            variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
            here = one.text.replace(image.SOURCE, str(folder) + image.SOURCE)
            subprocess.run(["sh", "-c", here], check=True, env=variables)
    return folder / image.SOURCE.lstrip("/")


@pytest.mark.processes
@pytest.mark.skipif(refusal() is not None, reason="this machine allows no namespaces")
def test_what_is_copied_runs_as_the_user_of_a_container(
    built: list[Instruction], patterns: list[str], tmp_path: Path
):
    """A module that .dockerignore leaves out, or a file that only its owner may read, ends every step."""
    source = rehearsed(built, patterns, tmp_path / "built")
    simulated = image.build(tmp_path)
    mounts = ((source, image.SOURCE), *(mount for mount in simulated.mounts if mount[1] != image.SOURCE))
    modules = sorted(
        f"components.{path.parent.name}.executor" for path in PROJECT.glob("components/*/executor.py")
    )
    modules += [
        "limbeck.kubeflow.entrypoint",
        "limbeck.kubeflow.data_fingerprint",
        "limbeck.kubeflow.task_data",
        "limbeck.trainer.worker",
        "limbeck.tasks.digits",
    ]
    program = f"""
import importlib, json, os, sys
found = [importlib.import_module(name) for name in {modules!r}]
compiled = [one.__name__ for one in found if os.path.isfile(one.__cached__)]
try:
    open("{image.SOURCE}/written", "w")
except OSError:
    print(json.dumps([os.getuid(), os.getcwd(), [one.__name__ for one in found], compiled]))
"""
    scratch = tmp_path / "pod"
    scratch.mkdir()
    command = process.Command(["python", "-c", program], {})
    with (tmp_path / "log").open("wb") as log:
        code = process.run(
            image.Image(mounts, simulated.variables),
            PodFiles(scratch / "files", process.USER),
            scratch,
            command,
            log,
        )
    said = (tmp_path / "log").read_text(encoding="utf-8", errors="replace")
    assert code == 0, said[-3000:]
    user, folder, found, compiled = json.loads(said.splitlines()[-1])
    assert (user, folder) == (1000, "/")
    assert found == modules == compiled
