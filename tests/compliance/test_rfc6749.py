"""RFC 6749: The OAuth 2.0 Authorization Framework, for the grant of client credentials.

These clauses do not apply:

- §2.1, §2.2, §2.4: an administrator registers the clients.
- §3.1, §4.1, §4.2: there is no authorization endpoint, so there are no redirects.
- §4.3: there are no passwords of resource owners.
- §4.5, §8: there are no extension grants.
- §6: there are no refresh tokens. A client requests another token.
- §10.4 to §10.7, §10.11 to §10.13, §10.15, §10.16: they concern the parts that do not exist.

The system checks of deployment require TLS (§1.6, §10.8, §10.9).

The endpoints differ from §5.2 on purpose in three ways:

- A body that is too large or not a form is ``invalid_request`` with 413 or 415.
- Two codes are not in §5.2: ``slow_down`` with 429 and ``temporarily_unavailable`` with 503.
- ``unauthorized_client`` also says that the client's domain is suspended, or that the server does
  not accept its address or its environment.
"""

import pytest

from tests.support.oauth import TOKEN, basic_of, form_of
from tests.support.requests import FORM
from tests.support.tokens import claims_of

#: The characters that §5.2 allows in a description.
DESCRIPTION = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\"}


# Client authentication


@pytest.mark.clause("RFC 6749 §2.3")
def test_two_ways_to_authenticate_are_rejected(make_key, grant):
    """A client authenticates in one way per request."""
    key = make_key()

    assert grant(key).status_code == 200
    response = grant(key, **form_of(key))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("RFC 6749 §2.3.1")
@pytest.mark.parametrize("public_key", ["old-1", "old:1", "50%25+1", "a=b&c=d"])
def test_basic_credentials_are_form_urlencoded(make_key, grant, public_key):
    """A client may authenticate with HTTP Basic. Its id and secret are form-urlencoded in it."""
    response = grant(make_key(public_key=public_key))

    assert response.status_code == 200
    assert claims_of(response.json()["access_token"])["client_id"] == public_key


@pytest.mark.clause("RFC 6749 §2.3.1")
def test_body_credentials_are_accepted(make_key, grant):
    """A server may also accept the credentials in the body."""
    key = make_key()

    assert grant(**form_of(key)).status_code == 200
    assert grant(**{**form_of(key), "client_secret": "wrong"}).status_code == 401


@pytest.mark.clause("RFC 6749 §2.3.1")
def test_credentials_in_url_are_rejected(make_key, client):
    """Credentials never stand in the URL."""
    key = make_key()

    response = client.post(
        f"{TOKEN}?client_id={key.public_key}&client_secret={key.secret}",
        "grant_type=client_credentials",
        content_type=FORM,
    )

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("RFC 6749 §2.3.1", "RFC 6749 §10.10")
def test_guesses_are_limited(make_key, grant, settings):
    """The server protects the endpoint from attempts to guess a secret."""
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "2/hour"}}
    key = make_key()
    guess = {**form_of(key), "client_secret": "guess"}

    assert [grant(**guess).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert int(grant(**guess).headers["Retry-After"]) > 0


# The request


@pytest.mark.clause("RFC 6749 §3.2")
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_token_endpoint_accepts_post_only(make_key, grant, client, method):
    """A client requests its token with POST."""
    assert grant(make_key()).status_code == 200

    response = getattr(client, method)(TOKEN)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.clause("RFC 6749 §3.2")
def test_empty_parameters_count_as_omitted(make_key, grant):
    """A parameter without a value counts as omitted."""
    key = make_key(scopes=["orders:read"])

    with_empty_scope, without = grant(key, scope=""), grant(key)

    assert with_empty_scope.json()["scope"] == without.json()["scope"]
    assert grant(key, grant_type="").json()["error"] == "invalid_request"
    assert grant(key, client_secret="").status_code == 200


@pytest.mark.clause("RFC 6749 §3.2")
def test_unknown_parameters_are_ignored(make_key, grant):
    """The server ignores the parameters that it does not know."""
    response = grant(make_key(), resource="https://example.com", audience="other")

    assert response.status_code == 200
    assert claims_of(response.json()["access_token"])["aud"] == "tot-jwt-api"


@pytest.mark.clause("RFC 6749 §3.2")
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("", None),
        ("scope=orders:read", None),
        ("scope=orders:read&scope=orders:read", "invalid_request"),
        ("grant_type=client_credentials", "invalid_request"),
        ("grant_type=", "invalid_request"),
    ],
)
def test_repeated_parameter_is_rejected(make_key, client, more, error):
    """A request has each parameter once at most."""
    form, headers = (
        f"grant_type=client_credentials&{more}",
        basic_of(make_key(scopes=["orders:read"])),
    )

    response = client.post(TOKEN, form, content_type=FORM, headers=headers)

    assert response.json().get("error") == error


