"""Limbeck as `pip install .` puts it into an environment, without the checkout on any path.

The checkout is not installed in the environment of the tests, so a name that only the checkout's folder provides would
not be missed there. This environment has the dependencies of the tests', and its own copy of Limbeck.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.integration.runs import PROJECT

# Neither sources nor what a build needs.
_LEFT_OUT = (".git", ".venv*", ".tools", "runs", "build", "*.egg-info", "__pycache__", "tests", "*cache")


@dataclasses.dataclass(frozen=True)
class Environment:
    """A virtual environment at a folder."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where its packages are."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    def program(self, name: str) -> Path:
        """The path of one of its programs."""
        return self.folder / "bin" / name

    def run(self, *command: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs as a user does; nothing of this process's environment leads to the checkout."""
        ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS")
        variables = {name: value for name, value in os.environ.items() if name not in ours}
        done = subprocess.run(
            [str(self.program(command[0])), *command[1:]],
            cwd=cwd,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return done


def install(folder: Path) -> Environment:
    """Makes an environment, and runs `pip install` in it on a copy of the checkout, without a network."""
    made = Environment(folder / "environment")
    subprocess.run([sys.executable, "-m", "venv", str(made.folder)], check=True)
    (made.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    # pip builds in the folder that it is given, and leaves files there.
    source = folder / "source"
    shutil.copytree(PROJECT, source, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    made.run("pip", "install", *options, str(source), cwd=folder)
    shutil.rmtree(source)
    return made
