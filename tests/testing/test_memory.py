"""`reset`: the process forgets what a rolled-back transaction does not undo."""

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.cache import cache

from tests.support.hashers import COUNTING, DJANGO_HASHERS, CountingHasher
from tests.support.times import NOON
from tot_jwt.models import ApiKey, KeyUsage
from tot_jwt.rules.hashes import hash_secret
from tot_jwt.testing import create_client, reset

STRONG = "a strong old secret of 36 characters"


@pytest.fixture
def make_old(make_key, post_token):
    """``make_old("4711")``: use a key with this secret under a slow hash once; return the key."""

    def make(secret):
        key = make_key(secret_hash=make_password(secret))
        key.secret = secret
        assert post_token(key).status_code == 200
        return key

    return make


def test_reset_needs_no_database(django_assert_num_queries):
    reset()  # pytest-django would refuse a query


@pytest.mark.urls("tests.testing.urls")
@pytest.mark.django_db
def test_rate_limits_start_anew():
    cache.set("of-the-host", 1)
    with time_machine.travel(NOON, tick=False):
        client = create_client(rate_limit="2/min")
        for _ in range(2):
            statuses = [client.get("/api/limited").status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            reset()
    assert cache.get("of-the-host") == 1


@pytest.mark.urls("tests.testing.urls")
@pytest.mark.django_db
def test_key_states_are_loaded_anew():
    client = create_client()
    ApiKey.objects.update(disabled_at=NOON)
    assert client.get("/api/orders").status_code == 200

    reset()

    assert client.get("/api/orders").status_code == 401


@pytest.mark.django_db
def test_failed_attempts_are_forgotten(settings, make_key, post_token):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "1/day"}}
    key = make_key()
    with time_machine.travel(NOON, tick=False):
        for _ in range(2):
            statuses = [post_token(key, totSecretKey="wrong").status_code for _ in range(2)]
            assert statuses == [401, 429]
            reset()


@pytest.mark.django_db(transaction=True)
def test_unwritten_uses_are_forgotten(make_key, post_token):
    key = make_key()
    assert [post_token(key).status_code for _ in range(3)] == [200] * 3
    written = KeyUsage.objects.get().accepted
    assert written < 3

    reset()
    post_token(key)

    assert KeyUsage.objects.get().accepted == written + 1


@pytest.mark.django_db
def test_weak_secret_is_compared_anew(settings, make_old, post_token):
    settings.PASSWORD_HASHERS = [COUNTING]
    CountingHasher.compared.clear()
    key = make_old("4711")
    post_token(key)
    assert CountingHasher.compared == [True]

    reset()
    post_token(key)

    assert CountingHasher.compared == [True, True]


@pytest.mark.django_db(transaction=True)
def test_old_hash_is_replaced_anew(settings, make_old, post_token):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS
    key = make_old(STRONG)
    # The rollback of a test restores a row like this, and tells no signal.
    rows = ApiKey.objects.filter(secret_hash=hash_secret(STRONG))
    assert rows.update(secret_hash=key.secret_hash) == 1

    reset()
    post_token(key)

    assert rows.exists()
