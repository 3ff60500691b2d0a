"""Limits on the requests of a key, and of all keys of a domain (contract §7)."""

import io
import json
import re

import pytest
from django.core.management import call_command

from tests.support.caches import BROKEN, RECORDING, RecordingCache, cache_errors
from tests.support.key_files import FULL_HEADER, SECRET, full_row
from tests.support.keys_client import client_of
from tests.support.limited import limits_of
from tests.support.receivers import received_from
from tests.support.requests import bearer, body, key_headers
from tot_jwt.keys import domains, lifecycle, usage
from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.signals import request_throttled
from tot_jwt.utils import clock

pytestmark = [
    pytest.mark.req("D1"),
    pytest.mark.urls("tests.support.limited"),
    pytest.mark.usefixtures("pass_time"),
]
LIMITED, OTHER = "/limited", "/other"


@pytest.fixture
def send(client, make_token):
    """``send(key, url)``: send a request with a new token of the key, return the response."""

    def send(key, url=LIMITED):
        return client.get(url, headers=bearer(make_token(key)))

    return send


@pytest.fixture
def statuses(send):
    """``statuses(key, 3)``: send so many requests; return their statuses."""
    return lambda key, number: [send(key).status_code for _ in range(number)]


# Whose requests count


def test_all_uses_of_key_count_together(make_key, make_token, client):
    key, other = make_key(rate_limit="5/min"), make_key(rate_limit="5/min")
    one, two = bearer(make_token(key)), bearer(make_token(key))
    in_body = {"data": body(key), "content_type": "application/json"}

    answers = [
        client.get(LIMITED, headers=one),
        client.get(OTHER, headers=two),
        client.get(LIMITED, headers=key_headers(key)),
        client.post(OTHER, **in_body),
        client.head(LIMITED, headers=one),
        client.options(OTHER, headers=two),
        client.post(LIMITED, **in_body),
        client.get(OTHER, headers=key_headers(key)),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert client.get(LIMITED, headers=key_headers(other)).status_code == 200


@pytest.mark.parametrize(
    ("own", "creators", "default", "expected"),
    [
        ("", "", None, None),
        ("", "", "7/min", 7),
        ("", "8/min", "7/min", 8),
        ("9/min", "8/min", "7/min", 9),
        ("9/min", "", None, 9),
    ],
)
def test_limit_is_own_creators_or_default(limit, make_key, send, own, creators, default, expected):
    limit(RATE_LIMIT=default)
    creator = make_key(rate_limit=creators)
    key = make_key(app_domain=creator.app_domain, created_by_key=creator, rate_limit=own)

    answer = send(key)

    policy, rest = f'"key";q={expected};w=60', f'"key";r={(expected or 1) - 1};t=60'
    assert limits_of(answer) == ([policy, rest] if expected else [])
    [shown] = [
        one for one in client_of(creator).list().json()["results"] if one["createdBy"] != "admin"
    ]
    assert shown["rateLimit"] == (f"{expected}/min" if expected else None)


def test_released_key_loses_creators_limit(limit, make_key, send):
    limit(RATE_LIMIT="7/min")
    creator = make_key(rate_limit="8/min")
    key = make_key(app_domain=creator.app_domain, created_by_key=creator)
    assert limits_of(send(key))[0] == '"key";q=8;w=60'

    lifecycle.release_key(key)

    assert limits_of(send(key))[0] == '"key";q=7;w=60'


def test_created_key_has_own_counter(make_key, statuses):
    creator = make_key(rate_limit="2/min")
    created = make_key(app_domain=creator.app_domain, created_by_key=creator)

    assert statuses(creator, 3) == statuses(created, 3) == [200, 200, 429]


def test_domain_limit_counts_its_keys_together(make_domain, make_key, statuses):
    domain = make_domain(rate_limit="4/min")
    one, two = make_key(app_domain=domain), make_key(app_domain=domain)
    created = make_key(app_domain=domain, created_by_key=one)
    test = make_key(app_domain=domain, environment="test")
    foreign = make_key()

    assert [statuses(key, 2) for key in (one, two, created)] == [[200] * 2, [200] * 2, [429] * 2]
    assert statuses(test, 5) == [200] * 4 + [429]
    assert statuses(foreign, 5) == [200] * 5


def test_throttled_key_spares_its_domain(make_domain, make_key, statuses):
    domain = make_domain(rate_limit="4/min")
    greedy, other = make_key(app_domain=domain, rate_limit="1/min"), make_key(app_domain=domain)

    assert statuses(greedy, 10) == [200] + [429] * 9
    assert statuses(other, 4) == [200] * 3 + [429]


def test_renamed_domain_keeps_its_counter(make_domain, make_key, statuses):
    domain = make_domain(rate_limit="3/min")
    key = make_key(app_domain=domain)
    assert statuses(key, 2) == [200] * 2

    domains.rename_domain(domain, "renamed.example")
    key.refresh_from_db()

    assert statuses(key, 2) == [200, 429]


# What the headers say


@pytest.mark.parametrize(
    ("keys", "domains_", "nearest"),
    [
        ("9/min", "99/min", '"key";q=9;w=60'),
        ("99/min", "9/min", '"domain";q=9;w=60'),
        ("9/min", "9/min", '"key";q=9;w=60'),
        ("9/min", "9/hour", '"domain";q=9;w=3600'),
        ("9/day", "9/hour", '"key";q=9;w=86400'),
        ("", "9/hour", '"domain";q=9;w=3600'),
    ],
)
def test_headers_show_the_nearest_limit(make_domain, make_key, send, keys, domains_, nearest):
    domain = make_domain(rate_limit=domains_)
    key = make_key(app_domain=domain, rate_limit=keys)

    policy, rest = limits_of(send(key))

    assert policy == nearest
    assert re.fullmatch(r'"(key|domain)";r=8;t=\d+', rest)


@pytest.mark.parametrize(
    ("keys", "domains_", "headers"),
    [
        ("1/min", "99/min", ['"key";q=1;w=60', '"key";r=0;t=60', "60"]),
        ("99/min", "1/hour", ['"domain";q=1;w=3600', '"domain";r=0;t=3600', "3600"]),
        ("2/min", "1/min", ['"domain";q=1;w=60', '"domain";r=0;t=60', "60"]),
        # The last request of the day is spent too: the client must wait for tomorrow.
        ("2/day", "1/min", ['"key";q=2;w=86400', '"key";r=0;t=43200', "43200"]),
    ],
)
def test_rejection_tells_the_longest_wait(make_domain, make_key, send, keys, domains_, headers):
    key = make_key(app_domain=make_domain(rate_limit=domains_), rate_limit=keys)
    assert send(key).status_code == 200

    rejected = send(key)

    assert (rejected.status_code, limits_of(rejected)) == (429, headers)


def test_end_of_window_resets_the_limit(make_key, statuses, send, pass_time):
    key = make_key(rate_limit="2/min")
    pass_time(22.5)
    assert statuses(key, 2) == [200, 200]
    assert limits_of(send(key)) == ['"key";q=2;w=60', '"key";r=0;t=38', "38"]

    pass_time(37.4)
    assert limits_of(send(key))[2] == "1"
    pass_time(0.1)
    assert limits_of(send(key)) == ['"key";q=2;w=60', '"key";r=1;t=60']


# Changes of a limit


def test_changed_limit_counts_at_once(make_key, send):
    key = make_key()
    assert limits_of(send(key)) == []

    lifecycle.change_key(
        key,
        name=key.name,
        scopes=key.scope_set,
        expires_at=key.expires_at,
        allowed_ips=key.allowed_networks,
        can_issue_tokens=True,
        rate_limit="1/min",
    )

    assert [send(key).status_code for _ in range(2)] == [200, 429]


def test_change_elsewhere_counts_after_age(make_key, make_token, client, pass_time):
    key = make_key(rate_limit="100/min")
    headers = bearer(make_token(key))
    assert limits_of(client.get(LIMITED, headers=headers))[1] == '"key";r=99;t=60'

    # An UPDATE sends no signal here, like one of another process.
    ApiKey.objects.filter(pk=key.pk).update(rate_limit="1/min")
    AppDomain.objects.filter(pk=key.app_domain_id).update(rate_limit="50/min")
    pass_time(4.9)
    assert limits_of(client.get(LIMITED, headers=headers))[1] == '"key";r=98;t=56'
    pass_time(0.1)

    assert limits_of(client.get(LIMITED, headers=headers)) == [
        '"key";q=1;w=60',
        '"key";r=0;t=55',
        "55",
    ]


# Traces


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"key": "2/min"}, "requests_of_a_key"),
        ({"domain": "2/min"}, "requests_of_a_domain"),
    ],
)
def test_rejection_is_signalled_and_logged_once(
    make_domain, make_key, make_token, client, caplog, limits, code
):
    domain = make_domain(domain="example.com", rate_limit=limits.get("domain", ""))
    key = make_key(app_domain=domain, rate_limit=limits.get("key", ""))
    headers = bearer(make_token(key))
    caplog.clear()

    with received_from(request_throttled) as sent:
        for _ in range(5):
            client.get(LIMITED, headers=headers, REMOTE_ADDR="192.0.2.7")

    whose = key.public_key if "key" in limits else "example.com live"
    assert sent == 3 * [{"limit": code, "public_key": key.public_key, "address": "192.0.2.7"}]
    logged = [record.getMessage() for record in caplog.records if record.name == "tot_jwt"]
    assert logged == [
        f"Rate limit exceeded: too many {code.replace('_', ' ')} in 60 seconds: {whose}"
    ]


