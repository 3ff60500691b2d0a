"""Keys that change, or vanish, between the look at the rules and the lock, or the cached state."""

from contextlib import contextmanager

import pytest
from django.db import connection

from tests.support.created_keys import ADMINISTRATOR, created_by
from tests.support.keys_client import client_of, code_of
from tests.support.receivers import received_from
from tests.support.requests import TOKEN_URL, bearer
from tests.support.stored_keys import reread
from tests.support.token_errors import assert_token_error
from tests.support.uses import counted
from tot_jwt.exceptions import ResourceNotFound
from tot_jwt.keys import disable_key
from tot_jwt.models import ApiKey, KeyEvent, RevokedToken
from tot_jwt.signals import access_refused

pytestmark = pytest.mark.django_db


@contextmanager
def before_the_lock(change):
    """Make the change when the package opens the transaction in which it locks a key."""
    done = []

    def watch(execute, sql, *rest):
        if sql.startswith("SAVEPOINT") and not done:
            done.append(sql)
            change()
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        yield
    assert done


def vanish(key):
    """Delete the row past the package, which goes on with its cached state."""
    with connection.cursor() as cursor:
        for model, column in [(KeyEvent, "key_id"), (ApiKey, "id")]:
            table = model._meta.db_table
            cursor.execute(f"DELETE FROM {table} WHERE {column} = %s", [key.pk])  # noqa: S608


@pytest.mark.req("D8", "F1")
def test_narrowing_that_widens_meanwhile_conflicts(make_key):
    owner = make_key(scopes=["a", "b"])
    key = created_by(owner, scopes=["a", "b"])
    api = client_of(owner)

    with before_the_lock(lambda: ApiKey.objects.filter(pk=key.pk).update(scopes="")):
        answer = api.change(key, scopes=["a"])

    assert code_of(answer) == (409, "conflict")
    assert reread(key).scopes == ""


@pytest.mark.req("F0")
def test_administrator_disables_a_disabled_key(make_key):
    owner = make_key(scopes=["a"])
    key = created_by(owner, scopes=["a"])
    api = client_of(owner)
    assert api.change(key, disabled=True).status_code == 200

    disable_key(key, by=ADMINISTRATOR)

    assert code_of(api.change(key, disabled=False)) == (403, "key_not_yours")


def test_key_that_vanished_cannot_be_locked(make_key):
    key = make_key()
    vanish(key)

    with pytest.raises(ResourceNotFound):
        disable_key(key)


@pytest.mark.req("A11")
def test_caller_that_vanishes_meanwhile_is_revoked(make_key):
    """Its row is gone when the rules look at it, after its state was loaded."""
    key = make_key()
    api = client_of(key)

    def watch(execute, sql, *rest):
        result = execute(sql, *rest)
        if "LEFT JOIN tot_jwt_apikey c" in sql:
            vanish(key)
        return result

    with connection.execute_wrapper(watch):
        assert_token_error(api.create(), "token_revoked")


@pytest.mark.req("A11")
def test_vanished_keys_token_is_revoked(make_key, make_token, get_token, client):
    key = make_key()
    token = make_token(key)
    assert get_token(token).status_code == 200
    vanish(key)

    assert_token_error(client.delete(TOKEN_URL, headers=bearer(token)), "token_revoked")


@pytest.mark.req("A11")
def test_row_outlives_token_on_slow_clocks(
    make_key, make_token, client, pass_time, django_capture_on_commit_callbacks
):
    """Other processes' clocks may be ten seconds behind: they still accept the token."""
    key = make_key()
    rows = []
    for seconds in (0, 900 + 9, 2):
        pass_time(seconds)
        headers = bearer(make_token(key))
        with django_capture_on_commit_callbacks(execute=True):
            assert client.delete(TOKEN_URL, headers=headers).status_code == 204
        rows.append(RevokedToken.objects.count())

    assert rows == [1, 2, 2]


@pytest.mark.req("D6")
def test_key_rotated_meanwhile_conflicts(make_key):
    owner = make_key(scopes=["a"])
    key = created_by(owner, scopes=["a"])
    api = client_of(owner)

    with before_the_lock(lambda: ApiKey.objects.filter(pk=key.pk).update(secret_hash="sha256$x")):
        answer = api.rotate(key)

    assert code_of(answer) == (409, "conflict")
    assert reread(key).secret_hash == "sha256$x"


@pytest.mark.req("E10")
@pytest.mark.django_db(transaction=True)
def test_token_that_ended_elsewhere_leaves_trace(make_key):
    key = make_key(scopes=["a"])
    api = client_of(key)
    api.list()
    # As another process would.
    ApiKey.objects.filter(pk=key.pk).update(generation=2)

    with received_from(access_refused) as refusals:
        answer = api.create()

    assert code_of(answer) == (401, "token_revoked")
    assert [refusal["reason"] for refusal in refusals] == ["old_generation"]
    assert counted(key) == (2, 1)
