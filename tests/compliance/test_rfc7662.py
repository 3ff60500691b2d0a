"""RFC 7662: OAuth 2.0 Token Introspection.

These clauses do not apply:

- §2.1, of refresh tokens: there are none.
- §2.2, `username` and `nbf`: a client is not a person, and a token is valid from its issue.

A caller without the scope ``tokens:introspect`` gets 403 ``insufficient_scope``, also one that
authenticates with its credentials. §2.1 leaves the form of authorization open.
"""

import pytest

from tests.support.oauth import INTROSPECT, REVOKE, form_of
from tests.support.requests import FORM, bearer
from tests.support.tokens import claims_for, claims_of, sign

INACTIVE = {"active": False}


@pytest.fixture
def caller(make_key):
    """Return the key of a resource server."""
    return make_key(scopes=["tokens:introspect"])


# The request


@pytest.mark.clause("RFC 7662 §2.1")
def test_token_parameter_is_required(caller, post_form):
    """A request names the token."""
    for parameters in ({"token_type_hint": "access_token"}, {"token": ""}):
        response = post_form(INTROSPECT, caller, **parameters)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.clause("RFC 7662 §2.1", "RFC 7662 §4")
def test_endpoint_accepts_post_only(client):
    """A request is a POST, so that the token does not stand in the URL."""
    response = client.get(f"{INTROSPECT}?token=a.b.c")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.clause("RFC 7662 §2.1")
def test_caller_authenticates_in_three_ways(caller, make_access_token, post_form, client):
    """A caller authenticates as a client does, or with a token of its own."""
    token = make_access_token(caller)

    for response in (
        post_form(INTROSPECT, caller, token=token),
        post_form(INTROSPECT, token=token, **form_of(caller)),
        client.post(INTROSPECT, f"token={token}", content_type=FORM, headers=bearer(token)),
    ):
        assert (response.status_code, response.json()["active"]) == (200, True)


@pytest.mark.clause("RFC 7662 §2.1", "RFC 7662 §4")
def test_caller_needs_authorization(caller, make_key, make_access_token, post_form):
    """An unauthorized caller learns nothing, so that it cannot try tokens out."""
    token = make_access_token(caller)

    strangers = [post_form(INTROSPECT, token=token), post_form(INTROSPECT, make_key(), token=token)]

    assert post_form(INTROSPECT, caller, token=token).json()["active"] is True
    errors = [(response.status_code, response.json()["error"]) for response in strangers]
    assert errors == [(401, "invalid_client"), (403, "insufficient_scope")]


@pytest.mark.clause("RFC 7662 §2.1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown"])
def test_any_type_hint_is_accepted(caller, make_access_token, post_form, hint):
    """A wrong hint does not keep the server from finding the token."""
    token = make_access_token(caller)

    response = post_form(INTROSPECT, caller, token=token, token_type_hint=hint)

    assert response.json()["active"] is True


# The response


@pytest.mark.clause("RFC 7662 §2.2")
def test_active_token_is_described(caller, make_key, make_access_token, post_form):
    """The response for a valid token has `active` and the claims, with the types of a JWT."""
    token = make_access_token(make_key(scopes=["orders:read"]), scope="orders:read")
    claims = claims_of(token)

    response = post_form(INTROSPECT, caller, token=token)

    same = ("client_id", "sub", "aud", "iss", "iat", "exp", "jti", "appDomain", "env", "scope")
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "active": True,
        "token_type": "Bearer",
        **{name: claims[name] for name in same},
    }
    assert claims["scope"] == "orders:read"


@pytest.mark.clause("RFC 7662 §2.2", "RFC 7662 §4")
def test_scope_is_present_one(caller, make_key, make_access_token, post_form):
    """The response tells what the token grants now, which may be less than at its issue."""
    key = make_key(scopes=["orders:read", "orders:write"])
    token = make_access_token(key, scope="orders:read orders:write")
    key.scopes = "orders:read"
    key.save()

    assert post_form(INTROSPECT, caller, token=token).json()["scope"] == "orders:read"


@pytest.mark.clause("RFC 7662 §2.2", "RFC 7662 §2.3")
@pytest.mark.parametrize("token", ["unknown", "a.b.c", "e30.e30.e30"])
def test_unknown_token_is_inactive(caller, make_access_token, post_form, token):
    """A token that is not valid gets 200 and the member `active` only. It is not an error."""
    assert post_form(INTROSPECT, caller, token=make_access_token(caller)).json()["active"] is True

    response = post_form(INTROSPECT, caller, token=token)

    assert (response.status_code, response.json()) == (200, INACTIVE)


@pytest.mark.clause("RFC 7662 §2.2", "RFC 7662 §4")
def test_ended_token_is_inactive(caller, make_key, make_access_token, post_form, pass_time):
    """The server checks the revocation, the key and the expiry of a token."""
    key, lost = make_key(), make_key()
    revoked, of_lost_key, expired = map(make_access_token, (key, lost, key))
    post_form(REVOKE, key, token=revoked)
    lost.generation += 1
    lost.save()

    for token in (revoked, of_lost_key):
        assert post_form(INTROSPECT, caller, token=token).json() == INACTIVE
    assert post_form(INTROSPECT, caller, token=expired).json()["active"] is True
    pass_time(900)
    assert post_form(INTROSPECT, caller, token=expired).json() == INACTIVE


@pytest.mark.clause("RFC 7662 §4")
def test_foreign_token_is_inactive(caller, post_form):
    """The server checks signature, issuer and audience."""
    foreign = [
        sign(claims_for(caller), key=b"another key of at least 32 bytes.."),
        sign(claims_for(caller, iss="another")),
        sign(claims_for(caller, aud="another")),
    ]

    assert post_form(INTROSPECT, caller, token=sign(claims_for(caller))).json()["active"] is True
    assert [post_form(INTROSPECT, caller, token=token).json() for token in foreign] == [
        INACTIVE
    ] * len(foreign)


@pytest.mark.clause("RFC 7662 §4")
def test_response_is_not_stored(caller, make_access_token, post_form):
    """A cache would go on calling a revoked token active."""
    response = post_form(INTROSPECT, caller, token=make_access_token(caller))

    assert response.headers["Cache-Control"] == "no-store"


# Errors


@pytest.mark.clause("RFC 7662 §2.3")
def test_wrong_credentials_get_invalid_client(caller, make_key, post_form):
    """Wrong credentials of the caller get 401 and the challenge of their scheme."""
    stranger = make_key()
    stranger.secret = caller.secret

    response = post_form(INTROSPECT, stranger, token="a.b.c")

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.clause("RFC 7662 §2.3")
def test_wrong_token_gets_invalid_token(caller, client, make_access_token):
    """A wrong token of the caller gets 401 and the challenge of RFC 6750."""
    own = make_access_token(caller)
    for token, status in ((own, 200), (own + "A", 401)):
        form, headers = "token=a.b.c", bearer(token)
        response = client.post(INTROSPECT, form, content_type=FORM, headers=headers)
        assert response.status_code == status

    assert response.json()["error"] == "invalid_token"
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="api", error="invalid_token"')
