"""Which texts are left out, and why: on few translations by hand, and on django's."""

import random
from collections import Counter, defaultdict

import pytest

from limbeck.examples import SPLITS
from limbeck.tasks.languages import selection
from limbeck.tasks.languages.selection import Selection, Sentence, divide, select, split_of
from limbeck.tasks.languages.translations import Translation

DELETED = ("%d item was deleted", "%d items were deleted")


@pytest.fixture
def few(monkeypatch):
    """One text makes a language."""
    monkeypatch.setattr(selection, "FEWEST_TEXTS", 1)


def texts(selected: Selection):
    return {(one.language, one.text) for one in selected.sentences}


def left_out(selected: Selection):
    return {rule: count for rule, count in selected.left_out.items() if count}


def test_the_messages_are_the_english_sentences(few):
    selected = select(
        [
            Translation("de", DELETED, ("%d Eintrag gelöscht", "%d Einträge weg")),
            Translation("fr", DELETED, ("%d entrée supprimée",)),
        ]
    )
    assert texts(selected) == {
        ("en", "item was deleted"),
        ("en", "items were deleted"),
        ("de", "Eintrag gelöscht"),
        ("de", "Einträge weg"),
        ("fr", "entrée supprimée"),
    }
    assert {one.message for one in selected.sentences} == {"item was deleted"}
    assert left_out(selected) == {}


def test_a_text_that_equals_its_message_is_not_translated(few):
    selected = select([Translation("de", ("Yesterday evening at %s",), ("Yesterday evening at  %s",))])
    assert texts(selected) == {("en", "Yesterday evening at")}
    assert left_out(selected) == {"untranslated": 1}


def test_a_short_text_is_left_out_after_its_placeholders(few):
    selected = select(
        [Translation("de", ("Delete the selected %(long_name_of_it)s",), ("Löschen %(long_name_of_it)s",))]
    )
    assert texts(selected) == {("en", "Delete the selected")}
    assert left_out(selected) == {"short": 1}


def test_a_text_that_its_language_has_already_is_left_out(few):
    """Also for another message, and with other capital letters: one copy could train, and the other test."""
    selected = select(
        [
            Translation("de", ("Delete the entry",), ("Eintrag löschen",)),
            Translation("de", ("Delete the entry",), ("Eintrag löschen",)),
            Translation("de", ("Remove the entry",), ("eintrag löschen",)),
        ]
    )
    assert [one for one in selected.sentences if one.language == "de"] == [
        Sentence("delete the entry", "de", "Eintrag löschen")
    ]
    assert left_out(selected) == {"repeated": 2}


def test_a_text_of_two_languages_has_no_answer_and_is_left_out_of_both(few):
    selected = select(
        [
            Translation("nb", ("Delete the entry",), ("Slett oppføringen",)),
            Translation("da", ("Remove the entry",), ("slett oppføringen",)),
            Translation("nb", ("Please try again",), ("Prøv igjen senere",)),
        ]
    )
    assert {one for one in texts(selected) if one[0] != "en"} == {("nb", "Prøv igjen senere")}
    assert left_out(selected) == {"shared": 2}


def test_a_language_with_few_texts_is_left_out(monkeypatch):
    monkeypatch.setattr(selection, "FEWEST_TEXTS", 3)
    numbered = [
        Translation(language, (f"the message of the number {n}",), (f"{language} hat den Text {n} geschrieben",))
        for language, count in (("de", 3), ("fy", 2))
        for n in range(count)
    ]
    selected = select(numbered)
    assert Counter(one.language for one in selected.sentences) == {"en": 3, "de": 3}
    assert left_out(selected) == {"rare": 2}


def test_the_order_of_the_catalogues_does_not_matter(few, some):
    shuffled = some.copy()
    random.Random(3).shuffle(shuffled)
    assert select(shuffled) == select(some)


@pytest.fixture(scope="module")
def some(found):
    return found[:6000]


def test_every_text_is_kept_or_left_out_by_one_rule(found, selected):
    originals = {(one.originals[0], text) for one in found for text in one.originals}
    distinct = {(selection.clean(first).casefold(), selection.clean(text)) for first, text in originals}
    total = sum(len(one.texts) for one in found) + len(distinct)
    assert len(selected.sentences) + sum(selected.left_out.values()) == total


def test_no_text_is_there_twice_and_none_is_short(selected):
    assert len({one.text.casefold() for one in selected.sentences}) == len(selected.sentences)
    assert all(selection.letters(one.text) >= selection.FEWEST_LETTERS for one in selected.sentences)


def test_no_message_is_in_two_splits(selected):
    splits = defaultdict(set)
    for split, sentences in divide(selected.sentences).items():
        for one in sentences:
            splits[one.message].add(split)
    assert set(map(len, splits.values())) == {1}


def test_each_split_has_its_share_and_every_language(selected):
    divided = divide(selected.sentences)
    assert list(divided) == list(SPLITS)
    languages = {one.language for one in selected.sentences}
    for split, share in selection.SHARES.items():
        messages = {one.message for one in divided[split]}
        # Four standard deviations of a binomial share of 800 messages.
        assert len(messages) / len({one.message for one in selected.sentences}) == pytest.approx(
            share / 100, abs=0.065
        )
        assert min(Counter(one.language for one in divided[split]).values()) >= 10
        assert {one.language for one in divided[split]} == languages


def test_the_split_of_a_message_is_the_same_for_ever():
    """Shares of 2^64 by `printf %s save | sha256sum`: 0.08, 0.50, 0.88 and 0.99."""
    splits = {"save": "train", "log in": "train", "today": "test", "permission": "test"}
    assert {message: split_of(message) for message in splits} == splits
