"""GET .well-known: the public keys and the metadata (contract §6, RFC 7517, RFC 8414)."""

from typing import Any

import pytest
from django.test.utils import override_script_prefix
from django.urls import include, path

from tests.support.key_pairs import private_pem
from tests.support.oauth import MAY_INTROSPECT, TOKEN, WELL_KNOWN, basic_of, post, token_of
from tests.support.requests import JSON
from tests.support.tokens import unb64

JWKS = f"{WELL_KNOWN}jwks.json"
METADATA = f"{WELL_KNOWN}oauth-authorization-server"
OPENID = f"{WELL_KNOWN}openid-configuration"
ISSUER = "https://auth.example.com"

CACHEABLE = "public, max-age=300"

urlpatterns = [
    path("<slug:tenant>/oauth/", include("tot_jwt.oauth_urls")),
    path(".well-known/", include("tot_jwt.well_known_urls")),
]


@pytest.fixture
def configure(settings: Any) -> Any:
    """``configure(SCOPES=…)``: set ISSUER and these members of TOT_JWT."""

    def configure(**members: Any) -> None:
        settings.TOT_JWT = {"ISSUER": ISSUER, **members}

    configure()
    return configure


def public(answer):
    """Return the members of a document that caches may share."""
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == JSON
    assert answer.headers["Cache-Control"] == CACHEABLE
    assert "Pragma" not in answer.headers
    assert "Vary" not in answer.headers
    assert not answer.cookies
    return answer.json()


# Metadata


@pytest.mark.parametrize("url", [METADATA, OPENID, f"{METADATA}/", f"{OPENID}/"])
def test_metadata_names_the_endpoints(client, configure, url):
    assert public(client.get(url)) == {
        "issuer": "https://auth.example.com",
        "token_endpoint": "https://auth.example.com/oauth/token",
        "introspection_endpoint": "https://auth.example.com/oauth/introspect",
        "revocation_endpoint": "https://auth.example.com/oauth/revoke",
        "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
        "scopes_supported": ["keys:manage"],
        "response_types_supported": ["none"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "Bearer",
        ],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["HS256"],
    }


def test_named_endpoints_answer(make_key, client, configure):
    key = make_key(scopes=[MAY_INTROSPECT])
    document = client.get(METADATA).json()
    paths = {name: url.removeprefix(ISSUER) for name, url in document.items() if name[-1:] == "t"}
    sent = b"grant_type=client_credentials&token=x"

    assert len(paths) == 3
    for url in paths.values():
        assert post(url, sent, basic_of(key)).status_code == 200
    assert client.get(document["jwks_uri"].removeprefix(ISSUER)).status_code == 200


@pytest.mark.parametrize(
    ("members", "scopes"),
    [
        ({}, ["keys:manage"]),
        ({"TOKENS_MANAGE_KEYS": False}, None),
        ({"SCOPES": {"b": "B", "a": "A"}}, ["a", "b", "keys:manage"]),
        ({"SCOPES": {"b": "B"}, "TOKENS_MANAGE_KEYS": False}, ["b"]),
        ({"SCOPES": {MAY_INTROSPECT: "I"}}, ["keys:manage", MAY_INTROSPECT]),
    ],
)
def test_scopes_are_the_configured(client, configure, members, scopes):
    configure(**members)

    assert public(client.get(METADATA)).get("scopes_supported") == scopes


def test_algorithm_is_the_configured(client, configure):
    configure(ALGORITHM="ES256", SIGNING_KEY=private_pem("ES256"))

    assert public(client.get(OPENID))["id_token_signing_alg_values_supported"] == ["ES256"]


def test_other_token_header_leaves_form_only(client, configure):
    configure(TOKEN_HEADER="X-Api-Token")

    document = public(client.get(METADATA))

    methods = [value for name, value in document.items() if "auth_methods" in name]
    assert methods == [["client_secret_post"]] * 3


# URLs


@pytest.mark.req("C5")
@pytest.mark.parametrize("url", [METADATA, OPENID, JWKS])
def test_host_header_changes_nothing(client, configure, settings, url):
    expected = public(client.get(url))
    settings.ALLOWED_HOSTS = ["*"]
    settings.USE_X_FORWARDED_HOST = True
    forged = {"Host": "zebra7.example", "X-Forwarded-Host": "zebra7.example"}

    for headers in (forged, {"Forwarded": "host=zebra7.example"}, {"X-Forwarded-Proto": "http"}):
        assert public(client.get(url, headers=headers)) == expected


@pytest.mark.parametrize(
    ("issuer", "origin"),
    [
        ("https://auth.example.com", "https://auth.example.com"),
        ("https://auth.example.com/", "https://auth.example.com"),
        ("https://auth.example.com:8443", "https://auth.example.com:8443"),
        ("https://example.com/api", "https://example.com"),
        ("https://example.com/api/v1/", "https://example.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://[::1]:8000", "https://[::1]:8000"),
    ],
)
def test_urls_begin_with_the_issuer(client, configure, issuer, origin):
    configure(ISSUER=issuer)

    document = public(client.get(METADATA))

    assert document["issuer"] == issuer
    assert document["token_endpoint"] == f"{origin}{TOKEN}"
    assert document["jwks_uri"] == f"{origin}{JWKS}"


