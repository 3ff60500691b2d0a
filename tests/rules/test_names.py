"""The names of keys and domains: visible, and without what disturbs a page."""

import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies

from tests.support.names import ACCEPTED, DISTURBING, INVISIBLE
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import names

#: Categories that Unicode shows, and characters that are blank in spite of theirs.
SHOWN = {"L", "N", "P", "S"}
BLANK = set("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
some_text = strategies.text(max_size=20) | strategies.text(
    alphabet=sorted({*"ab\n\0\u0301", *"".join({**INVISIBLE, **DISTURBING}.values())}), max_size=8
)


@pytest.mark.parametrize("name", ACCEPTED.values(), ids=ACCEPTED)
def test_visible_name_is_accepted(name):
    assert names.name_error(name) is None
    assert names.check_name(name) == name
    names.validate_name(name)


@pytest.mark.parametrize("name", INVISIBLE.values(), ids=INVISIBLE)
def test_invisible_name_is_refused(name):
    assert names.name_error(name) == "Use at least one visible character."


@pytest.mark.parametrize("name", ["", " ", "   "])
def test_blank_name_is_refused(name):
    assert names.name_error(name) == "Use at least one visible character."


@pytest.mark.parametrize("name", DISTURBING.values(), ids=DISTURBING)
def test_disturbing_name_is_refused(name):
    assert names.name_error(name).startswith("Control characters, line separators")


@pytest.mark.parametrize("name", ["\0", "a\0", "a\ud800", "\udfff"])
def test_unstorable_name_is_refused(name):
    assert names.name_error(name).startswith("Control characters")


@pytest.mark.parametrize("name", ["\u200b", "a\u202eb"])
def test_people_are_told_in_words(name):
    expected = names.name_error(name)

    with pytest.raises(InvalidValue) as raised:
        names.check_name(name)
    assert str(raised.value.message) == expected
    with pytest.raises(ValidationError) as told:
        names.validate_name(name)
    assert (told.value.messages, told.value.code) == ([expected], "invalid_name")


@given(some_text)
def test_accepted_name_shows_something(name):
    if names.name_error(name) is not None:
        return
    assert any(unicodedata.category(one)[0] in SHOWN and one not in BLANK for one in name)
    for one in name:
        assert unicodedata.category(one) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(one) not in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        )
        assert one not in "\u200e\u200f\u061c"


@given(strategies.text(strategies.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_letters_and_digits_are_accepted(name):
    assert names.name_error(name) is None or set(name) <= BLANK


@given(strategies.characters(codec="ascii"))
def test_each_ascii_character_is_decided(character):
    expected = character.isprintable() and character != " "

    assert (names.name_error(character) is None) is expected
