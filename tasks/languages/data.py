"""Writes sentences and their languages as CSV files, one folder for each split."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from limbeck.errors import DataError
from limbeck.tasks.languages.selection import Sentence, divide, select
from limbeck.tasks.languages.translations import translations

TEXT, LANGUAGE, MESSAGE = "text", "language", "message"
# The languages of django 5.2 with enough texts, in the order of the logits.
LANGUAGES = (
    "af", "ar", "ast", "az", "be", "bg", "bn", "br", "ca", "ckb", "cs", "cy", "da", "de", "dsb", "el", "en",
    "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gd", "gl", "he", "hi", "hr", "hsb", "hu", "hy", "ia",
    "id", "ig", "io", "is", "it", "ja", "ka", "kab", "kk", "km", "kn", "ko", "ky", "lt", "lv", "mk", "ml",
    "mn", "mr", "ms", "nb", "ne", "nl", "nn", "os", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr",
    "sr_Latn", "sv", "sw", "ta", "te", "tg", "th", "tk", "tr", "tt", "ug", "uk", "ur", "uz", "vi", "zh_Hans",
    "zh_Hant",
)  # fmt: skip


def write(folder: Path) -> None:
    """Writes `<split>/sentences.csv` for each split into `folder`, with the columns TEXT, LANGUAGE and MESSAGE.

    The message, in English and without placeholders, is there for readers. No model sees it.

    Raises:
      DataError: if django or babel is not installed, or if the translations are not those of django 5.2.
      FileExistsError: if `folder` already holds a split.
    """
    write_sentences(folder, select(translations()).sentences)


def write_sentences(folder: Path, sentences: Iterable[Sentence]) -> None:
    """Does the same with the given sentences.

    Args:
      folder: an existing folder.
      sentences: some of each language.
    """
    divided = divide(sentences)
    found = {sentence.language for some in divided.values() for sentence in some}
    if found != set(LANGUAGES):
        raise DataError(
            "the task 'languages' needs texts of exactly its own languages, which are those of django 5.2, but "
            f"{_named(set(LANGUAGES) - found)} missing and {_named(found - set(LANGUAGES))} new: install the pinned "
            "django by `make install-languages`"
        )
    for split, some in divided.items():
        (folder / split).mkdir()
        with (folder / split / "sentences.csv").open("w", encoding="utf-8", newline="") as file:
            rows = ([one.text, one.language, one.message] for one in some)
            csv.writer(file, lineterminator="\n").writerows([[TEXT, LANGUAGE, MESSAGE], *rows])


def _named(languages: set[str]) -> str:
    return f"{sorted(languages)} are" if languages else "none is"
