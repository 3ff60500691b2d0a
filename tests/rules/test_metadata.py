"""The metadata of keys and domains: a small object of strings."""

import json

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, strategies

from tot_jwt.rules import metadata

some_json = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=9),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=6,
)


def sized(number, letter="a"):
    """Return metadata of exactly so many bytes."""
    text = letter * ((number - len('{"k":""}')) // len(letter.encode()))
    return {"k": text + "a" * (number - len('{"k":""}') - len(text.encode()))}


ACCEPTED = {
    "nothing": {},
    "one": {"customer": "42"},
    "empty name and value": {"": ""},
    "Unicode": {"Größe": "\u200b\u202e🦓"},
    "control characters": {"a\n": "\x1f\x7f"},
    "as much as fits": sized(2048),
    "as much as fits in UTF-8": sized(2048, "ü"),
    "as many emoji as fit": sized(2048, "🦓"),
    "many members": {f"{number:04}": "" for number in range(200)},
}
REFUSED = {
    "null": None,
    "text": "a",
    "number": 1,
    "list": [],
    "pairs": [["a", "b"]],
    "number in it": {"a": 1},
    "null in it": {"a": None},
    "boolean in it": {"a": True},
    "object in it": {"a": {}},
    "list in it": {"a": ["b"]},
    "name that is a number": {1: "a"},
    "NUL in a value": {"a": "\0"},
    "NUL in a name": {"\0": "a"},
    "surrogate in a value": {"a": "\ud800"},
    "surrogate in a name": {"\udfff": "a"},
    "a byte too long": sized(2049),
    "a byte too long in UTF-8": sized(2049, "ü"),
    "too many emoji": sized(2049, "🦓"),
    "backslashes that JSON doubles": {"k": "\\" * 1021},
}


@pytest.mark.parametrize("value", ACCEPTED.values(), ids=ACCEPTED)
def test_small_object_of_strings_is_metadata(value):
    assert metadata.is_metadata(value)
    metadata.validate_metadata(value)


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_no_metadata(value):
    assert not metadata.is_metadata(value)
    with pytest.raises(ValidationError, match="of at most 2048 bytes") as raised:
        metadata.validate_metadata(value)
    assert raised.value.code == "invalid_metadata"


@given(some_json | strategies.dictionaries(strategies.text(), strategies.text()))
def test_metadata_is_small_storable_json(value):
    if metadata.is_metadata(value):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        assert len(text.encode()) <= 2048
        assert json.loads(text) == value
        assert {type(one) for one in value.values()} <= {str}
