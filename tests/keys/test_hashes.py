"""The hash of an imported secret is replaced when the secret is first used."""

import hashlib
import re

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from tests.support.factories import ApiKeyFactory
from tests.support.hashers import DJANGO_HASHERS
from tests.support.requests import key_headers
from tests.support.stored_keys import reread
from tests.support.times import DAY
from tests.support.uses import failing_updates, updates
from tot_jwt.keys import lifecycle
from tot_jwt.keys import state as key_state
from tot_jwt.rules.hashes import hash_secret, is_slow

pytestmark = pytest.mark.req("B2")

STRONG, WEAK = "a strong old secret of 36 characters", "4711"


def sha512(secret):
    """Return the hash that djangorestframework-api-key stores."""
    return "sha512$$" + hashlib.sha512(secret.encode()).hexdigest()


def django(algorithm):
    """Return a function that hashes as Django does."""
    return lambda secret: make_password(secret, hasher=algorithm)


HASHES = [sha512, django("pbkdf2_sha256"), django("scrypt"), django("md5")]
IDS = ["sha512", "pbkdf2", "scrypt", "md5"]


@pytest.fixture(autouse=True)
def _hashers(settings):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS


@pytest.fixture
def make_old():
    """``make_old(sha512, "secret")``: a key with this secret, hashed like this."""

    def make(hashed, secret):
        key = ApiKeyFactory(secret_hash=hashed(secret))
        key.secret = secret
        return key

    return make


@pytest.fixture(params=["exchange", "direct"])
def use(request, client, post_token):
    """``use(key)``: use the key's secret; return the status."""

    def use(key):
        if request.param == "exchange":
            return post_token(key).status_code
        return client.get("/me", headers=key_headers(key)).status_code

    return use


@pytest.mark.parametrize("hashed", HASHES, ids=IDS)
@pytest.mark.django_db(transaction=True)
def test_strong_secret_gets_fast_hash(make_old, use, hashed):
    key = make_old(hashed, STRONG)

    assert use(key) == 200

    assert reread(key).secret_hash == hash_secret(STRONG)
    assert use(key) == 200


@pytest.mark.parametrize("hashed", [sha512, hash_secret], ids=["sha512", "sha256"])
@pytest.mark.django_db(transaction=True)
def test_weak_secret_gets_slow_hash(make_old, use, hashed):
    key = make_old(hashed, WEAK)

    assert use(key) == 200

    assert is_slow(reread(key).secret_hash)
    assert check_password(WEAK, reread(key).secret_hash)
    assert use(key) == 200


@pytest.mark.parametrize(
    ("hashed", "secret"), [(hash_secret, STRONG), (django("scrypt"), WEAK), (django("md5"), WEAK)]
)
@pytest.mark.django_db(transaction=True)
def test_right_hash_is_kept(make_old, use, hashed, secret):
    key = make_old(hashed, secret)
    use(key)

    with updates() as sent:
        assert use(key) == 200

    assert sent == []
    assert reread(key).secret_hash == key.secret_hash


@pytest.mark.parametrize("secret", ["wrong", sha512(STRONG), hash_secret(STRONG)])
@pytest.mark.django_db(transaction=True)
def test_wrong_secret_replaces_no_hash(make_old, use, secret):
    key = make_old(sha512, STRONG)
    key.secret = secret

    assert use(key) == 401
    assert reread(key).secret_hash == sha512(STRONG)


@pytest.mark.django_db(transaction=True)
def test_previous_secret_is_replaced_too(make_old, use):
    key = make_old(sha512, STRONG)
    _, new = lifecycle.rotate_key(key, grace=DAY)

    assert use(key) == 200

    stored = reread(key)
    assert stored.previous_secret_hash == hash_secret(STRONG)
    assert stored.secret_hash == hash_secret(new.reveal())


@pytest.mark.django_db(transaction=True)
def test_rotation_meanwhile_wins(make_old, use):
    key = make_old(sha512, STRONG)

    def rotate(execute, sql, params, many, context):
        """Rotate the key just before its hash is replaced."""
        if sql.startswith("UPDATE") and "sha512$$" in str(params) and not rotated:
            rotated.append(lifecycle.rotate_key(key, grace=DAY - DAY)[1].reveal())
        return execute(sql, params, many, context)

    rotated = []
    with transaction.get_connection().execute_wrapper(rotate):
        assert use(key) == 200

    assert reread(key).secret_hash == hash_secret(rotated[0])


@pytest.mark.django_db(transaction=True)
def test_failing_update_fails_no_request(make_old, use, caplog):
    key = make_old(sha512, STRONG)

    with failing_updates() as failed:
        assert [use(key) for _ in range(3)] == [200] * 3

    assert len([sql for sql in failed if re.search(r'SET ["`]secret_hash["`]', sql)]) == 1
    # Each database has an error of its own for the missing column.
    assert f"Hash of a secret not replaced: key={key.public_key} error=" in caplog.text
    assert "sha512" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_failed_update_is_tried_again(make_old, use, pass_time):
    key = make_old(sha512, STRONG)
    with failing_updates():
        use(key)

    use(key)
    assert reread(key).secret_hash == sha512(STRONG)
    pass_time(60)
    use(key)
    assert reread(key).secret_hash == hash_secret(STRONG)


@pytest.mark.django_db(transaction=True)
def test_transaction_of_host_comes_first(make_old, use):
    key = make_old(sha512, STRONG)

    with transaction.atomic():
        assert use(key) == 200
        assert reread(key).secret_hash == sha512(STRONG)

    assert reread(key).secret_hash == hash_secret(STRONG)


@pytest.mark.django_db(transaction=True)
def test_rolled_back_use_replaces_nothing(make_old, use):
    key = make_old(sha512, STRONG)

    with transaction.atomic():
        use(key)
        transaction.set_rollback(True)

    assert reread(key).secret_hash == sha512(STRONG)


@pytest.mark.django_db(transaction=True)
def test_autocommit_off_replaces_nothing(make_old, use):
    key = make_old(sha512, STRONG)

    transaction.set_autocommit(False)
    try:
        assert use(key) == 200
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    assert reread(key).secret_hash == sha512(STRONG)


@pytest.mark.django_db(transaction=True)
def test_cached_state_is_dropped(make_old, use):
    key = make_old(sha512, STRONG)
    use(key)

    assert key_state.cached(key.public_key) is None
    use(key)
    assert key_state.cached(key.public_key).secret_hash == hash_secret(STRONG)
