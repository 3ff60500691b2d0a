"""HasScopes, Django's permissions and DRF's throttles with clients."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper

from tot_jwt.models import ApiKey


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def insufficient(answer, scope):
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert (
        answer.headers["WWW-Authenticate"]
        == f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'
    )
    return True


def test_scope_lets_in(make_key, make_token, client):
    assert (
        client.get(
            "/scoped", headers=bearer(make_token(make_key(scopes=["orders:read"])))
        ).status_code
        == 200
    )


def test_missing_scope_is_403_and_named(make_key, make_token, client):
    assert insufficient(
        client.get("/scoped", headers=bearer(make_token(make_key()))), "orders:read"
    )


@pytest.mark.req("D2")
def test_scope_that_only_a_database_that_is_gone_could_grant_is_503(
    make_key, make_token, client, monkeypatch
):
    headers = bearer(make_token(make_key()))
    assert insufficient(client.get("/scoped", headers=headers), "orders:read")

    def fail(*args):
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fail)
        answer = client.get("/scoped", headers=headers)

        without_permission = client.post("/model-permissions", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert without_permission.status_code == 403


def test_methods_need_scopes_of_their_own(make_key, make_token, client):
    reader = bearer(make_token(make_key(scopes=["orders:read"])))
    writer = bearer(make_token(make_key(scopes=["orders:read", "orders:write"])))

    assert client.get("/scoped-by-method", headers=reader).status_code == 200
    assert insufficient(
        client.post("/scoped-by-method", headers=reader), "orders:read orders:write"
    )
    assert client.post("/scoped-by-method", headers=writer).status_code == 200


def test_head_needs_what_get_needs(make_key, make_token, client):
    assert (
        client.head("/scoped-by-method", headers=bearer(make_token(make_key()))).status_code == 403
    )
    reader = bearer(make_token(make_key(scopes=["orders:read"])))
    assert client.head("/scoped-by-method", headers=reader).status_code == 200


def test_method_that_is_not_listed_is_denied(make_key, make_token, client):
    everything = bearer(make_token(make_key(scopes=["orders:read", "orders:write"])))

    assert client.put("/scoped-by-method", headers=everything).status_code == 403


def test_nobody_is_not_let_in_and_challenged(db, client):
    assert client.get("/scoped").status_code == 401


def test_view_without_lists_of_required_scopes_is_improperly_configured(
    make_key, make_token, client, monkeypatch
):
    headers = bearer(make_token(make_key()))

    with pytest.raises(ImproperlyConfigured, match="required_scopes"):
        client.get("/unconfigured", headers=headers)
    for wrong in ("orders:read", {"GET": "orders:read"}, {"GET": None}, {"get": ["orders:read"]}):
        monkeypatch.setattr("tests.views.Unconfigured.required_scopes", wrong, raising=False)
        with pytest.raises(ImproperlyConfigured, match="required_scopes"):
            client.get("/unconfigured", headers=headers)


def test_has_scopes_or_something_else_lets_either_in(make_key, make_token, make_user, client):
    assert client.get("/scoped-or-staff", headers=bearer(make_token(make_key()))).status_code == 403
    reader = bearer(make_token(make_key(scopes=["orders:read"])))
    assert client.get("/scoped-or-staff", headers=reader).status_code == 200

    client.force_login(make_user())
    assert client.get("/scoped-or-staff").status_code == 403
    client.force_login(make_user(is_staff=True))
    assert client.get("/scoped-or-staff").status_code == 200


def test_scopes_named_like_permissions_are_permissions(make_key, make_token, client):
    may = bearer(make_token(make_key(scopes=["tot_jwt.add_appdomain"])))
    may_not = bearer(make_token(make_key(scopes=["tot_jwt.change_appdomain"])))

    assert client.post("/model-permissions", headers=may).status_code == 200
    assert client.post("/model-permissions", headers=may_not).status_code == 403


def test_throttles_of_drf_count_by_key(make_key, make_token, client):
    one, other = make_key(), make_key()
    headers = [
        bearer(make_token(one)),
        bearer(make_token(one)),
        bearer(make_token(one)),
        bearer(make_token(other)),
    ]

    assert [client.get("/throttled", headers=each).status_code for each in headers] == [
        200,
        200,
        429,
        200,
    ]


@pytest.mark.req("A11")
@pytest.mark.parametrize("url", ["/scoped", "/model-permissions"])
def test_scope_given_elsewhere_works_at_once(make_key, make_token, client, url):
    key = make_key(scopes=["x"])
    token = make_token(
        make_key(app_domain=key.app_domain, scopes=["orders:read", "tot_jwt.add_appdomain"])
    )
    taken = ApiKey.objects.exclude(pk=key.pk).get()
    headers = bearer(token)
    ApiKey.objects.filter(pk=taken.pk).update(
        scopes=""
    )  # by another process, whose memory is not ours
    from tot_jwt.keys import state as key_state

    key_state.reset()
    assert client.post(url, headers=headers).status_code == 403
    ApiKey.objects.filter(pk=taken.pk).update(scopes="orders:read tot_jwt.add_appdomain")

    assert client.post(url, headers=headers).status_code == 200


def test_refusal_for_a_scope_is_a_403_also_when_the_key_has_ended_meanwhile(
    make_key, make_token, client
):
    key = make_key()
    headers = bearer(make_token(key))
    assert client.get("/me", headers=headers).status_code == 200
    ApiKey.objects.filter(pk=key.pk).update(generation=5)

    assert client.get("/scoped", headers=headers).status_code == 403
