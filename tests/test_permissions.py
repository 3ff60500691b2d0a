"""HasScopes, Django's permissions and DRF's throttles with clients."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.views import Scoped
from tot_jwt.keys import state as key_state
from tot_jwt.models import ApiKey


def assert_insufficient_scope(answer, scope):
    """Assert that the response is the 403 that names the scope."""
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    challenge = f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'
    assert answer.headers["WWW-Authenticate"] == challenge


@pytest.fixture
def headers_with(make_key, make_token):
    """``headers_with("orders:read")``: return the headers of a client with these scopes."""
    return lambda *scopes: bearer(make_token(make_key(scopes=scopes)))


# HasScopes


def test_required_scope_grants_access(headers_with, client):
    assert client.get("/scoped", headers=headers_with("orders:read")).status_code == 200


def test_missing_scope_is_named_in_403(headers_with, client):
    assert_insufficient_scope(client.get("/scoped", headers=headers_with()), "orders:read")


def test_anonymous_request_is_challenged(db, client):
    assert client.get("/scoped").status_code == 401


def test_each_method_requires_its_scopes(headers_with, client):
    reader, writer = headers_with("orders:read"), headers_with("orders:read", "orders:write")

    assert client.get("/scoped-by-method", headers=reader).status_code == 200
    rejected = client.post("/scoped-by-method", headers=reader)
    assert_insufficient_scope(rejected, "orders:read orders:write")
    assert client.post("/scoped-by-method", headers=writer).status_code == 200


def test_head_requires_the_scopes_of_get(headers_with, client):
    assert client.head("/scoped-by-method", headers=headers_with()).status_code == 403
    assert client.head("/scoped-by-method", headers=headers_with("orders:read")).status_code == 200


def test_method_without_scopes_is_denied(headers_with, client):
    everything = headers_with("orders:read", "orders:write")

    assert client.put("/scoped-by-method", headers=everything).status_code == 403


def test_view_without_scopes_is_improperly_configured(headers_with, client):
    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        client.get("/unconfigured", headers=headers_with())


@pytest.mark.parametrize(
    "wrong", ["orders:read", {"GET": "orders:read"}, {"GET": None}, {"get": ["orders:read"]}]
)
def test_wrong_scopes_are_improperly_configured(headers_with, rf, wrong):
    request = rf.get("/", headers=headers_with())

    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        Scoped.as_view(required_scopes=wrong)(request)


def test_other_permission_may_replace_scopes(headers_with, make_user, client):
    assert client.get("/scoped-or-staff", headers=headers_with()).status_code == 403
    assert client.get("/scoped-or-staff", headers=headers_with("orders:read")).status_code == 200

    client.force_login(make_user())
    assert client.get("/scoped-or-staff").status_code == 403
    client.force_login(make_user(is_staff=True))
    assert client.get("/scoped-or-staff").status_code == 200


# Django's permissions and DRF's throttles


def test_scopes_work_as_model_permissions(headers_with, client):
    allowed = headers_with("tot_jwt.add_appdomain")
    denied = headers_with("tot_jwt.change_appdomain")

    assert client.post("/model-permissions", headers=allowed).status_code == 200
    assert client.post("/model-permissions", headers=denied).status_code == 403


def test_throttles_of_drf_count_per_key(make_key, make_token, client):
    one, other = make_key(), make_key()
    headers = [bearer(make_token(key)) for key in (one, one, one, other)]

    statuses = [client.get("/throttled", headers=each).status_code for each in headers]

    assert statuses == [200, 200, 429, 200]


# The cached state


@pytest.mark.req("A11")
@pytest.mark.parametrize("url", ["/scoped", "/model-permissions"])
def test_scope_granted_elsewhere_works_immediately(make_key, make_token, client, url):
    key = make_key(scopes=["orders:read", "tot_jwt.add_appdomain"])
    headers = bearer(make_token(key))
    row = ApiKey.objects.filter(pk=key.pk)
    row.update(scopes="")
    key_state.reset()
    assert client.post(url, headers=headers).status_code == 403

    row.update(scopes=key.scopes)  # as another process does: this one is not told

    assert client.post(url, headers=headers).status_code == 200


def test_missing_scope_outweighs_ended_key(make_key, make_token, client):
    key = make_key()
    headers = bearer(make_token(key))
    assert client.get("/me", headers=headers).status_code == 200
    ApiKey.objects.filter(pk=key.pk).update(generation=5)

    assert client.get("/scoped", headers=headers).status_code == 403


@pytest.mark.req("D2")
def test_unavailable_database_is_503_for_scopes(headers_with, client):
    headers = headers_with()
    assert_insufficient_scope(client.get("/scoped", headers=headers), "orders:read")

    with database_gone():
        answer = client.get("/scoped", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


@pytest.mark.req("D2")
def test_unavailable_database_denies_model_permissions(headers_with, client):
    headers = headers_with()
    client.get("/me", headers=headers)

    with database_gone():
        assert client.post("/model-permissions", headers=headers).status_code == 403
