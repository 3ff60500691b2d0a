"""What a process remembers of keys belongs to one schema of its database (security.md B7)."""

import pytest
from django.db import connection, transaction

from tests.support.keys_client import client_of, code_of
from tests.support.requests import JSON, TOKEN_URL, bearer, body
from tests.support.times import NOON
from tests.support.uses import counted, updates
from tot_jwt.keys import usage
from tot_jwt.keys.counts import counters
from tot_jwt.models import ApiKey, current_tenant

pytestmark = pytest.mark.req("B7")


@pytest.fixture
def enter():
    """``enter("acme")``: let the connection name this schema, as django-tenants' does.

    All schemas have the same rows here: what counts is which row is remembered where.
    """

    def set_schema(name):
        connection.schema_name = name
        assert current_tenant() == ("default", name)

    yield set_schema
    del connection.schema_name


def test_plain_connection_has_no_schema(db):
    assert current_tenant() == ("default", None)


def uses(key, token):
    """Return a use of the token, of the keys directly, and an exchange."""
    return [
        lambda client: client.get("/me", headers=bearer(token)),
        lambda client: client.get(TOKEN_URL, headers=bearer(token)),
        lambda client: client.post("/me", body(key), content_type=JSON),
        lambda client: client.post(TOKEN_URL, body(key), content_type=JSON),
    ]


@pytest.mark.parametrize("way", range(4))
def test_state_is_remembered_per_schema(make_key, make_token, enter, client, way):
    enter("home")
    key = make_key()
    use = uses(key, make_token(key))[way]
    assert use(client).status_code == 200
    ApiKey.objects.update(revoked_at=NOON)  # no process is told

    assert use(client).status_code == 200
    enter("abroad")
    for _ in range(2):
        assert use(client).status_code == 401
    enter("home")
    assert use(client).status_code == 200


def test_each_schema_has_its_own_memory(
    make_key, make_token, enter, client, django_assert_num_queries
):
    key = make_key()
    use = uses(key, make_token(key))[0]

    for schema, queries in [("home", 1), ("abroad", 1), ("home", 0), ("abroad", 0)]:
        enter(schema)
        with django_assert_num_queries(queries):
            assert use(client).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pass_time")
def test_use_is_recorded_per_schema(make_key, enter):
    key = make_key()
    written = []
    for schema in ("home", "home", "abroad", "abroad", "home"):
        enter(schema)
        with updates() as sent:
            usage.key_used(key.public_key)
        written.append(len(sent))

    assert written == [1, 0, 1, 0, 0]


@pytest.mark.usefixtures("pass_time")
def test_changes_are_counted_per_schema(make_key, enter, settings):
    settings.TOT_JWT = {"KEY_CHANGE_RATE": "1/hour"}
    enter("home")
    key = make_key()

    for schema, expected in [("home", 201), ("home", 429), ("abroad", 201), ("home", 429)]:
        enter(schema)
        assert client_of(key).create().status_code == expected


@pytest.mark.usefixtures("pass_time")
def test_guesses_are_counted_per_schema(make_key, post_token, enter, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": "1/min", "key": "1/min"}}
    enter("home")
    key = make_key()

    for schema, expected in [("home", 401), ("home", 429), ("abroad", 401), ("abroad", 429)]:
        enter(schema)
        assert code_of(post_token(key, totSecretKey="wrong"))[0] == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pass_time")
def test_use_is_counted_per_schema(make_key, enter):
    key = make_key()
    enter("home")
    counters.of(key.public_key).refuse()
    enter("abroad")
    counters.of(key.public_key).refuse()

    assert counted(key) == (0, 1)
    assert [counter.tenant for counter in counters.waiting()] == [("default", "home")]
    enter("home")
    assert counted(key) == (0, 2)  # all schemas have the same rows here


@pytest.mark.django_db(transaction=True)
def test_count_waits_for_its_schema(make_key, enter):
    key = make_key()

    with transaction.atomic():
        enter("home")
        usage.key_used(key.public_key)
        enter("abroad")  # before the commit

    assert counted(key) == (0, 0)
    enter("home")
    assert counted(key) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_request_writes_its_tenants_counts_only(make_key, enter, pass_time):
    key, other = make_key(), make_key()
    for schema in ("home", "abroad"):
        enter(schema)
        counters.of(other.public_key).refuse()
    pass_time(60)

    usage.key_used(key.public_key)

    assert [counter.tenant for counter in counters.waiting()] == [("default", "home")]
