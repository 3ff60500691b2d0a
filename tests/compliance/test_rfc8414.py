"""RFC 8414: OAuth 2.0 Authorization Server Metadata.

These clauses do not apply:

- §2, `authorization_endpoint`, `registration_endpoint`, PKCE and the languages of a user: the
  package has no such endpoint and no user interface.
- §2, algorithms that sign the authentication of a client: it authenticates with its secret.
- §2.1, signed metadata: it is optional.
- §3.2, of the error: the RFC leaves the body open.

`response_types_supported` has the registered value ``none``. The RFC requires the member, and some
clients reject an empty list.
"""

import pytest

from tests.support.checks import ids
from tests.support.compliance import GRANT, JWKS, METADATA, header_of
from tests.support.key_pairs import key_pair_settings
from tests.support.oauth import INTROSPECT, REVOKE, TOKEN, basic_of, form_of
from tests.support.requests import FORM
from tests.support.tokens import claims_of

ISSUER = "https://auth.example.com"


@pytest.fixture
def metadata(client, settings):
    """``metadata(ISSUER="…")``: return the metadata with these settings."""

    def get(**changes):
        settings.TOT_JWT = {"ISSUER": ISSUER, **changes}
        return client.get(METADATA).json()

    return get


# The members


@pytest.mark.clause("RFC 8414 §2")
def test_required_members_are_present(metadata):
    """The metadata has the issuer, the token endpoint, and the supported response types."""
    members = metadata()

    assert members["issuer"] == ISSUER
    assert members["token_endpoint"] == f"{ISSUER}{TOKEN}"
    assert members["response_types_supported"] == ["none"]


@pytest.mark.clause("RFC 8414 §2")
def test_endpoints_are_those_served(metadata):
    """The metadata names the endpoints by their absolute URLs."""
    members = metadata()

    assert members["introspection_endpoint"] == f"{ISSUER}{INTROSPECT}"
    assert members["revocation_endpoint"] == f"{ISSUER}{REVOKE}"
    assert members["jwks_uri"] == f"{ISSUER}{JWKS}"


@pytest.mark.clause("RFC 8414 §2")
def test_jwks_uri_leads_to_keys(make_key, make_access_token, metadata, client):
    """The document at `jwks_uri` has the key that signs tokens."""
    members = metadata(**key_pair_settings("ES256"))
    token = make_access_token(make_key())

    keys = client.get(members["jwks_uri"].removeprefix(ISSUER)).json()["keys"]

    assert [key["kid"] for key in keys] == [header_of(token)["kid"]]


@pytest.mark.clause("RFC 8414 §2")
def test_supported_grant_type_works(make_key, metadata, post_form):
    """The metadata names the grant types. Without it, clients would assume others."""
    (grant_type,) = metadata()["grant_types_supported"]

    assert post_form(TOKEN, make_key(), grant_type=grant_type).status_code == 200


@pytest.mark.clause("RFC 8414 §2")
@pytest.mark.parametrize(("header", "tokens"), [("Authorization", ["Bearer"]), ("X-Api-Token", [])])
def test_listed_authentication_methods_work(make_key, metadata, client, header, tokens):
    """The metadata lists the methods with which a client can authenticate, and no others."""
    key = make_key()
    listed = metadata(TOKEN_HEADER=header)
    ways = {"client_secret_basic": (basic_of(key), {}), "client_secret_post": ({}, form_of(key))}

    working = [
        method
        for method, (headers, members) in ways.items()
        if client.post(TOKEN, form(GRANT | members), FORM, headers=headers).status_code == 200
    ]

    assert listed["token_endpoint_auth_methods_supported"] == working
    assert listed["revocation_endpoint_auth_methods_supported"] == working
    assert listed["introspection_endpoint_auth_methods_supported"] == [*working, *tokens]


def form(members):
    """Return the members as a form. Their values need no encoding."""
    return "&".join(f"{name}={value}" for name, value in members.items())


@pytest.mark.clause("RFC 8414 §2")
def test_supported_scopes_are_names(metadata):
    """The metadata may list the scopes that clients can request."""
    scopes = {"orders:read": "Read orders"}

    assert metadata(SCOPES=scopes)["scopes_supported"] == ["keys:manage", "orders:read"]


@pytest.mark.clause("RFC 8414 §2")
@pytest.mark.parametrize(
    ("issuer", "status"),
    [
        (ISSUER, 200),
        (f"{ISSUER}/tenant", 200),
        (f"{ISSUER}?a=b", 404),
        (f"{ISSUER}#a", 404),
        ("tot-jwt", 404),
    ],
)
def test_issuer_is_url_without_query(client, settings, issuer, status):
    """An issuer is a URL without a query and a fragment. Otherwise there is no metadata."""
    settings.TOT_JWT = {"ISSUER": issuer}

    assert client.get(METADATA).status_code == status


@pytest.mark.clause("RFC 8414 §2")
def test_check_requires_https_issuer(db, settings):
    """The scheme of the issuer is https: a system check says so."""
    settings.TOT_JWT = {"ISSUER": ISSUER}
    assert "W018" not in ids(include_deployment_checks=True)

    settings.TOT_JWT = {"ISSUER": "http://auth.example.com"}

    assert "W018" in ids(include_deployment_checks=True)


# Where the metadata is


@pytest.mark.clause("RFC 8414 §3", "RFC 8414 §3.2")
def test_document_is_json_object(client, settings):
    """The metadata is at the well-known location, as a JSON object with status 200."""
    settings.TOT_JWT = {"ISSUER": ISSUER}

    response = client.get("/.well-known/oauth-authorization-server")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert isinstance(response.json(), dict)


@pytest.mark.clause("RFC 8414 §3.1")
@pytest.mark.parametrize("issuer", [f"{ISSUER}/a/tenant", f"{ISSUER}/a/tenant/"])
def test_path_of_issuer_is_appended(client, settings, issuer):
    """The path of the issuer, without its last slash, follows the well-known location."""
    settings.TOT_JWT = {"ISSUER": issuer}

    assert client.get(f"{METADATA}/a/tenant").json()["issuer"] == issuer
    assert client.get(f"{METADATA}/another").status_code == 404


@pytest.mark.clause("RFC 8414 §3.2")
def test_empty_lists_are_left_out(metadata):
    """A member without values is left out."""
    assert "scopes_supported" in metadata()

    members = metadata(TOKENS_MANAGE_KEYS=False)

    assert [name for name, value in members.items() if value == []] == []


@pytest.mark.clause("RFC 8414 §3.3")
@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/", f"{ISSUER}/tenant/", f"{ISSUER}:8443"])
def test_issuer_is_identical_everywhere(make_key, make_access_token, metadata, issuer):
    """The issuer in the metadata equals that in tokens, character by character."""
    members = metadata(ISSUER=issuer)
    token = make_access_token(make_key())

    assert members["issuer"] == claims_of(token)["iss"] == issuer


@pytest.mark.clause("RFC 8414 §6.2")
def test_host_header_changes_nothing(client, settings):
    """A request cannot make the server impersonate another one."""
    settings.TOT_JWT = {"ISSUER": ISSUER}
    settings.ALLOWED_HOSTS = ["*"]
    settings.USE_X_FORWARDED_HOST = True
    forged = {"Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}

    assert client.get(METADATA, headers=forged).json() == client.get(METADATA).json()