@pytest.mark.clause("RFC 6749 §3.3")
def test_granted_scope_is_returned(make_key, grant, settings):
    """The response tells the scope of the token, which may differ from the requested one."""
    settings.TOT_JWT = {"TOKENS_MANAGE_KEYS": False}
    key = make_key(scopes=["orders:read", "orders:write"])

    assert set(grant(key).json()["scope"].split(" ")) == {"orders:read", "orders:write"}
    assert grant(key, scope="orders:write").json()["scope"] == "orders:write"
    # The order does not matter.
    both = grant(key, scope="orders:write orders:read").json()["scope"]
    assert set(both.split(" ")) == {"orders:read", "orders:write"}


@pytest.mark.clause("RFC 6749 §3.3", "RFC 6749 §5.2")
@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("orders:read", None),
        ("orders:read orders:read", None),
        ("orders:read  orders:write", "invalid_scope"),
        (" orders:read", "invalid_scope"),
        ("orders:read\torders:write", "invalid_scope"),
        ('orders:"read"', "invalid_scope"),
        ("orders\\read", "invalid_scope"),
        ("größe", "invalid_scope"),
        ("ORDERS:READ", "invalid_scope"),
    ],
)
def test_scope_has_the_defined_form(make_key, grant, scope, error):
    """A scope is a list of case-sensitive ASCII names, separated by single spaces."""
    key = make_key(scopes=["orders:read", "orders:write"])

    assert grant(key, scope=scope).json().get("error") == error


# The grant and its response


@pytest.mark.clause("RFC 6749 §4.4.2")
def test_grant_type_is_required(make_key, grant, post_form):
    """A client requests the grant by the name client_credentials, and authenticates."""
    key = make_key()

    assert grant(key).status_code == 200
    assert post_form(TOKEN, key).json()["error"] == "invalid_request"
    assert grant().json()["error"] == "invalid_client"


@pytest.mark.clause("RFC 6749 §4.4.3")
def test_response_has_no_refresh_token(make_key, grant):
    """The client does not get a refresh token with its access token."""
    members = grant(make_key()).json()

    assert "access_token" in members
    assert "refresh_token" not in members


@pytest.mark.clause("RFC 6749 §5.1")
def test_response_has_the_defined_members(make_key, grant):
    """The response is a JSON object with the token, its type, its lifetime and its scope."""
    response = grant(make_key(scopes=["orders:read"]))

    kinds = {name: type(value) for name, value in response.json().items()}
    assert response.headers["Content-Type"] == "application/json"
    assert kinds == {"access_token": str, "token_type": str, "expires_in": int, "scope": str}
    assert response.json()["token_type"].lower() == "bearer"
    assert response.json()["expires_in"] == 900


@pytest.mark.clause("RFC 6749 §5.1")
def test_responses_are_not_stored(make_key, grant):
    """A response with a token has two headers that keep caches from storing it."""
    for response in (grant(make_key()), grant()):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Pragma"] == "no-cache"


# Errors


@pytest.mark.clause("RFC 6749 §5.2")
@pytest.mark.parametrize(
    ("columns", "parameters", "status", "error"),
    [
        ({}, {}, 200, None),
        ({}, {"grant_type": ""}, 400, "invalid_request"),
        ({}, {"client_id": "another"}, 400, "invalid_request"),
        ({}, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, {"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
        ({}, {"scope": "orders:write"}, 400, "invalid_scope"),
        ({"can_issue_tokens": False}, {}, 400, "unauthorized_client"),
        ({"allowed_ips": ["192.0.2.1"]}, {}, 400, "unauthorized_client"),
    ],
)
def test_error_has_the_defined_code(make_key, grant, columns, parameters, status, error):
    """An error of an authenticated client is a 400 with one of the defined codes."""
    response = grant(make_key(**columns), **parameters)

    assert (response.status_code, response.json().get("error")) == (status, error)
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json().get("error_description", "")) <= DESCRIPTION


@pytest.mark.clause("RFC 6749 §5.2")
def test_failed_authentication_gets_a_challenge(make_key, grant, post_form):
    """The 401 of a failed authentication names the scheme that the client used."""
    stranger, key = make_key(), make_key()
    stranger.secret = key.secret

    for response in (grant(stranger), grant(), grant(client_id="unknown", client_secret="guess")):
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"] == 'Basic realm="api"'
    assert grant(key).status_code == 200


@pytest.mark.clause("RFC 6749 §5.2")
@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id"])
def test_description_does_not_echo_request(make_key, grant, name):
    """A description has printable ASCII without quotes only, whatever the client sends."""
    sent = '"\\\u00e9\n'

    response = grant(make_key(), **{name: sent})

    assert response.status_code == 400
    assert set(response.json()["error_description"]) <= DESCRIPTION
