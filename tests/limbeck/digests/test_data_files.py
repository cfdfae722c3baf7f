"""Data files that a task reads count as its source does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from limbeck.digests.code import code_digest, dependencies
from limbeck.digests.data_files import data_files

IDIOMS = {
    "beside": "from pathlib import Path\ndef f(): return Path(__file__).with_name('words.txt').read_text()",
    "folder": "from pathlib import Path\nD = Path(__file__).parent / 'data'\ndef f(): return [*D.glob('words.txt')]",
    "path": "import os\nF = os.path.join(os.path.dirname(__file__), 'data/words.txt')\ndef f(): return open(F)",
    "pattern": "from pathlib import Path\ndef f(): return list(Path(__file__).parent.glob('*.txt'))",
    "listing": "import os\nD = os.path.dirname(__file__)\ndef f(): return os.listdir(os.path.join(D, 'data'))",
    "relative": "def f(): return open('words.txt')",
}


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes a module that reads a file, and the file, into a folder that is the working directory too."""

    def write(source: str) -> Path:
        (tmp_path / "reading.py").write_text(source, encoding="utf-8")
        file = tmp_path / ("data/words.txt" if "data" in source else "words.txt")
        file.parent.mkdir(exist_ok=True)
        file.write_text("old", encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return file

    return write


@pytest.mark.parametrize("idiom", IDIOMS)
def test_an_edited_file_is_another_digest(idiom: str, reading: Callable[[str], Path], tmp_path: Path):
    file = reading(IDIOMS[idiom])
    before = code_digest(["reading:f"], [str(tmp_path)])
    assert code_digest(["reading:f"], [str(tmp_path)]) == before

    file.write_text("new", encoding="utf-8")

    assert code_digest(["reading:f"], [str(tmp_path)]) != before
    assert any("words.txt" in name for name in dependencies(["reading:f"], [str(tmp_path)]))


def test_a_file_that_only_another_function_names_does_not_count(reading: Callable[[str], Path], tmp_path: Path):
    file = reading(IDIOMS["beside"] + "\ndef g(): return 1")
    before = code_digest(["reading:g"], [str(tmp_path)])

    file.write_text("new", encoding="utf-8")

    assert code_digest(["reading:g"], [str(tmp_path)]) == before


def test_a_touched_file_is_the_same(reading: Callable[[str], Path], tmp_path: Path):
    file = reading(IDIOMS["beside"])
    before = code_digest(["reading:f"], [str(tmp_path)])

    file.touch()

    assert code_digest(["reading:f"], [str(tmp_path)]) == before


@pytest.mark.parametrize("text", ["", ".", "..", "/", "a\0b", "x" * 300, "**/*", "words of a sentence", "%s{}*["])
def test_texts_that_name_no_file_are_passed_over(text: str, tmp_path: Path):
    (tmp_path / "file").touch()
    assert data_files([tmp_path], [text]) == {}


def test_folders_that_name_each_other_end(tmp_path: Path):
    (tmp_path / "a" / "a").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "file").touch()
    assert "a/file" in data_files([tmp_path], ["a", "link"])
