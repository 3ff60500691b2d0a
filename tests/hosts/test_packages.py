"""API clients beside other packages, as docs/hosts.md says."""

import pytest
from django.apps import apps
from django.conf import settings as host_settings
from django.contrib.auth import get_user_model

from tests.support.requests import FORM, JSON, TOKEN_URL, bearer, body, form, key_headers

pytestmark = [
    pytest.mark.skipif(
        host_settings.SETTINGS_MODULE != "tests.hosts.settings",
        reason="needs packages and settings of its own: tox run -e hosts",
    ),
    pytest.mark.django_db,
]


@pytest.fixture
def key(make_key):
    return make_key(scopes=["orders:write"])


@pytest.fixture(params=["token", "keys"])
def headers(request, key, make_token):
    """Return the headers of the client, with a token and with its keys."""
    return bearer(make_token(key)) if request.param == "token" else key_headers(key)


def model(name):
    return apps.get_model(name)


@pytest.fixture
def order(client, headers):
    """Return an order that the client created."""
    answer = client.post("/orders", {"name": "A"}, content_type=JSON, headers=headers)
    assert answer.status_code == 201, answer.content
    return model("hosts.Order").objects.get(pk=answer.json())


@pytest.fixture
def user(order, key):
    return get_user_model().objects.get(username=f"api:{key.app_domain.pk}")


def test_current_user_default_is_the_user(order, user):
    assert order.owner == user


def test_currentuser_field_names_the_user(order, user):
    assert order.changed_by == user


def test_simple_history_names_the_user(order, user):
    assert [record.history_user for record in order.history.all()] == [user]


def test_reversion_names_the_user(order, user):
    revisions = model("reversion.Version").objects.get_for_object(order)

    assert [version.revision.user for version in revisions] == [user]


def test_guardian_permits_the_user(order, user, client, headers, make_key, make_token):
    assert client.get("/orders", headers=headers).json()["orders"] == ["A"]
    assert user.has_perm("hosts.change_order", order)
    other = bearer(make_token(make_key(scopes=["orders:write"])))
    assert client.get("/orders", headers=other).json()["orders"] == []


def test_user_cannot_log_in(order, user, client):
    for password in ("", user.password, user.username):
        assert not user.check_password(password)
    assert not user.has_usable_password()
    assert not user.is_staff


def test_organization_is_found(order, client, headers, key):
    assert client.get("/orders", headers=headers).json()["of"] == "None"
    model("hosts.Organization").objects.create(name="Acme", app_domain=key.app_domain)

    assert client.get("/orders", headers=headers).json()["of"] == "Acme"


def test_scopes_count_for_users(client, make_key, make_token):
    for each in (key := make_key(scopes=["reports:read", "reports:export"]), make_key()):
        is_allowed = each is key
        for url in ("/reports/", "/reports/export/"):
            answer = client.get(url, headers=bearer(make_token(each)))
            assert answer.status_code == (200 if is_allowed else 403)


@pytest.mark.req("E8")
def test_camel_case_parser_hides_secret(client, key):
    for sent, content_type in [(body(key, userName="x"), JSON), (form(key, "&userName=x"), FORM)]:
        answer = client.post("/camel-case", sent, content_type=content_type)

        assert (answer.status_code, answer.json()["user_name"]) == (200, "x")
        assert answer.json()["tot_api_key"] == key.public_key
        assert key.secret not in answer.content.decode()


def test_each_error_is_listed_once(client, key, make_key, make_token):
    wrong = key_headers(key) | {"Tot-Secret-Key": "wrong"}
    cases = {
        "token_invalid": bearer(make_token(key)[:-4] + "AAAA"),
        "invalid_credentials": wrong,
        "insufficient_scope": bearer(make_token(make_key())),
    }
    for code, headers in cases.items():
        (error,) = client.get("/plain", headers=headers).json()["errors"]
        assert (error["code"], error["attr"]) == (code, "detail")
        assert error["detail"]


def test_each_field_error_is_listed_once(client):
    answer = client.post("/plain", {"totApiKey": "x"}, content_type=JSON)

    listed = [(error["attr"], error["code"]) for error in answer.json()["errors"]]
    assert sorted(listed) == [
        ("appDomain", "malformed_request"),
        ("totSecretKey", "malformed_request"),
    ]


def test_endpoints_keep_their_format(client, key):
    answer = client.post(TOKEN_URL, body(key, totSecretKey="x"), content_type=JSON)

    assert answer.json() == {"detail": "Invalid credentials", "code": "invalid_credentials"}


def test_dj_rest_auth_works_beside_ours(client, key, make_user, make_token):
    person = make_user(username="ann")
    sent = {"username": "ann", "password": "correct horse"}
    theirs = {"Authorization": f"Token {client.post('/auth/login/', sent).json()['key']}"}
    client.logout()

    assert client.get("/auth/user/", headers=theirs).json()["pk"] == person.pk
    assert client.get("/plain", headers=bearer(make_token(key))).status_code == 200
    for headers in (bearer(make_token(key)), key_headers(key)):
        assert client.get("/auth/user/", headers=headers).status_code in (401, 403)
    assert client.get("/plain", headers=theirs).status_code == 401
    assert client.get("/plain", headers=theirs | key_headers(key)).status_code == 200
