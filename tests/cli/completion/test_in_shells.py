"""The printed scripts, in the shells that they are for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.cli import program
from tests.cli.completion.shell import COMMANDS, Shell

# What is typed before a tab, and what the line becomes.
COMPLETED = [
    ("limbeck ru", "limbeck run "),
    ("python pipeline.py ta", "python pipeline.py tasks "),
    ("python pipeline.py run --acc", "python pipeline.py run --accept-schema "),
    ("python pipeline.py run --task dig", "python pipeline.py run --task digits"),
    ("python pipeline.py run --task my_t", "python pipeline.py run --task my_task.py"),
    ("python pipeline.py run --set training.ep", "python pipeline.py run --set training.epochs="),
    ("python pipeline.py compile --target ku", "python pipeline.py compile --target kubeflow "),
    ("python pipeline.py report ru", "python pipeline.py report runs/"),
    ("python pipeline.py rerun --root runs/one Predi", "python pipeline.py rerun --root runs/one Predictor "),
    ("python my_t", "python my_task.py"),
]


@pytest.fixture(scope="module", params=sorted(COMMANDS))
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A shell in a folder with a task, a run, and the script."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} here")
    folder = tmp_path_factory.mktemp(name)
    (folder / "my_task.py").touch()
    (folder / "runs" / "one" / "pipeline" / "Predictor").mkdir(parents=True)
    script = folder / "script"
    script.write_text(program.run("completion", name).stdout, encoding="utf-8")
    started = Shell(name, script, folder)
    yield started
    started.close()


@pytest.mark.processes
@pytest.mark.parametrize(("typed", "becomes"), COMPLETED)
def test_a_tab_completes(shell: Shell, typed: str, becomes: str):
    shell.type(f"{typed}\t")
    shell.read_until(becomes)
    # Ctrl-U takes the line away.
    shell.type("\x15")
