"""What is no language leaves a message, and what is language stays."""

import pytest

from limbeck.tasks.languages.cleaning import clean, letters


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("Wählen Sie %(verbose_name)s zum Ändern aus", "Wählen Sie zum Ändern aus"),
        ("%(value).1f Billionen und %(value)s mehr", "Billionen und mehr"),
        ("Ein %s und 100%-iger Erfolg", "Ein und 100%-iger Erfolg"),
        # Translators break placeholders.
        ("%(имя)s выбрано из % (cnt)s", "выбрано из"),
        ("Ändern: {name!r} oder {{ object.name }}{% if x %}!{% endif %}", "Ändern: oder !"),
        ('Klicken <a href="%(url)s">hier</a>&nbsp;bitte &#39;', "Klicken hier bitte"),
        ("Sehen Sie https://docs.djangoproject.com/en/5.2/ an.", "Sehen Sie an."),
        ("Der Wert von `USE_TZ` fehlt.\n  Eine\tZeile", "Der Wert von fehlt. Eine Zeile"),
        ("an name@example.com schreiben", "an schreiben"),
        # Two code points for a letter become one.
        ("Wa\u0308hlen", "Wählen"),
        ("größer als 3 < 5 & kleiner", "größer als 3 < 5 & kleiner"),
        ("a\u200b\u200blle\u202b \u200fEnt\u00adwürfe", "alle Entwürfe"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("%s", ""),
        ("", ""),
    ],
)
def test_clean(message, sentence):
    assert clean(message) == sentence
    assert clean(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("3.14 – (!)", 0), ("Straße 7", 6), ("हिन्दी", 6), ("保存する", 8), ("가나 x", 5), ("שלום", 4)],
)
def test_vowel_signs_count_and_wide_letters_count_twice(text, count):
    assert letters(text) == count
