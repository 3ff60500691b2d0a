"""The rate limits of keys and domains."""

import pytest
from django.core.exceptions import ValidationError

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import rates


@pytest.mark.parametrize("rate", ["", "1/s", "600/min", "6000/hour", "100000/day"])
def test_rate_or_nothing_is_accepted(rate):
    assert rates.check_rate(rate) == rate
    rates.validate_rate(rate)


@pytest.mark.parametrize(
    "rate", [" ", "600", "/min", "600/", "-1/min", "1.5/min", "x/min", "600/year", "6 00/min"]
)
def test_other_text_is_no_rate(rate):
    with pytest.raises(InvalidValue, match="for example: 600/min"):
        rates.check_rate(rate)
    with pytest.raises(ValidationError, match="for example: 600/min") as raised:
        rates.validate_rate(rate)
    assert raised.value.code == "invalid_rate"
