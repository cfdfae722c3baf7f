"""Selects the texts of which someone can say the language, and decides about their split.

Split at random, half of the translations of a message would train and the others test. Languages that are near have
near translations, so a model that learnt the Danish sentence by heart would be right about the Norwegian one. So the
message decides, and no translation of a message is in two splits.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping

from limbeck.tasks.languages.cleaning import clean, letters
from limbeck.tasks.languages.translations import Translation

ENGLISH = "en"
# With fewer letters it is mostly a name, or one word that several languages write in the same way.
FEWEST_LETTERS = 10
# Of a language with fewer texts, the test split would hold about a dozen, of as many messages.
FEWEST_TEXTS = 100
# The share of each split, in percent.
SHARES = {"train": 70, "validation": 15, "test": 15}


@dataclasses.dataclass(frozen=True, order=True)
class Sentence:
    """One example: a text, its language, and the message that it translates."""

    message: str
    language: str
    text: str


@dataclasses.dataclass(frozen=True)
class Selection:
    """The sentences that are left, in order, and how many texts each rule left out, in the order of the rules."""

    sentences: tuple[Sentence, ...]
    left_out: Mapping[str, int]


def select(translations: Iterable[Translation]) -> Selection:
    """Returns the sentences that tell their language.

    A text is left out by the first of these rules that it meets, in this order:

    - `untranslated`: it equals its English message, and is not English.
    - `short`: it has fewer letters than FEWEST_LETTERS.
    - `repeated`: the language has it already, for this message or for another one.
    - `shared`: another language has it too. Capital letters make no difference.
    - `rare`: its language has fewer than FEWEST_TEXTS such texts.
    """
    left_out: Counter[str] = Counter(untranslated=0, short=0, repeated=0, shared=0, rare=0)
    texts: dict[tuple[str, str], Sentence] = {}
    for sentence, originals in sorted(_cleaned(translations)):
        place = (sentence.text.casefold(), sentence.language)
        if sentence.language != ENGLISH and sentence.text in originals:
            left_out["untranslated"] += 1
        elif letters(sentence.text) < FEWEST_LETTERS:
            left_out["short"] += 1
        elif place in texts:
            left_out["repeated"] += 1
        else:
            texts[place] = sentence
    languages = Counter(text for text, _ in texts)
    alone = [sentence for (text, _), sentence in texts.items() if languages[text] == 1]
    left_out["shared"] = len(texts) - len(alone)
    sizes = Counter(sentence.language for sentence in alone)
    kept = [sentence for sentence in alone if sizes[sentence.language] >= FEWEST_TEXTS]
    left_out["rare"] = len(alone) - len(kept)
    return Selection(tuple(kept), left_out)


def divide(sentences: Iterable[Sentence]) -> dict[str, list[Sentence]]:
    """Returns the sentences of each split."""
    divided: dict[str, list[Sentence]] = {split: [] for split in SHARES}
    for sentence in sentences:
        divided[split_of(sentence.message)].append(sentence)
    return divided


def split_of(message: str) -> str:
    """Returns the split of all translations of a message, by a hash of the message."""
    place = int.from_bytes(hashlib.sha256(message.encode()).digest()[:8], "big") * 100 >> 64
    ends = itertools.accumulate(SHARES.values())
    return next(split for split, end in zip(SHARES, ends, strict=True) if place < end)


def _cleaned(translations: Iterable[Translation]) -> list[tuple[Sentence, tuple[str, ...]]]:
    """Returns a sentence for each text, with its English message. The messages themselves are English sentences."""
    sentences = []
    english: dict[tuple[str, str], None] = {}
    for one in translations:
        originals = tuple(clean(text) for text in one.originals)
        # Messages that differ in placeholders or capital letters alone are one message.
        message = originals[0].casefold()
        sentences += [(Sentence(message, one.language, clean(text)), originals) for text in one.texts]
        english |= {(message, text): None for text in originals}
    return sentences + [(Sentence(message, ENGLISH, text), ()) for message, text in english]
