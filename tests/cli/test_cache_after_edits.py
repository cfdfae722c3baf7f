"""Which edit of a task's source runs which nodes again, from the compiled graph: see `limbeck.cli.cache_table`."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from limbeck import reference
from limbeck.cli import settings
from limbeck.cli.cache_table import Keys, keys, run_again
from tests.cli.test_cache_table import DATA, JUDGES, STUDENTS, TAUGHT, TEACHERS
from tests.integration.runs import edit, own_digits

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_digits(tmp_path_factory.mktemp("edited"))


@pytest.fixture
def keys_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Keys]:
    """The keys of a task as its source stands now; nothing of it stays in the process."""
    # Two edits within a second may leave a file of equal size and time, which Python would take for compiled.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def found(task: Path) -> Keys:
        importlib.invalidate_caches()
        try:
            ref = reference.find(str(task))
            return keys(settings.load(ref, None, []), ref)
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == task.name]:
                del sys.modules[name]

    return found


@pytest.fixture
def edited(task: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Edits a file of the task until the test is over."""
    before: dict[Path, str] = {}

    def change(name: str, old: str, new: str) -> None:
        before.setdefault(task / name, (task / name).read_text(encoding="utf-8"))
        edit(task / name, old, new)

    yield change
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("models.py", "import tf_keras\n", "import tf_keras\n\n# A remark.\n"), set()),
        (("models.py", 'get("units", 32)', 'get("units", 33)'), STUDENTS | JUDGES),
        # The helper that shifts images is reached by the teacher alone, through the task's `augment`.
        (("preprocessing.py", "seeds, 0, 3, draw=1", "seeds, 0, 3, draw=2"), TEACHERS | TAUGHT | JUDGES),
        (
            ("preprocessing.py", 'inputs["pixels"] / BRIGHTEST', 'inputs["pixels"] / (2 * BRIGHTEST)'),
            {"AnomalyStop", "Transform"} | TEACHERS | STUDENTS | JUDGES,
        ),
    ],
    ids=["a comment", "the student", "a helper of the teacher", "preprocessing"],
)
def test_an_edit_runs_again_what_reaches_it_and_no_more(
    keys_of: Callable[[Path], Keys],
    edited: Callable[[str, str, str], None],
    task: Path,
    change: tuple[str, str, str],
    expected: set[str],
) -> None:
    before = keys_of(task)
    assert set(before) == DATA | TEACHERS | STUDENTS | JUDGES

    edited(*change)

    assert set(run_again(before, keys_of(task))) == expected
