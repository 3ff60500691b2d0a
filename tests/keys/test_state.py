"""The states of keys that a process caches."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tests.support.created_keys import created_by
from tests.support.times import DAY, NOON
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.keys.loading import KeyState, load
from tot_jwt.keys.state import MAX_STATES, decide
from tot_jwt.models import ApiKey, AppDomain, KeyEvent


def change_elsewhere(key, **columns):
    """Change the row as another process does: this process is not told."""
    ApiKey.objects.filter(pk=key.pk).update(**columns)


def is_cached(key):
    """Return whether the state was cached. It is cached afterwards."""
    _, is_fresh = decide(key.public_key, lambda state: state)
    return not is_fresh


# Loading


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago"])
def test_state_equals_the_orms_row(make_key, use_tz, zone):
    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        moment = NOON.replace(microsecond=123456, tzinfo=NOON.tzinfo if use_tz else None)
        plain = make_key()
        full = make_key(
            scopes=["a", "b"],
            environment="test",
            allowed_ips=["::1", "192.0.2.0/24"],
            can_issue_tokens=False,
            generation=3,
            previous_secret_hash="sha256$x",
            previous_secret_expires_at=moment,
            tokens_revoked_until=1_761_739_200,
            expires_at=moment + DAY,
            disabled_at=moment.replace(microsecond=0),
            revoked_at=moment + timedelta(hours=1),
            app_domain__suspended_at=moment,
            app_domain__aliases="localhost www.example.com",
            app_domain__rate_limit="6000/min",
            rate_limit="600/min",
        )
        for key in (plain, full):
            row = ApiKey.objects.select_related("app_domain").get(pk=key.pk)
            assert load(key.public_key) == KeyState(
                public_key=row.public_key,
                app_domain=row.app_domain.domain,
                app_domain_id=row.app_domain_id,
                aliases=row.app_domain.aliases,
                environment=row.environment,
                scopes=row.scope_set,
                generation=row.generation,
                can_issue_tokens=row.can_issue_tokens,
                allowed_ips=(row.allowed_ips,) if row.allowed_ips else (),
                rate_limit=row.rate_limit,
                domain_rate_limit=row.app_domain.rate_limit,
                secret_hash=row.secret_hash,
                previous_secret_hash=row.previous_secret_hash,
                previous_secret_expires_at=row.previous_secret_expires_at,
                tokens_revoked_until=row.tokens_revoked_until,
                expires_at=row.expires_at,
                disabled_at=row.disabled_at,
                revoked_at=row.revoked_at,
                suspended_at=row.app_domain.suspended_at,
            )


LATER, LATEST = NOON + DAY, NOON + 2 * DAY
#: Columns of a created key, columns of its creator, and what the created key's state has of them.
INSIDE = [
    ({"scopes": ["a", "b"]}, {"scopes": ["b", "c"]}, {"scopes": {"b"}}),
    ({}, {"rate_limit": "9/min"}, {"rate_limit": "9/min"}),
    ({"rate_limit": "99/min"}, {"rate_limit": "9/min"}, {"rate_limit": "99/min"}),
    ({"allowed_ips": ["::1"]}, {"allowed_ips": ["::/64"]}, {"allowed_ips": ("::1/128", "::/64")}),
    ({}, {"allowed_ips": ["::/64"]}, {"allowed_ips": ("::/64",)}),
    ({"allowed_ips": ["::1"]}, {}, {"allowed_ips": ("::1/128",)}),
    ({"expires_at": LATER}, {"expires_at": LATEST}, {"expires_at": LATER}),
    ({"expires_at": LATEST}, {"expires_at": LATER}, {"expires_at": LATER}),
    ({}, {"expires_at": LATER}, {"expires_at": LATER}),
    ({"expires_at": LATER}, {}, {"expires_at": LATER}),
    ({}, {"can_issue_tokens": False}, {"can_issue_tokens": False}),
    ({"can_issue_tokens": False}, {}, {"can_issue_tokens": False}),
    ({}, {"disabled_at": NOON}, {"disabled_at": NOON}),
    ({}, {"revoked_at": NOON}, {"revoked_at": NOON}),
    ({"revoked_at": LATER}, {"revoked_at": NOON}, {"revoked_at": LATER}),
    ({}, {"generation": 7, "tokens_revoked_until": int(LATER.timestamp())}, {"generation": 1}),
]


@pytest.mark.req("F0")
@pytest.mark.parametrize(("own", "creators", "expected"), INSIDE, ids=str)
def test_state_is_what_both_have(make_key, own, creators, expected):
    creator = make_key(**creators)
    created = created_by(creator, **own)
    state = load(created.public_key)

    assert {name: getattr(state, name) for name in expected} == expected
    assert not state.has_revoked_tokens


@pytest.mark.req("F0")
@pytest.mark.parametrize(("own", "creators"), [row[:2] for row in INSIDE], ids=str)
def test_released_state_is_its_own(make_key, own, creators):
    created = created_by(make_key(**creators), **own, released_at=NOON)
    alone = make_key(app_domain=created.app_domain, **own)
    identity = {"public_key": "", "secret_hash": ""}

    assert replace(load(created.public_key), **identity) == replace(
        load(alone.public_key), **identity
    )


def test_state_costs_one_query(make_key, django_assert_num_queries):
    created = created_by(make_key())

    with django_assert_num_queries(1):
        load(created.public_key)


def test_state_shows_no_hash(make_key):
    key = make_key(previous_secret_hash="sha256$previous")

    shown = repr(load(key.public_key))

    assert key.secret_hash not in shown
    assert "sha256$previous" not in shown


@pytest.mark.parametrize(
    "nearly", [str.upper, str.lower, "{} ".format, " {}".format, "{}\n".format]
)
def test_state_is_of_exact_public_key(make_key, nearly):
    key = make_key(public_key="pk_Mixed_Case")

    assert load(nearly(key.public_key)) is None
    assert load(key.public_key).public_key == "pk_Mixed_Case"


# The age of cached states


@pytest.mark.req("A11")
@pytest.mark.parametrize("max_age", [5, 1, 0.5])
def test_foreign_revocation_counts_after_max_age(
    make_key, make_token, get_token, pass_time, settings, max_age
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    key = make_key()
    token = make_token(key)
    change_elsewhere(key, revoked_at=NOON)

    pass_time(max_age - 0.1)
    assert get_token(token).status_code == 200
    pass_time(0.1)
    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_use_does_not_renew_cached_state(make_key, make_token, get_token, pass_time):
    key = make_key()
    token = make_token(key)
    change_elsewhere(key, revoked_at=NOON)

    for _ in range(4):
        pass_time(1)
        assert get_token(token).status_code == 200
    pass_time(1)
    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_without_cache_foreign_revocation_counts_immediately(
    make_key, make_token, get_token, settings
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    key = make_key()
    token = make_token(key)
    change_elsewhere(key, revoked_at=NOON)

    assert get_token(token).status_code == 401


@pytest.mark.req("A11")
def test_foreign_new_secret_works_immediately(make_key, post_token):
    key = make_key()
    assert post_token(key).status_code == 200
    other = make_key()
    change_elsewhere(key, secret_hash=other.secret_hash)

    assert post_token(key, totSecretKey=other.secret).status_code == 200
    assert post_token(key).status_code == 401


@pytest.mark.req("A11")
def test_foreign_enabled_key_works_immediately(make_key, post_token):
    key = make_key(disabled_at=NOON)
    assert post_token(key).status_code == 401
    change_elsewhere(key, disabled_at=None)

    assert post_token(key).status_code == 200


# What is cached


@pytest.mark.req("D5")
def test_wrong_guesses_displace_no_state(
    make_key, make_token, get_token, post_token, django_assert_num_queries
):
    key = make_key()
    token = make_token(key)
    post_token(key, totSecretKey="wrong")
    post_token(key, totApiKey="unknown")

    with django_assert_num_queries(0):
        assert get_token(token).status_code == 200


@pytest.mark.req("D5")
def test_unknown_key_is_not_cached(db):
    answers = [decide("pk_unknown", lambda state: state) for _ in range(2)]

    assert [tuple(answer) for answer in answers] == [(None, True), (None, True)]


@pytest.mark.req("D5")
@pytest.mark.usefixtures("pass_time")
def test_full_cache_drops_oldest_state(make_key):
    oldest = make_key()
    names = [f"pk_{number}" for number in range(MAX_STATES)]
    copy_key(oldest, names)
    for public_key in [oldest.public_key, *names]:
        decide(public_key, lambda state: state)

    assert [is_cached(ApiKey(public_key=name)) for name in names[:2]] == [True, True]
    assert not is_cached(oldest)


def copy_key(key, names):
    """Copy the row under each of these public keys, much faster than the ORM does."""
    columns = [field.column for field in ApiKey._meta.concrete_fields if not field.primary_key]
    columns.remove("public_key")
    copied = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO tot_jwt_apikey (public_key, {copied})"  # noqa: S608 - column names
            f" SELECT %s, {copied} FROM tot_jwt_apikey WHERE public_key = %s",
            [(name, key.public_key) for name in names],
        )


@pytest.mark.req("A11")
@pytest.mark.django_db(transaction=True)
def test_change_empties_cache_again_on_commit(make_key):
    key = make_key()
    is_cached(key)
    assert is_cached(key)

    with transaction.atomic():
        lifecycle.disable_key(key)
        assert not is_cached(key)
        assert is_cached(key)

    assert not is_cached(key)


@pytest.mark.req("A11")
def test_outdated_state_is_not_cached(make_key):
    key = make_key()

    def rule(state):
        key_state.reset()
        return state.public_key

    assert tuple(decide(key.public_key, rule)) == (key.public_key, True)
    assert not is_cached(key)


def test_any_save_or_delete_empties_cache(make_key):
    changed, other = make_key(), make_key()
    KeyEvent.objects.all().erase()
    app_domain = AppDomain.objects.get(pk=changed.app_domain_id)

    for change in (changed.save, app_domain.save, changed.delete, app_domain.delete):
        is_cached(other)
        assert is_cached(other)
        change()
        assert not is_cached(other)
