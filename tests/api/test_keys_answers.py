"""The keys endpoints: what holds for every answer (contract §5)."""

import pytest
from django.db import InternalError, OperationalError, connection

from tests.support.keys_calls import NOT_FOUND, every_call
from tests.support.keys_client import KEYS_URL, KeysClient, client_of, code_of
from tot_jwt import urls

pytestmark = pytest.mark.django_db


@pytest.mark.req("C5")
@pytest.mark.parametrize("accept", ["text/html", "nonsense"])
def test_every_answer_is_uncacheable_json(key, api, child, accept):
    api.client.defaults["HTTP_ACCEPT"] = accept
    answers = [
        *every_call(api, child),
        api.rotate(child),
        api.change(key, name="x"),
        api.show("x"),
        api.create(name=1),
        api.send("post", KEYS_URL, b"x" * 9000),
        api.send("put", KEYS_URL),
        KeysClient().list(),
        client_of(key, scopes="orders:read").list(),
    ]

    statuses = [200, 201, 200, 200, 200, 200, 204, 409, 403, 404, 400, 413, 405, 401, 403]
    assert [answer.status_code for answer in answers] == statuses
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"
        if answer.status_code == 204:
            assert answer.content == b""
        else:
            assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.req("C5")
def test_rejected_input_is_never_echoed(key, api, child):
    marker = "zebra7"
    answers = [
        api.show(marker),
        api.list(status=marker),
        api.list(cursor=marker),
        api.create(**{marker: marker}),
        api.create(
            name=[marker], scopes=[f"{marker} {marker}"], allowedIps=[marker], expiresAt=marker
        ),
        api.create(scopes=[marker]),
        api.change(child, scopes=[marker]),
        api.change(child, disabled=marker, **{marker: 1}),
        api.rotate(key, totSecretKey=marker),
        api.rotate(child, graceSeconds=marker),
        api.revoke(child, force=marker),
        api.send("post", KEYS_URL, marker.encode()),
    ]

    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert marker not in (answer.content.decode() + str(answer.headers)).lower()


@pytest.mark.req("C5")
def test_answers_are_never_translated(api, child, settings):
    settings.LANGUAGE_CODE = "de"
    api.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    assert api.show("x").content == NOT_FOUND
    assert api.list(status="x").json()["status"][0].startswith("Must be one of active, expiring,")


@pytest.mark.req("D4")
def test_views_ignore_atomic_requests():
    assert [pattern.callback._non_atomic_requests for pattern in urls.urlpatterns] == [
        {"default"}
    ] * 5


@pytest.mark.req("D2")
def test_unreachable_database_gives_503(api, child):
    def fail(*args):
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        answers = [api.list(), api.create(), api.show(child), api.revoke(child)]

    for answer in answers:
        assert code_of(answer) == (503, "service_unavailable")
        assert answer.headers["Retry-After"] == "5"


@pytest.mark.req("D2")
def test_database_failing_midway_gives_503(api):
    queries = []

    def fail_second(execute, *args):
        queries.append(args)
        if len(queries) == 2:
            raise OperationalError("gone")
        return execute(*args)

    with connection.execute_wrapper(fail_second):
        answer = api.list()

    assert len(queries) == 2
    assert code_of(answer) == (503, "service_unavailable")


class FromDriver(Exception):
    """An error of PostgreSQL's driver; tests/services/test_postgresql.py has a read-only server."""

    def __init__(self, sqlstate):
        super().__init__()
        self.sqlstate = sqlstate


def fail_writing(cause):
    """Return a wrapper in which each INSERT raises an InternalError with this cause."""

    def execute_unless_insert(execute, sql, *args):
        if sql.startswith("INSERT"):
            raise InternalError("cannot execute INSERT") from cause
        return execute(sql, *args)

    return connection.execute_wrapper(execute_unless_insert)


@pytest.mark.req("D2")
def test_read_only_database_gives_503(api):
    with fail_writing(FromDriver(sqlstate="25006")):
        assert code_of(api.create()) == (503, "service_unavailable")


@pytest.mark.parametrize("cause", [None, FromDriver(sqlstate="XX000")])
def test_other_internal_error_reaches_django(api, cause):
    with fail_writing(cause), pytest.raises(InternalError):
        api.create()
