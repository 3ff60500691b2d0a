"""`tot_jwt.contrib.ninja`: TokenAuth and install."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from ninja import NinjaAPI, Router
from ninja.testing import TestAsyncClient, TestClient

from tests.contrib.ninja_urls import api
from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.support.token_requests import all_kinds, both_ways, seen
from tot_jwt.contrib.ninja import TokenAuth, install
from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import state as key_state

pytestmark = pytest.mark.urls("tests.contrib.ninja_urls")

OPERATIONS = ["/api/sync", "/api/async"]


@pytest.fixture
def ask_both(client, async_client):
    """``ask_both("/api/sync", headers={…})``: return the answers by WSGI and by ASGI."""
    return both_ways(client, async_client)


@pytest.mark.req("C1")
@pytest.mark.parametrize("url", OPERATIONS)
def test_operation_answers_as_rest_framework(make_key, make_token, client, ask_both, url):
    requests = all_kinds(make_key, make_token)

    for name, headers in requests.items():
        is_foreign = name in ("empty", "opaque", "foreign")  # left to the next `auth`
        expected = client.get("/reference", headers={} if is_foreign else headers)
        for answer in ask_both(url, headers=headers):
            assert seen(answer) == seen(expected), name


@pytest.mark.parametrize("url", OPERATIONS)
def test_warm_request_costs_no_query(
    make_key, make_token, ask_both, django_assert_num_queries, url
):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    ask_both(url, headers=headers)

    with django_assert_num_queries(0):
        assert [answer.status_code for answer in ask_both(url, headers=headers)] == [200, 200]


@pytest.mark.req("D2")
@pytest.mark.parametrize("url", [*OPERATIONS, "/api/asks-for-more"])
def test_unavailable_database_is_503(make_key, make_token, ask_both, url):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    ask_both(url, headers=headers)
    if url in OPERATIONS:
        key_state.reset()

    with database_gone():
        for answer in ask_both(url, headers=headers):
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("url", ["/api/either", "/api/either-async"])
def test_other_credentials_go_to_next(make_key, make_token, ask_both, url):
    key = make_key()
    token = make_token(key)

    for headers, answer in [
        (bearer(token), key.public_key),
        ({"X-Partner": "partner"}, "partner"),
        (bearer("opaque") | {"X-Partner": "partner"}, "partner"),
        (bearer(token) | {"X-Partner": "partner"}, key.public_key),
    ]:
        assert [each.json() for each in ask_both(url, headers=headers)] == [answer] * 2
    for answer in ask_both(url, headers=bearer(f"{token}x") | {"X-Partner": "partner"}):
        assert answer.json()["code"] == "token_invalid"
    for answer in ask_both(url):
        assert answer.json()["code"] == "not_authenticated"


def test_operation_without_token_keeps_answer(make_user, client):
    answer = client.get("/api/persons")

    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})
    assert "WWW-Authenticate" not in answer.headers
    assert "Authorization" not in answer.headers.get("Vary", "")
    client.force_login(make_user(username="ines"))
    assert client.get("/api/persons").json() == "ines"


@pytest.mark.parametrize("url", ["/plain/sync", "/plain/async"])
def test_statuses_are_right_without_install(make_key, make_token, client, ask_both, url):
    for name, headers in all_kinds(make_key, make_token).items():
        expected = client.get("/reference", headers=headers).status_code
        assert {answer.status_code for answer in ask_both(url, headers=headers)} == {expected}, name


def test_csrf_plays_no_part(make_key, make_token):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))

    assert Client(enforce_csrf_checks=True).post("/api/sync", headers=headers).status_code == 200


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Token"])
@pytest.mark.parametrize(
    "url", ["/api/cached", "/plain/cached", "/api/cached-inside", "/plain/cached-inside"]
)
def test_cache_stores_no_response(make_key, make_token, client, settings, url, header):
    settings.TOT_JWT = {"TOKEN_HEADER": header}
    for key in (make_key(), make_key()):
        headers = {header: f"Bearer {make_token(key)}"}
        assert client.get(url, headers=headers).json()["pk"] == key.public_key
    assert client.get(url).status_code == 401


def test_synchronous_operation_needs_no_loop(make_key, make_token, rf):
    request = rf.get("/", headers=bearer(make_token(make_key())))

    assert TokenAuth()(request) is request.auth
    assert request.auth.client is request.user


def test_bug_of_operation_is_no_answer(make_key, make_token, client):
    with pytest.raises(InvalidValue):
        client.get("/api/has-a-bug", headers=bearer(make_token(make_key())))


@pytest.mark.parametrize(
    ("is_atomic", "status", "is_kept"),
    [(True, 403, False), (True, 503, False), (True, 200, True), (False, 403, True)],
)
def test_writes_before_error_are_undone(
    make_key, make_token, client, monkeypatch, is_atomic, status, is_kept
):
    headers = bearer(make_token(make_key()))
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", is_atomic)

    assert client.get(f"/api/writes?status={status}", headers=headers).status_code == status

    assert Group.objects.exists() == is_kept


@pytest.mark.parametrize("is_in_router", [False, True])
def test_late_install_is_rejected(is_in_router):
    late, part = NinjaAPI(urls_namespace=f"late {is_in_router}"), Router()
    (part if is_in_router else late).get("/")(lambda request: None)
    late.add_router("", part)
    assert late.urls

    with pytest.raises(ImproperlyConfigured, match="right after"):
        install(late)


def test_undocumented_operation_is_protected(make_key, make_token, client):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))

    assert client.get("/api/hidden", headers=headers).status_code == 200
    assert client.get("/api/hidden", headers=bearer(make_token(make_key()))).status_code == 403


def test_test_clients_of_ninja_work(make_key, make_token, monkeypatch):
    monkeypatch.setenv("NINJA_SKIP_REGISTRY", "yes")  # ninja 1.5 mounts an API only once
    key = make_key(scopes=["orders:read"])
    headers = {"AUTHORIZATION": f"Bearer {make_token(key)}"}

    async def ask():
        return await TestAsyncClient(api).get("/async", headers=headers)

    for answer in (TestClient(api).get("/sync", headers=headers), async_to_sync(ask)()):
        assert (answer.status_code, answer.json()["pk"]) == (200, key.public_key)
    assert TestClient(api).get("/sync").json()["code"] == "not_authenticated"


def test_wrong_scopes_are_rejected():
    with pytest.raises(ImproperlyConfigured, match="Invalid scopes"):
        TokenAuth(scopes="orders:read")


def test_openapi_shows_scheme_and_scopes():
    schema = api.get_openapi_schema()
    operations = schema["paths"]

    assert schema["components"]["securitySchemes"]["TokenAuth"]["scheme"] == "bearer"
    for url, description in [
        ("/api/sync", "Return the facts.\n\nRequired scopes: `orders:read`."),
        ("/api/async", "Required scopes: `orders:read`."),
    ]:
        assert operations[url]["get"]["description"] == description
        assert operations[url]["get"]["x-required-scopes"] == ["orders:read"]
        assert operations[url]["get"]["security"] == [{"TokenAuth": []}]
    assert "x-required-scopes" not in operations["/api/asks-for-more"]["get"]
    assert "x-required-scopes" not in operations["/api/persons"]["get"]


def test_openapi_names_other_header(settings):
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}

    scheme = api.get_openapi_schema()["components"]["securitySchemes"]["TokenAuth"]

    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-Api-Token")


@pytest.mark.parametrize("url", OPERATIONS)
def test_other_header_makes_responses_private(settings, make_key, make_token, ask_both, url):
    settings.TOT_JWT = {"TOKEN_HEADER": "X-Api-Token"}
    token = make_token(make_key(scopes=["orders:read"]))

    for answer in ask_both(url, headers={"X-Api-Token": f"Bearer {token}"}):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "X-Api-Token, Tot-App-Domain" in answer.headers["Vary"]