# Counts are not written inside a transaction.
@pytest.mark.django_db(transaction=True)
def test_rejection_counts_as_refused_use(make_key, make_token, client):
    key = make_key(rate_limit="2/min")
    for headers in (bearer(make_token(key)), key_headers(key)):
        for _ in range(3):
            client.get(LIMITED, headers=headers)

    now = int(clock.epoch())
    [hour] = usage.of_key(key.public_key, now - 3600, now + 3600)
    assert (hour.accepted, hour.refused) == (1 + 2, 4)  # the exchange, and two requests


# Costs and faults


def test_limits_need_no_query(make_domain, make_key, make_token, client, django_assert_num_queries):
    key = make_key(app_domain=make_domain(rate_limit="9/min"), rate_limit="2/min")
    headers = bearer(make_token(key))
    client.get(LIMITED, headers=headers)

    with django_assert_num_queries(0):
        answers = [client.get(LIMITED, headers=headers).status_code for _ in range(2)]

    assert answers == [200, 429]


@pytest.mark.parametrize(
    ("keys", "domains_", "first", "later"),
    [
        ("", "", [], []),
        ("9/min", "", ["incr", "add"], ["incr"]),
        ("9/min", "9/min", ["incr", "add"] * 2, ["incr"] * 2),
    ],
)
def test_each_limit_costs_one_cache_call(
    settings, make_domain, make_key, make_token, client, keys, domains_, first, later
):
    settings.CACHES = {"default": RECORDING}
    key = make_key(app_domain=make_domain(rate_limit=domains_), rate_limit=keys)
    headers = bearer(make_token(key))
    for expected in (first, later, later):
        RecordingCache.calls.clear()
        client.get(LIMITED, headers=headers)
        assert RecordingCache.calls == expected


