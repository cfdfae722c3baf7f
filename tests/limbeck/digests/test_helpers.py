"""Modules of a user outside of the task's folder: on PYTHONPATH, or installed as editable."""

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from limbeck.digests.code import code_digest


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    """A helper package beside the folder of a task that uses it."""
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "entry.py").write_text(
        "from ourhelpers.nets import f\n\ndef g(): return f()", encoding="utf-8"
    )
    (tmp_path / "lib" / "ourhelpers").mkdir(parents=True)
    (tmp_path / "lib" / "ourhelpers" / "__init__.py").touch()
    nets = tmp_path / "lib" / "ourhelpers" / "nets.py"
    nets.write_text("def f(): return 1", encoding="utf-8")
    return nets


def assert_an_edit_is_seen(helper: Path, task: str) -> None:
    before = code_digest(["entry:g"], [task])
    helper.write_text("def f(): return 2", encoding="utf-8")
    assert code_digest(["entry:g"], [task]) != before


def test_an_edited_helper_on_pythonpath_is_seen(helper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # A stale student was served once: only names of modules outside of the task's folder counted.
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib")])
    assert_an_edit_is_seen(helper, str(tmp_path / "task"))


def test_an_edited_helper_of_an_editable_install_is_seen(
    helper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Finder:
        """As setuptools installs an editable package: nothing on the path, but a finder that knows the place."""

        @staticmethod
        def find_spec(
            name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
        ) -> importlib.machinery.ModuleSpec | None:
            if name != "ourhelpers":
                return None
            package = helper.parent
            return importlib.util.spec_from_file_location(
                name, package / "__init__.py", submodule_search_locations=[str(package)]
            )

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert_an_edit_is_seen(helper, str(tmp_path / "task"))
