"""What django's catalogues say, compared with the gettext of the standard library."""

import gettext
import struct
import sys

import pytest

from limbeck.errors import DataError
from limbeck.tasks.languages import translations as module
from limbeck.tasks.languages.translations import Translation, installed, translations
from tests.tasks.languages.catalogue import write_catalogue

PART = "contrib/auth/locale"


def test_each_text_is_what_gettext_says(tmp_path):
    """Three forms of a plural, a context, and no translation."""
    for language in ("ru", "pt_BR", "zh_Hans"):
        source = installed() / PART / language / "LC_MESSAGES" / "django.mo"
        copy = tmp_path / language / "locale" / language / "LC_MESSAGES" / "django.mo"
        copy.parent.mkdir(parents=True)
        copy.write_bytes(source.read_bytes())
        with source.open("rb") as file:
            reference = gettext.GNUTranslations(file)
        found = list(translations(tmp_path / language))
        assert len(found) > 70
        assert {one.language for one in found} == {language.removesuffix("_BR")}
        for one in found:
            if len(one.originals) == 1:
                assert one.texts == (reference.gettext(one.originals[0]),)
            else:
                forms = {reference.ngettext(*one.originals, n) for n in range(200)}
                # A form for fractions is there, but no whole number takes it.
                assert forms <= set(one.texts)


def test_territories_are_one_language_and_scripts_are_two(tmp_path):
    for language in ("es", "es_MX", "sr", "sr_Latn"):
        write_catalogue(tmp_path, language, {"Yes": f"yes in {language}"})
    assert set(translations(tmp_path)) == {
        Translation("es", ("Yes",), ("yes in es",)),
        Translation("es", ("Yes",), ("yes in es_MX",)),
        Translation("sr", ("Yes",), ("yes in sr",)),
        Translation("sr_Latn", ("Yes",), ("yes in sr_Latn",)),
    }


def test_a_machine_without_django_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "_PACKAGE", "django_that_nobody_has")
    with pytest.raises(DataError, match=r"django is not installed\. Run `make install-languages`"):
        list(translations())


def test_a_machine_without_babel_is_told_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel.messages.mofile", None)
    with pytest.raises(DataError, match=r"babel, which is not installed\. Run `make install-languages`"):
        list(translations())


def test_a_django_without_translations_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"must ship translations, but it has no file \*\.mo"):
        list(translations(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "other", "empty", "encoding"])
def test_a_damaged_catalogue_is_named(damage, tmp_path):
    path = write_catalogue(tmp_path, "de", {"Save and continue": "Sichern und weiter"})
    content = path.read_bytes()
    damaged = {
        "cut": content[: len(content) // 3],
        "other": b"not a catalogue at all",
        "empty": b"",
        "encoding": content.replace(b"Sichern", b"\xff\xfe\xff\xfe\xff\xfe\xff"),
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(DataError, match=r"de/LC_MESSAGES/django\.mo must be a file of gettext"):
        list(translations(tmp_path))


def test_the_catalogue_of_these_tests_is_one_that_gettext_reads(tmp_path):
    path = write_catalogue(tmp_path, "de", {"Yes": "Ja"})
    with path.open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Yes") == "Ja"
    assert struct.unpack("<I", path.read_bytes()[:4]) == (0x950412DE,)
