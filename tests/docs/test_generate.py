"""The documentation says what the code does."""

from pathlib import Path

import pytest

from docs import generate
from docs.generate import DOCS, PARTS, generated, grouped, known_rows
from limbeck.settings.descriptions import describe


@pytest.mark.parametrize("file", PARTS)
def test_the_generated_parts_are_up_to_date(file: str):
    """Given the table of docs/cache.md, which tests/cli/test_cache_table.py computes over the compiled graph."""
    assert (DOCS / file).read_text(encoding="utf-8") == generated(file, known_rows()), "run `make docs`"


def test_the_table_of_settings_has_a_row_for_each_and_names_what_runs_again():
    lines = generate.settings({"training.epochs": ("Gate", "Pusher")}).splitlines()
    assert len(lines) == 2 + len(list(describe()))
    [epochs] = [line for line in lines if line.startswith("| `training.epochs` |")]
    assert epochs.split(" | ")[3] == "Gate, Pusher"


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((), ["nothing"]),
        (("AnomalyStop",), ["AnomalyStop"]),
        (("TeacherTrainer", "TeacherLabeler", "Distiller"), ["teachers", "Distiller"]),
        (("Unheard",), ["Unheard"]),
    ],
    ids=["none", "one", "a-whole-group-and-a-part", "of-no-group"],
)
def test_nodes_are_named_by_group_where_the_whole_group_runs_again(nodes: tuple[str, ...], expected: list[str]):
    assert list(grouped(nodes)) == expected


def test_a_page_without_the_marks_of_its_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cache.md").write_text("# What runs again\n", encoding="utf-8")
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    with pytest.raises(ValueError, match="must hold the lines <!-- runs again -->"):
        generated("cache.md", {})
