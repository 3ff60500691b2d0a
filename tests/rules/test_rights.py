"""Which of two keys may do more: what only takes away waits for no budget and no permission."""

from datetime import timedelta

import pytest

from tests.support.times import DAY, NOON
from tot_jwt.models import ApiKey
from tot_jwt.rules.rights import exceeds

#: A field, and its values from the least to the most that they allow.
LADDERS = [
    ("scopes", ["", "a", "a b", "a b c"]),
    ("expires_at", [NOON, NOON + timedelta(microseconds=1), NOON + DAY, None]),
    ("allowed_ips", ["127.0.0.1/32", "127.0.0.0/8", "0.0.0.0/0 ::1/128", ""]),
    ("can_issue_tokens", [False, True]),
    ("disabled_at", [NOON, None]),
]
#: A field, and two values of which neither contains the other.
SIBLINGS = [
    ("scopes", "a", "b"),
    ("scopes", "a b", "b c"),
    ("allowed_ips", "127.0.0.0/8", "192.0.2.0/24"),
    ("allowed_ips", "127.0.0.0/8", "::/0"),
]
#: Two values that allow the same.
EQUALS = [
    ("scopes", "a b", "b a"),
    ("allowed_ips", "10.0.0.0/8 10.0.0.0/9", "10.0.0.0/8"),
    ("disabled_at", NOON, NOON + DAY),
    ("name", "One", "Two"),
    ("generation", 1, 2),
    ("revoked_at", None, NOON),
]


@pytest.mark.parametrize(("name", "values"), LADDERS, ids=[name for name, _ in LADDERS])
def test_more_exceeds_less(name, values):
    keys = [ApiKey(**{name: value}) for value in values]

    for number, key in enumerate(keys):
        assert [exceeds(key, other) for other in keys] == [
            number > place for place in range(len(keys))
        ]


@pytest.mark.parametrize(("name", "one", "other"), SIBLINGS, ids=str)
def test_siblings_exceed_one_another(name, one, other):
    keys = ApiKey(**{name: one}), ApiKey(**{name: other})

    assert exceeds(*keys)
    assert exceeds(*reversed(keys))


@pytest.mark.parametrize(("name", "one", "other"), EQUALS, ids=str)
def test_equals_exceed_nothing(name, one, other):
    keys = ApiKey(**{name: one}), ApiKey(**{name: other})

    assert not exceeds(*keys)
    assert not exceeds(*reversed(keys))


@pytest.mark.parametrize("name", ["scopes", "expires_at", "allowed_ips", "can_issue_tokens"])
def test_one_gain_outweighs_all_losses(name):
    least = {ladder: values[0] for ladder, values in LADDERS}
    most = {ladder: values[-1] for ladder, values in LADDERS}

    assert exceeds(ApiKey(**{**least, name: most[name]}), ApiKey(**{**most, name: least[name]}))
