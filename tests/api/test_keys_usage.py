"""``GET keys/{totApiKey}/usage``: the hours in which a key was used (contract §5)."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.keys_calls import NOT_FOUND
from tests.support.keys_client import KEYS_URL, client_of, code_of, url_of
from tests.support.requests import key_headers
from tests.support.times import NOON
from tot_jwt.models import KeyUsage

pytestmark = pytest.mark.django_db

HOUR = 3600
DAY = 24 * HOUR
#: NumericDate of 2025-10-29T12:00:00Z, at which the clocks of `pass_time` stand still.
NOW = int(NOON.timestamp())


def usage(api: Any, key: Any, query: str = "", **params: str) -> Any:
    """Return the answer. `query` is sent as it is, and other parameters are encoded."""
    sent = query or urlencode(params)
    return api.send("get", f"{url_of(key)}/usage" + (f"?{sent}" if sent else ""))


def use(key: Any, at: int, accepted: int = 1, refused: int = 0) -> None:
    """Store what was counted in an hour."""
    KeyUsage.objects.create(key=key, at=at, accepted=accepted, refused=refused)


def hours(answer: Any) -> list[str]:
    """Return the hours of an answer, without what all of them have in common."""
    assert answer.status_code == 200, answer.content
    return [hour["at"].removesuffix(":00:00.000Z") for hour in answer.json()["results"]]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_answer_has_exact_shape(zone, settings, pass_time, key, api, make_key):
    settings.TIME_ZONE = zone
    use(key, NOW - HOUR, accepted=0, refused=2)
    use(key, NOW - 18 * HOUR, accepted=12, refused=1)
    use(make_key(app_domain=key.app_domain), NOW - HOUR)

    answer = usage(api, key)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.decode() == (
        f'{{"totApiKey":"{key.public_key}","interval":"hour","results":['
        '{"at":"2025-10-28T18:00:00.000Z","accepted":12,"refused":1},'
        '{"at":"2025-10-29T11:00:00.000Z","accepted":0,"refused":2}]}'
    )


def test_period_is_last_thirty_days(pass_time, key, api):
    for at in (NOW - 30 * DAY, NOW - 30 * DAY + HOUR, NOW):
        use(key, at)

    assert hours(usage(api, key)) == ["2025-09-29T13", "2025-10-29T12"]
    assert hours(usage(api, key, to="2025-10-29T12:00:00Z")) == ["2025-09-29T12", "2025-09-29T13"]
    assert hours(usage(api, key, **{"from": "2025-09-29T13:00:00Z"})) == [
        "2025-09-29T13",
        "2025-10-29T12",
    ]
    pass_time(HOUR)
    assert hours(usage(client_of(key), key)) == ["2025-10-29T12"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-10-29T08:00:00Z", "2025-10-29T10:00:00Z", [8, 9]),
        ("2025-10-29T08:00:00.001Z", "2025-10-29T10:00:00.001Z", [9, 10]),
        ("2025-10-29T08:30:00Z", "2025-10-29T09:30:00Z", [9]),
        ("2025-10-29T13:30:00+05:30", "2025-10-29T06:00:00-04:00", [8, 9]),
        ("2025-10-29t08:00:00z", "2025-10-29 10:00:00.000000001z", [8, 9]),
        ("2025-10-29T08:00:00Z", "2025-10-29T08:00:00Z", []),
        ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", [8, 9, 10]),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", []),
    ],
)
def test_hour_counts_if_it_begins_within(start, end, expected, key, api):
    for hour in (8, 9, 10):
        use(key, NOW - (12 - hour) * HOUR)

    answer = usage(api, key, **{"from": start, "to": end})

    assert hours(answer) == [f"2025-10-29T{hour:02}" for hour in expected]


def test_one_end_alone_may_be_extreme(key, api):
    use(key, NOW)

    assert hours(usage(api, key, **{"from": "0001-01-01T00:00:00Z"})) == ["2025-10-29T12"]
    for query in ("from=9999-12-31T23:59:59Z", "to=0001-01-01T00:00:00Z"):
        assert hours(usage(api, key, query)) == []


NOT_A_MOMENT = "Not a date and time with its time zone (RFC 3339). Write + as %2B."
GOOD = "2025-10-29T12:00:00Z"


@pytest.mark.parametrize("name", ["from", "to"])
def test_bad_moment_is_named(name, key, api):
    values = [
        "",
        "yesterday",
        "1761739200",
        "2025-10-29",
        "2025-10-29T12:00:00",
        "2025-10-29T12:00Z",
        "2025-10-29T12:00:00+02:00",  # its plus is a space in a query
        "2025-02-30T12:00:00Z",
        "2025-10-29T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "2025-10-29T12:00:00%00Z",
        "%ff",
        "%ED%A0%80",
        "٢٠٢٥-10-29T12:00:00Z",
        "9" * 5000,
        f"{GOOD}&{name}={GOOD}",
        f"{GOOD}&{name}=",
    ]

    for value in values:
        answer = usage(api, key, f"{name}={value}")
        assert (answer.status_code, answer.json()) == (400, {name: [NOT_A_MOMENT]}), value
    assert usage(api, key, f"{name}=2025-10-29T12:00:00%2B02:00").status_code == 200


def test_start_after_end_is_named(key, api):
    answer = usage(api, key, **{"from": "2025-10-29T12:00:00.000001Z", "to": GOOD})

    assert (answer.status_code, answer.json()) == (400, {"from": ["Must not be after `to`."]})


def test_other_parameters_are_ignored(key, api):
    assert usage(api, key, page="2", interval="day", From="x").status_code == 200
    assert code_of(usage(api, key, "&".join(["a="] * 1001))) == (400, "malformed_request")


# Who may see it


def test_foreign_key_is_unknown(key, api, make_key):
    foreign = [
        make_key(),
        make_key(app_domain=key.app_domain, environment="test"),
        "pk_live_tot_x",
        "é",
    ]

    for other in foreign:
        answers = [usage(api, other), usage(api, other, "from=x")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert {answer.content for answer in answers} == {NOT_FOUND}


def test_keys_of_domain_are_visible(key, api, child, make_key):
    other = make_key(app_domain=key.app_domain, scopes=["more:than", "caller:has"])

    for seen in (child, other):
        use(seen, NOW)
        assert hours(usage(api, seen, to="2025-10-29T13:00:00Z")) == ["2025-10-29T12"]


def test_caller_needs_managing_token(key, settings):
    url = f"{url_of(key)}/usage"
    narrow, full = client_of(key, scopes=["orders:read"]), client_of(key)

    assert code_of(usage(narrow, key)) == (403, "insufficient_scope")
    assert code_of(Client().get(url)) == (401, "not_authenticated")
    assert code_of(Client().get(url, headers=key_headers(key))) == (401, "not_authenticated")
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}
    assert code_of(usage(full, key)) == (404, "not_found")


# The URL


def test_last_slash_and_head_change_nothing(key, api):
    use(key, NOW)
    query = f"?to={GOOD}"

    plain, slash = (api.send("get", f"{url_of(key)}/usage{end}{query}") for end in ("", "/"))
    head = api.send("head", f"{url_of(key)}/usage{query}")

    assert plain.content == slash.content
    assert (head.status_code, head.content) == (200, b"")


def test_other_methods_are_not_allowed(key, api):
    for method in ("post", "put", "patch", "delete", "options"):
        answer = api.send(method, f"{url_of(key)}/usage")
        assert code_of(answer) == (405, "method_not_allowed"), method
        assert answer["Allow"] == "GET, HEAD"


def test_public_key_may_contain_endpoint_names(key, make_key, api):
    for name in ("a/usage", "a/rotate", "usage"):
        named = make_key(app_domain=key.app_domain, public_key=name)
        use(named, NOW)
        encoded = usage(api, name, to="2025-10-29T13:00:00Z")
        plain = api.send("get", f"{KEYS_URL}/{name}/usage?to=2025-10-29T13:00:00Z")
        for answer in (encoded, plain):
            assert answer.json()["totApiKey"] == name
            assert hours(answer) == ["2025-10-29T12"]
    assert api.show("usage").json()["totApiKey"] == "usage"


# What it costs, and what it sees


def test_answer_costs_two_queries(pass_time, key, api, django_assert_num_queries):
    usage(api, key)
    for number in range(100):
        use(key, NOW - number * HOUR)

    with django_assert_num_queries(2):  # the key and its usage
        assert len(hours(usage(api, key))) == 100


@pytest.mark.django_db(transaction=True)
def test_request_counts_itself(pass_time, make_key, client):
    key = make_key()
    api = client_of(key)
    api.send("get", f"{url_of(key)}x")
    answers = [usage(api, key) for _ in range(3)]

    # The exchange, the key that does not exist, and each request until then.
    assert [answer.json()["results"] for answer in answers] == [
        [{"at": "2025-10-29T12:00:00.000Z", "accepted": number, "refused": 0}]
        for number in (3, 4, 5)
    ]
