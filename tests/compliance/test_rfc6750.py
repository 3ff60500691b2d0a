"""RFC 6750: Bearer Token Usage, for the views that a token protects.

These clauses do not apply:

- §2.2 and §2.3: the package does not accept tokens in a body or a URL. Both are optional, and §5.3
  advises against the second. The tests show that such a token authenticates no request.
- §5.2: the system checks of deployment require TLS.
"""

import pytest

from tests.support.requests import bearer, key_headers
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, sign


@pytest.mark.clause("RFC 6750 §2.1")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_header_carries_the_token(make_key, make_access_token, client, scheme):
    """A client sends its token in the Authorization header. The scheme has no case."""
    key = make_key()
    token = make_access_token(key)

    response = client.get("/me", headers={"Authorization": f"{scheme} {token}"})

    assert (response.status_code, response.json()["pk"]) == (200, key.public_key)


@pytest.mark.clause("RFC 6750 §2", "RFC 6750 §3.1")
def test_second_way_is_rejected(make_key, make_access_token, client):
    """A request authenticates in one way only."""
    key = make_key()
    token = make_access_token(key)
    assert client.get("/me", headers=bearer(token)).status_code == 200

    response = client.get("/me", headers={**bearer(token), **key_headers(key)})

    assert response.status_code == 400


@pytest.mark.clause("RFC 6750 §2.2", "RFC 6750 §2.3", "RFC 6750 §5.3")
def test_token_outside_header_is_ignored(make_key, make_access_token, client):
    """A server need not accept a token in a body or in a URL."""
    token = make_access_token(make_key())
    in_url, in_body = f"/me?access_token={token}", {"access_token": token}

    assert client.get("/me", headers=bearer(token)).status_code == 200
    assert client.get(in_url).status_code == 401
    assert client.post("/me", in_body).status_code == 401


@pytest.mark.clause("RFC 6750 §3")
def test_missing_token_gets_plain_challenge(db, client):
    """The challenge to a request without a token names no error."""
    response = client.get("/me")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.clause("RFC 6750 §3", "RFC 6750 §3.1")
def test_bad_token_gets_invalid_token(make_key, make_access_token, get_token, pass_time):
    """An expired, revoked or malformed token gets 401 and a challenge with invalid_token."""
    key = make_key()
    token = make_access_token(key)
    assert get_token(token).status_code == 200

    assert_token_error(get_token("opaque"), "token_malformed")
    assert_token_error(get_token(sign(claims_for(key), key=b"k" * 32)), "token_invalid")
    pass_time(900)
    assert_token_error(get_token(token), "token_expired")


@pytest.mark.clause("RFC 6750 §3", "RFC 6750 §3.1")
def test_missing_scope_gets_insufficient_scope(make_key, make_access_token, client):
    """A token without the required scope gets 403 and a challenge that names the scope."""
    key = make_key(scopes=["orders:read", "orders:write"])
    wide, narrow = (make_access_token(key, scope=f"orders:{act}") for act in ("read", "write"))
    assert client.get("/scoped", headers=bearer(wide)).status_code == 200

    response = client.get("/scoped", headers=bearer(narrow))

    assert response.status_code == 403
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="api", error="insufficient_scope", scope="orders:read"'
    )


@pytest.mark.clause("RFC 6750 §5.2", "RFC 6750 §5.3")
def test_token_is_short_lived_and_restricted(make_key, grant, get_token):
    """A token lives an hour at most, and works at the audience that it names only."""
    key = make_key()

    response = grant(key)

    assert response.json()["expires_in"] <= 3600
    assert get_token(response.json()["access_token"]).status_code == 200
    assert_token_error(get_token(sign(claims_for(key, aud="another"))), "token_invalid")