def test_script_prefix_is_in_urls(client, configure):
    configure(ISSUER="https://example.com/api")

    # Django's handlers of WSGI and ASGI set it, but not that of the test client.
    with override_script_prefix("/api/"):
        document = public(client.get(f"{METADATA}/api"))

    assert document["token_endpoint"] == "https://example.com/api/oauth/token"
    assert document["jwks_uri"] == "https://example.com/api/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("issuer", "path_of_issuer", "status"),
    [
        ("https://example.com", "", 200),
        ("https://example.com", "/", 200),
        ("https://example.com", "/api", 404),
        ("https://example.com/api", "", 200),
        ("https://example.com/api", "/api", 200),
        ("https://example.com/api", "/api/", 200),
        ("https://example.com/api/", "/api", 200),
        ("https://example.com/api", "/API", 404),
        ("https://example.com/api", "/api/v1", 404),
        ("https://example.com/a%20b", "/a%20b", 200),
        ("https://example.com/a%20b", "/a%2520b", 404),
        ("https://example.com/api", "/ap", 404),
        ("https://example.com/api/v1", "/api", 404),
        ("https://example.com/api", "/zebra7", 404),
        ("https://example.com/api", "/%0A", 404),
        ("https://example.com/api", "x", 404),
    ],
)
def test_issuers_path_may_follow(client, configure, issuer, path_of_issuer, status):
    configure(ISSUER=issuer)

    answer = client.get(METADATA + path_of_issuer)

    assert answer.status_code == status
    assert b"zebra7" not in answer.content


@pytest.mark.parametrize(
    "issuer",
    [
        "tot-jwt",
        "urn:example:auth",
        "ftp://example.com",
        "https://",
        "https://user@example.com",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://example.com:port",
        "https://[::1",
    ],
)
def test_other_issuer_has_no_metadata(client, configure, issuer):
    assert client.get(METADATA).status_code == 200
    configure(ISSUER=issuer)

    for url in (METADATA, OPENID):
        answer = client.get(url)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Not found", "code": "not_found"}
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.urls("tests.api.test_metadata")
def test_endpoints_not_mounted_are_left_out(client, configure):
    """The OAuth endpoints of this URLconf need an argument, which no URL in a document has."""
    document = public(client.get(METADATA))

    assert [name for name in document if name.endswith(("_endpoint", "_uri"))] == ["jwks_uri"]
    assert post("/a/oauth/token", b"", {}).status_code == 400


# The public keys


@pytest.mark.req("A13")
def test_jwks_has_every_public_key(make_key, client, configure):
    configure(
        ALGORITHM="ES256",
        SIGNING_KEY=private_pem("ES256"),
        VERIFYING_KEYS=[private_pem("EdDSA"), None, "s" * 32, private_pem("ES256")],
    )

    keys = public(client.get(JWKS))["keys"]

    shown = [(key["kty"], key["crv"], key["alg"], key["use"]) for key in keys]
    assert shown == [("EC", "P-256", "ES256", "sig"), ("OKP", "Ed25519", "EdDSA", "sig")]
    assert [sorted(key) for key in keys] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"],
        ["alg", "crv", "kid", "kty", "use", "x"],
    ]
    header = unb64(token_of(make_key()).partition(".")[0]).decode()
    assert f'"kid":"{keys[0]["kid"]}"' in header


@pytest.mark.req("A9", "A13")
@pytest.mark.parametrize(
    "members", [{}, {"SIGNING_KEY": "s" * 32, "VERIFYING_KEYS": ["t" * 32, None]}]
)
def test_secrets_are_not_published(client, configure, members):
    configure(**members)

    assert public(client.get(JWKS)) == {"keys": []}


def test_jwks_needs_no_url_as_issuer(client, settings):
    settings.TOT_JWT = {"ISSUER": "tot-jwt"}

    assert public(client.get(JWKS)) == {"keys": []}
    assert public(client.get(f"{JWKS}/")) == {"keys": []}


# All of them


@pytest.mark.parametrize("url", [METADATA, OPENID, JWKS])
def test_head_answers_without_a_body(client, configure, url):
    answer = client.head(url)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Cache-Control"] == CACHEABLE


@pytest.mark.req("C5")
@pytest.mark.parametrize("url", [METADATA, OPENID, JWKS])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_only_reading_is_allowed(client, configure, url, method):
    answer = getattr(client, method)(url)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["Allow"] == "GET, HEAD"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")


@pytest.mark.parametrize("url", [METADATA, OPENID, JWKS])
def test_other_headers_play_no_part(client, configure, settings, url):
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    }
    headers = {"Accept": "text/html", "Authorization": "Bearer zebra7", "Tot-Api-Key": "zebra7"}

    assert public(client.get(f"{url}?totSecretKey=zebra7", headers=headers))