@pytest.mark.req("D2")
def test_failing_cache_rejects_no_request(
    settings, make_domain, make_key, statuses, send, caplog, pass_time
):
    settings.CACHES = {"default": BROKEN}
    key = make_key(app_domain=make_domain(rate_limit="1/min"), rate_limit="1/min")

    assert statuses(key, 5) == [200] * 5
    assert limits_of(send(key)) == []
    assert len(cache_errors(caplog)) == 1
    pass_time(60)
    send(key)
    assert len(cache_errors(caplog)) == 2


# Where administrators set limits


def test_limits_of_commands_are_enforced(db, send, tmp_path):
    def run(*arguments):
        out = io.StringIO()
        call_command("tot_jwt", *arguments, "--json", stdout=out)
        return json.loads(out.getvalue())

    def policy(shown):
        key = ApiKey.objects.get_exact(shown["totApiKey"])
        key.secret = shown["totSecretKey"]
        return limits_of(send(key))[:1]

    run("create_domain", "shop.example", "--rate-limit", "50/min")
    shown = run("create_key", "shop.example", "--name", "Orders", "--rate-limit", "7/min")
    assert policy(shown) == ['"key";q=7;w=60']
    run("change_key", shown["totApiKey"], "--rate-limit", "6/hour")
    assert policy(shown) == ['"key";q=6;w=3600']
    run("change_key", shown["totApiKey"], "--no-rate-limit")
    assert policy(shown) == ['"domain";q=50;w=60']
    run("change_domain", "shop.example", "--rate-limit", "")
    assert policy(shown) == []

    rows = tmp_path / "keys.csv"
    rows.write_text(f"{FULL_HEADER}\n{full_row(1, rate_limit='9/min')}", encoding="utf-8")
    run("import_keys", str(rows))
    imported = {"totApiKey": "old1", "totSecretKey": f"{SECRET}1"}
    assert policy(imported) == ['"key";q=9;w=60']
