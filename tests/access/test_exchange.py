"""The exchange of API keys for a token (contract §1)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from tests.support.requests import TOKEN_URL, body
from tests.support.tokens import claims_of
from tot_jwt.tokens.backend import backend

NOW = datetime(2025, 10, 29, 18, 23, 22, 700_000, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
INSUFFICIENT = {"detail": "API key lacks necessary permissions", "code": "insufficient_permissions"}


@time_machine.travel(NOW, tick=False)
def test_valid_keys_get_15_minute_token(make_key, post_token):
    answer = post_token(make_key())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert {name: value for name, value in answer.json().items() if name != "token"} == {
        "tokenType": "Bearer",
        "expiresIn": 900,
        "expiresAt": "2025-10-29T18:38:22.000Z",
    }
    assert list(answer.json()) == ["token", "tokenType", "expiresIn", "expiresAt"]


@time_machine.travel(NOW, tick=False)
def test_token_claims_describe_the_key(make_key, post_token):
    key = make_key(scopes=["orders:write", "orders:read"], environment="test", generation=7)

    token = post_token(key).json()["token"]

    assert token.startswith("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.")
    claims = claims_of(token)
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "iss": "tot-jwt",
        "aud": "tot-jwt-api",
        "sub": key.public_key,
        "client_id": key.public_key,
        "appDomain": key.app_domain.domain,
        "env": "test",
        "scope": "keys:manage orders:read orders:write",
        "ver": 7,
        "token_type": "tot_api",
        "iat": 1761762202,
        "exp": 1761763102,
    }


def test_each_token_has_unique_id(make_key, make_token):
    key = make_key()

    assert claims_of(make_token(key))["jti"] != claims_of(make_token(key))["jti"]


@pytest.mark.req("A10")
@pytest.mark.parametrize(
    "host", [{"TIME_ZONE": "America/Chicago"}, {"USE_TZ": False}, {"TIME_ZONE": "Asia/Kolkata"}]
)
@time_machine.travel(NOW, tick=False)
def test_expiry_is_always_utc(make_key, post_token, get_token, host):
    with override_settings(**host):
        issued = post_token(make_key()).json()
        verified = get_token(issued["token"]).json()

    assert issued["expiresAt"] == verified["expiresAt"] == "2025-10-29T18:38:22.000Z"


@pytest.mark.parametrize("lifetime", [timedelta(minutes=5), timedelta(seconds=1)])
def test_lifetime_setting_limits_token(make_key, post_token, lifetime, settings):
    settings.TOT_JWT = {"TOKEN_LIFETIME": lifetime}

    answer = post_token(make_key()).json()

    claims = claims_of(answer["token"])
    assert claims["exp"] - claims["iat"] == answer["expiresIn"] == lifetime.total_seconds()


def test_disabled_management_removes_scope(make_key, make_token, settings):
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}

    assert claims_of(make_token(make_key()))["scope"] == ""


def test_previous_secret_works_until_its_end(make_key, post_token):
    key = make_key()
    ends = timezone.now() + timedelta(hours=1)
    type(key).objects.filter(pk=key.pk).update(
        previous_secret_hash=key.secret_hash,
        previous_secret_expires_at=ends,
        secret_hash="sha256$another",
    )

    assert post_token(key).status_code == 200
    assert post_token(key, totSecretKey="wrong").status_code == 401
    with time_machine.travel(ends, tick=False):
        assert post_token(key).status_code == 401


@pytest.mark.req("B2")
def test_new_django_secret_keeps_keys(make_key, post_token, settings):
    key = make_key()
    settings.SECRET_KEY = "another " * 8

    assert post_token(key).status_code == 200


def test_unchanged_settings_reuse_signing_backend(settings):
    first = backend()
    settings.TOT_JWT = {"ISSUER": "another"}

    assert backend() is backend()
    assert backend() is not first


# What clients send


def test_nested_extra_members_are_accepted(make_key, post_token):
    person = {
        "name": {"first": "Ada", "names": ["a", "b"]},
        "age": 36,
        "totSecretKey": "a member of another object",
    }

    assert post_token(make_key(), person=person).status_code == 200


def test_form_with_extra_fields_is_accepted(make_key, client):
    key = make_key()

    answer = client.post(
        TOKEN_URL,
        f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}&appUserid=42&appUserid=43",
        content_type=FORM,
        headers={"charset": "utf-8"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("url", [TOKEN_URL, TOKEN_URL + "/"])
def test_trailing_slash_is_optional(make_key, client, url):
    assert client.post(url, body(make_key()), content_type="application/json").status_code == 200


def test_url_prefix_may_capture_arguments(make_key, client):
    key = make_key()

    issued = client.post("/acme/auth/token", body(key), content_type="application/json")
    headers = {"Authorization": f"Bearer {issued.json()['token']}"}

    assert client.get("/acme/auth/token", headers=headers).status_code == 200
    assert (
        client.get(f"/acme/auth/keys/{key.public_key}", headers=headers).json()["totApiKey"]
        == key.public_key
    )


def test_path_with_newline_is_not_found(client):
    assert client.get(TOKEN_URL + "%0A").status_code == 404


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", "Application/JSON", 'application/json; charset="utf8"'],
)
def test_every_json_content_type_is_accepted(make_key, client, content_type):
    assert (
        client.post(TOKEN_URL, json.dumps(body(make_key())), content_type=content_type).status_code
        == 200
    )


def test_domain_comparison_ignores_case(make_key, post_token):
    assert (
        post_token(make_key(app_domain__domain="myapp.com"), appDomain="MyApp.COM").status_code
        == 200
    )


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic !!!", "Bearer a.b.c"])
def test_authorization_header_is_ignored(make_key, client, authorization):
    answer = client.post(
        TOKEN_URL,
        body(make_key()),
        content_type="application/json",
        headers={"Authorization": authorization, "Tot-Api-Key": "x"},
    )

    assert answer.status_code == 200


@pytest.mark.req("C6")
def test_admin_session_causes_no_csrf_error(make_key, client, make_user):
    strict = type(client)(enforce_csrf_checks=True)
    strict.force_login(make_user(is_staff=True))

    answer = strict.post(TOKEN_URL, body(make_key()), content_type="application/json")

    assert answer.status_code == 200


# Scopes


@pytest.mark.parametrize("asked", [["orders:read"], "orders:read", ["orders:read", "orders:read"]])
def test_narrow_token_has_requested_scopes(make_key, make_token, asked):
    token = make_token(make_key(scopes=["orders:read", "orders:write"]), scopes=asked)

    assert claims_of(token)["scope"] == "orders:read"


def test_all_scopes_may_be_requested(make_key, post_token):
    key = make_key(scopes=["orders:read"])

    assert post_token(key, scopes=["keys:manage", "orders:read"]).status_code == 200


def test_form_scopes_are_space_separated(make_key, client):
    key = make_key(scopes=["orders:read", "orders:write"])

    answer = client.post(
        TOKEN_URL,
        f"appDomain={key.app_domain}&totApiKey={key.public_key}&totSecretKey={key.secret}&scopes=keys:manage+orders:read",
        content_type=FORM,
    )

    assert claims_of(answer.json()["token"])["scope"] == "keys:manage orders:read"


@pytest.mark.parametrize(
    "asked",
    [[], "", None, [""], "a  b", " a", [1], 7, {}, {"a": "b"}, ['"'], ["a b"], ["ä"], "a\\b", True],
)
def test_invalid_scopes_are_rejected(make_key, post_token, asked):
    answer = post_token(make_key(), scopes=asked)

    assert (answer.status_code, list(answer.json())) == (400, ["scopes"])


def test_missing_scope_is_forbidden(make_key, post_token):
    answer = post_token(make_key(scopes=["orders:read"]), scopes=["orders:read", "orders:write"])

    assert (answer.status_code, answer.json()) == (403, INSUFFICIENT)
    assert "WWW-Authenticate" not in answer.headers
