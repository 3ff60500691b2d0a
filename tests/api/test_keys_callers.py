"""The keys endpoints: who may call them (contract §5)."""

import pytest
from django.db.models import F
from django.utils import timezone

from tests.support.keys_calls import NOT_FOUND, every_call
from tests.support.keys_client import KeysClient, client_of, code_of, url_of
from tests.support.requests import body
from tests.support.stored_keys import columns_of, stored_columns
from tests.support.tokens import claims_for, claims_of, sign
from tot_jwt.models import ApiKey, AppDomain

pytestmark = pytest.mark.django_db


@pytest.mark.req("F2", "C2")
@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        (None, "not_authenticated", 'Bearer realm="api"'),
        ("Basic eDp5", "not_authenticated", 'Bearer realm="api"'),
        ("Bearer x", "token_malformed", "Token is malformed"),
        ("Bearer aa.bb.cc", "token_invalid", "Token is invalid"),
        ("expired", "token_expired", "Token has expired"),
        ("old generation", "token_revoked", "Token has been revoked"),
    ],
)
def test_invalid_token_gets_matching_challenge(key, child, authorization, code, challenge):
    signed = {
        "expired": lambda: sign(claims_for(key, scope="keys:manage", iat=1, exp=2)),
        "old generation": lambda: sign(claims_for(key, scope="keys:manage", ver=7)),
    }
    api = KeysClient()
    if authorization is not None:
        api.headers = {
            "Authorization": f"Bearer {signed[authorization]()}"
            if authorization in signed
            else authorization
        }

    for answer in every_call(api, child):
        assert code_of(answer) == (401, code)
        assert challenge in answer.headers["WWW-Authenticate"]
    assert stored_columns(child) == columns_of(child)


@pytest.mark.req("F2")
def test_direct_credentials_are_not_accepted(key, child):
    api = KeysClient()
    api.headers = {
        "Tot-App-Domain": key.app_domain.domain,
        "Tot-Api-Key": key.public_key,
        "Tot-Secret-Key": key.secret,
    }

    for answer in every_call(api, child):
        assert code_of(answer) == (401, "not_authenticated")
    assert code_of(api.create(**body(key))) == (401, "not_authenticated")


def test_token_beside_keys_is_malformed(api, child):
    api.headers["Tot-Api-Key"] = "x"

    assert {code_of(answer) for answer in every_call(api, child)} == {(400, "malformed_request")}


@pytest.mark.req("F2")
def test_missing_management_scope_is_named(key, child):
    for answer in every_call(client_of(key, scopes=["orders:read", "orders:write"]), child):
        assert code_of(answer) == (403, "insufficient_scope")
        assert answer.headers["WWW-Authenticate"] == (
            'Bearer realm="api", error="insufficient_scope", scope="keys:manage"'
        )
    assert stored_columns(child) == columns_of(child)


@pytest.mark.req("F4")
def test_disabled_management_hides_scope_and_endpoints(key, api, child, make_token, settings):
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}

    assert claims_of(make_token(key))["scope"] == "orders:read orders:write"
    for caller in (api, client_of(key), KeysClient()):
        for answer in every_call(caller, child):
            assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert stored_columns(child) == columns_of(child)

    settings.TOT_JWT = {}
    assert api.list().status_code == 200


@pytest.mark.req("F2")
@pytest.mark.parametrize(
    "which", ["unknown", "other domain", "other environment", "odd", "nul", "long"]
)
@pytest.mark.parametrize("sent", [b"{}", b"{", b"[" * 9000, b'{"zebra": 1}', b""])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_inaccessible_key_hides_body_errors(key, api, make_key, which, sent, content_type):
    public_key = {
        "other domain": lambda: make_key().public_key,
        "other environment": lambda: (
            make_key(app_domain=key.app_domain, environment="test").public_key
        ),
        "unknown": lambda: "pk_live_tot_unknown",
        "odd": lambda: "é☃ '\"\\",
        "nul": lambda: "a\0",
        "long": lambda: "k" * 5000,
    }[which]()

    for method, url in [
        ("GET", url_of(public_key)),
        ("PATCH", url_of(public_key)),
        ("DELETE", url_of(public_key) + "?force=nonsense"),
        ("POST", url_of(public_key) + "/rotate"),
    ]:
        answer = api.client.generic(
            method, url, sent, content_type=content_type, headers=api.headers
        )
        assert (answer.status_code, answer.content) == (404, NOT_FOUND), method
        assert {name: value for name, value in answer.headers.items() if "no-" in value} == {
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
        }


@pytest.mark.req("A11")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda keys: keys.update(revoked_at=timezone.now()), 401),
        (lambda keys: keys.update(disabled_at=timezone.now()), 401),
        (lambda keys: keys.update(generation=F("generation") + 1), 401),
        (lambda keys: AppDomain.objects.update(suspended_at=timezone.now()), 401),
        (lambda keys: keys.update(allowed_ips="192.0.2.0/24"), 403),
    ],
)
def test_stale_cache_permits_no_changes(key, api, child, change, status):
    """Change the rows as another process does: this process keeps its cached state.

    The cached state still allows reading. A change reads the row that it locks.
    """
    api.list()
    change(ApiKey.objects.filter(pk=key.pk))

    assert api.list().status_code == 200  # until KEY_STATE_MAX_AGE has passed
    for answer in (api.create(), api.change(child, name="x"), api.rotate(child), api.revoke(child)):
        assert answer.status_code == status
    assert ApiKey.objects.filter(app_domain=key.app_domain).count() == 2
    assert stored_columns(child) == columns_of(child)
