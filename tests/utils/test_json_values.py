"""JSON values that are read strictly and frozen."""

import copy
import json

import pytest

from tot_jwt.utils.json_values import MAX_DEPTH, freeze, thaw, unrepeated


def nested(depth, value):
    """Return lists and dicts by turns, nested this deep."""
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


VALUES = [1, "a", None, True, 1.5, [], {}, [[]], {"a": [1, {"b": {}}]}, nested(MAX_DEPTH, 1)]


@pytest.mark.parametrize("value", VALUES)
def test_thawed_value_is_equal(value):
    before = copy.deepcopy(value)

    thawed = thaw(freeze(value))

    assert thawed == value == before
    assert json.dumps(thawed) == json.dumps(value)


def test_frozen_value_cannot_be_changed():
    original = {"list": [1], "dict": {"a": [{}]}}

    frozen = freeze(original)
    original["list"].append(2)

    assert frozen["list"] == (1,)
    for change in (
        lambda: frozen.update(a=1),
        lambda: frozen.__setitem__("a", 1),
        lambda: frozen["list"].append(2),
        lambda: frozen["dict"].pop("a"),
        lambda: frozen["dict"]["a"][0].update(b=1),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, MAX_DEPTH + 2, 10_000])
def test_deep_value_is_not_frozen(depth):
    with pytest.raises(ValueError, match="nested too deeply"):
        freeze(nested(depth, 1))


def test_repeated_name_is_an_error():
    assert json.loads('{"a": {"a": 1}}', object_pairs_hook=unrepeated) == {"a": {"a": 1}}
    with pytest.raises(ValueError, match="repeated"):
        json.loads('{"b": {"a": 1, "a": 1}}', object_pairs_hook=unrepeated)
