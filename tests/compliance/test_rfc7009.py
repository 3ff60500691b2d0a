"""RFC 7009: OAuth 2.0 Token Revocation.

These clauses do not apply:

- §2.1, of refresh tokens, and of other tokens of the same grant: there are no refresh tokens.
- §2.2.1, ``unsupported_token_type``: the package revokes all tokens that it issues.
- §2.3: browsers of other origins do not call the endpoint.

The token of another client gets ``unauthorized_client``. §2.1 leaves the code open.
"""

import pytest

from tests.support.faults import database_gone
from tests.support.oauth import REVOKE
from tests.support.requests import FORM, bearer
from tests.support.token_errors import assert_token_error


@pytest.mark.clause("RFC 7009 §2.1")
def test_revoked_token_ends_at_once(make_key, make_access_token, post_form, get_token):
    """Revocation takes effect immediately, and for that one token."""
    key = make_key()
    token, other = make_access_token(key), make_access_token(key)
    assert get_token(token).status_code == 200

    response = post_form(REVOKE, key, token=token)

    assert response.status_code == 200
    assert_token_error(get_token(token), "token_revoked")
    assert get_token(other).status_code == 200


@pytest.mark.clause("RFC 7009 §2.1")
def test_token_parameter_is_required(make_key, post_form):
    """A request names the token."""
    key = make_key()

    for parameters in ({"token_type_hint": "access_token"}, {"token": ""}):
        response = post_form(REVOKE, key, **parameters)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("RFC 7009 §2.1", "RFC 7009 §2.2.1")
def test_client_must_authenticate(make_key, make_access_token, post_form, get_token, client):
    """The server authenticates the client first. A Bearer token is not its authentication."""
    token = make_access_token(make_key())

    for headers in ({}, bearer(token)):
        response = client.post(REVOKE, f"token={token}", content_type=FORM, headers=headers)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert get_token(token).status_code == 200


@pytest.mark.clause("RFC 7009 §2.1", "RFC 7009 §5")
def test_token_of_another_client_survives(make_key, make_access_token, post_form, get_token):
    """A client may revoke its own tokens only."""
    key, owner = make_key(), make_key()
    token = make_access_token(owner)

    response = post_form(REVOKE, key, token=token)

    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
    assert get_token(token).status_code == 200


@pytest.mark.clause("RFC 7009 §2.1", "RFC 7009 §2.2")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown"])
def test_any_type_hint_is_accepted(make_key, make_access_token, post_form, get_token, hint):
    """A wrong hint does not keep the server from finding the token."""
    key = make_key()
    token = make_access_token(key)

    assert post_form(REVOKE, key, token=token, token_type_hint=hint).status_code == 200
    assert_token_error(get_token(token), "token_revoked")


@pytest.mark.clause("RFC 7009 §2.2")
def test_ended_token_gets_200(make_key, make_access_token, post_form, pass_time):
    """An invalid token is not an error: it is as the client wants it."""
    key = make_key()
    revoked, expired = make_access_token(key), make_access_token(key)
    post_form(REVOKE, key, token=revoked)
    assert post_form(REVOKE, key, token=revoked).status_code == 200

    pass_time(900)

    for token in (expired, "unknown", "a.b.c"):
        assert post_form(REVOKE, key, token=token).status_code == 200


@pytest.mark.clause("RFC 7009 §2.2.1")
def test_unavailable_server_asks_for_retry(make_key, make_access_token, post_form, get_token):
    """A 503 tells that the token may still be valid, and when to try again."""
    key = make_key()
    token = make_access_token(key)

    with database_gone():
        response = post_form(REVOKE, key, token=token)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert get_token(token).status_code == 200
