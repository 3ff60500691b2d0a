"""Rows of revoked tokens: written once, deleted after the tokens have expired."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.support.times import NOON
from tot_jwt import exceptions
from tot_jwt.keys.tokens import BATCH, is_revoked, revoke_token
from tot_jwt.models import ApiKey, KeyEvent, RevokedToken
from tot_jwt.tokens.token import ApiToken

# Rows are deleted after the commit, so most of these tests cannot run inside a transaction.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pass_time")]


@pytest.fixture
def token(make_key, make_token):
    """Return a verified token."""
    return ApiToken(make_token(make_key()))


def expired_rows(token, number):
    """Store so many rows of tokens that have expired."""
    key = ApiKey.objects.get(public_key=token.public_key)
    RevokedToken.objects.bulk_create(
        RevokedToken(jti_hash=f"{index:064}", key=key, expires_at=int(NOON.timestamp()) - index)
        for index in range(number)
    )


def test_second_revocation_changes_nothing(token):
    for _ in range(2):
        revoke_token(token, "192.0.2.1")

    assert is_revoked(token)
    row = RevokedToken.objects.get()
    assert (row.key.public_key, row.expires_at) == (token.public_key, token["exp"] + 10)
    assert row.key.tokens_revoked_until == row.expires_at
    assert str(row) == row.jti_hash
    assert token["jti"] not in str(row)


def test_expired_rows_are_deleted(token):
    expired_rows(token, 3)

    revoke_token(token, "")

    assert RevokedToken.objects.count() == 1
    assert is_revoked(token)


def test_one_revocation_deletes_a_batch(token, make_key, make_token):
    expired_rows(token, BATCH + 3)

    revoke_token(token, "")

    assert RevokedToken.objects.count() == 3 + 1
    revoke_token(ApiToken(make_token(make_key())), "")
    assert RevokedToken.objects.count() == 2


def test_failing_deletion_keeps_the_revocation(token, caplog):
    expired_rows(token, 1)

    def fail(execute, sql, *args):
        if sql.startswith("DELETE"):
            raise DatabaseError("read-only")
        return execute(sql, *args)

    with connection.execute_wrapper(fail):
        revoke_token(token, "")

    assert is_revoked(token)
    assert "Expired rows of revoked tokens not deleted" in caplog.text


def test_rolled_back_revocation_deletes_nothing(token):
    expired_rows(token, 1)

    with transaction.atomic():
        revoke_token(token, "")
        transaction.set_rollback(True)

    assert RevokedToken.objects.count() == 1
    assert not is_revoked(token)


def test_deleted_keys_token_is_not_revoked(token):
    KeyEvent.objects.all().erase()
    ApiKey.objects.get().delete()

    with pytest.raises(exceptions.RevokedToken):
        revoke_token(token, "")
    assert not RevokedToken.objects.exists()


def test_key_erased_meanwhile_is_unknown(token):
    def fail(execute, sql, params, many, context):
        if "revokedtoken" in sql and sql.startswith("INSERT"):
            raise IntegrityError("the key does not exist")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail), pytest.raises(exceptions.RevokedToken):
        revoke_token(token, "192.0.2.1")

    assert not RevokedToken.objects.exists()
