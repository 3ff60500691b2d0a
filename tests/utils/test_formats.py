"""Scope tokens and rates."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from tot_jwt.utils.formats import Rate, is_scope_token


@pytest.mark.parametrize(
    "text", ["a", "orders:read", "shop.view_order", "https://x.example/y", "!#$[]~", "a" * 1000]
)
def test_rfc_6749_scope_token_is_valid(text):
    assert is_scope_token(text)


@pytest.mark.parametrize("text", ["", " ", "a b", 'a"', "a\\", "a\n", "ä", "a\0", "\x7f"])
def test_other_text_is_not_scope_token(text):
    assert not is_scope_token(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1/s", (1, 1)),
        ("30/min", (30, 60)),
        ("60/hour", (60, 3600)),
        ("999999999/d", (10**9 - 1, 86400)),
    ],
)
def test_rate_of_drf_is_read(text, rate):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "30", "0/min", "-1/min", "1.5/min", "30/week", "30/month", "30/min ", "３/min", 30]
)
def test_other_rate_is_improperly_configured(text):
    with pytest.raises(ImproperlyConfigured, match=r"Use for example '30/min'\."):
        Rate.parse(text)
