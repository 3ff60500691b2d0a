"""Which scopes a key may have."""

import pytest
from django.utils.translation import override

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import scopes


def test_catalog_limits_scopes_of_keys(settings):
    settings.TOT_JWT = {"SCOPES": {"a": "A", "b": "B"}}

    assert scopes.validate(["b", "a"]) == {"a", "b"}
    with pytest.raises(InvalidValue, match="“c”"):
        scopes.validate(["c"])


def test_key_keeps_scope_outside_catalog(settings):
    settings.TOT_JWT = {"SCOPES": {"a": "A"}}

    assert scopes.validate(["a", "old"], known=["old"]) == {"a", "old"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["a b"], "is not a scope"),
        (["keys:manage"], "cannot be given to a key"),
        ([f"s{i}" for i in range(51)], "at most 50 scopes"),
        ([f"{i:02}" + "s" * 34 for i in range(50)], "at most 1800 characters"),
    ],
)
def test_scopes_outside_the_bounds_are_errors(wrong, message):
    with pytest.raises(InvalidValue, match=message):
        scopes.validate(wrong)


def test_scopes_within_the_bounds_are_valid():
    assert len(scopes.validate([f"{i:02}" + "s" * 33 for i in range(50)])) == 50


def test_order_of_scopes_is_irrelevant():
    assert scopes.join(["b", "a"]) == scopes.join({"a", "b"}) == "a b"
    assert scopes.split("b a") == {"a", "b"}
    assert scopes.split("") == frozenset()


def test_message_about_scope_is_translatable():
    with override("de"), pytest.raises(InvalidValue) as raised:
        scopes.validate(["a b"])

    assert "a b" in raised.value.message
