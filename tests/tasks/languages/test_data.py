"""The files that the task writes of django's translations."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from limbeck.errors import DataError
from limbeck.tasks import languages
from limbeck.tasks.languages import data
from limbeck.tasks.languages.selection import Sentence, divide

PAGE = Path(__file__).parents[3] / "docs" / "languages.md"


def read(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_files_hold_the_sentences(selected, tmp_path):
    data.write_sentences(tmp_path, selected.sentences)
    for split, sentences in divide(selected.sentences).items():
        rows = read(tmp_path / split / "sentences.csv")
        assert [(row["message"], row["language"], row["text"]) for row in rows] == [
            (one.message, one.language, one.text) for one in sentences
        ]
    with pytest.raises(FileExistsError):
        data.write_sentences(tmp_path, selected.sentences)


def test_the_labels_are_the_languages_that_django_has_enough_texts_of(selected):
    assert set(data.LANGUAGES) == {one.language for one in selected.sentences}
    assert languages.TASK.label.classes == data.LANGUAGES == tuple(sorted(data.LANGUAGES))
    assert [feature.name for feature in languages.TASK.features] == [data.TEXT]


def test_another_django_is_refused_before_anything_is_written(selected, tmp_path):
    other = [one for one in selected.sentences if one.language != "cy"]
    with pytest.raises(DataError, match=r"but \['cy'\] are missing and none is new: install the pinned"):
        data.write_sentences(tmp_path, other)
    with pytest.raises(DataError, match=r"none is missing and \['fy'\] are new"):
        data.write_sentences(tmp_path, [*selected.sentences, Sentence("yes", "fy", "Wolkom op dizze side")])
    assert not list(tmp_path.iterdir())


def test_the_page_says_what_is_there(found, selected):
    """The counts of docs/languages.md are those of the pinned django."""
    page = PAGE.read_text(encoding="utf-8")
    divided = divide(selected.sentences)
    for split, sentences in divided.items():
        assert (
            f"`{split}/` ({len(sentences):,} sentences of {len({one.message for one in sentences})} messages)"
            in page
        )
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\|[^|]*\| *([\d,]+) \|$", page, re.MULTILINE))
    assert {name: int(count.replace(",", "")) for name, count in rows.items()} == dict(selected.left_out)
    assert f"{sum(len(one.texts) for one in found):,} texts" in page
    assert f"{len(selected.sentences):,} sentences in {len(data.LANGUAGES)} languages" in page
    assert f"{len(selected.sentences):,} sentences in {len(data.LANGUAGES)} languages" in (languages.__doc__ or "")
    sizes = Counter(one.language for one in selected.sentences)
    [least, most] = [sizes.most_common()[index] for index in (-1, 0)]
    assert f"`{least[0]}` has {least[1]}" in page
    assert f"`{most[0]}` has {most[1]:,}" in page
