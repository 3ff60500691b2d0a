"""RFC 9068: JSON Web Token Profile for OAuth 2.0 Access Tokens.

The profile is in use with an asymmetric ALGORITHM and TOKEN_TYP ``at+jwt``.

These clauses do not apply:

- §2.2.1 and §2.2.2, the authentication and the identity of a user: a client is not a person.
- §2.2.3.1, roles and groups: the host may add them with TOKEN_CLAIMS.
- §3, the parameter `resource`: there is one audience, which §3 calls the default.
- §6, privacy: tokens carry no data about persons.

The package differs from §4 on purpose where it verifies its own tokens: it also accepts the type
``JWT``, so that an operator can change TOKEN_TYP without ending tokens. It does not accept the
spelling ``application/at+jwt``, which it never writes.
"""

import jwt
import pytest

from tests.support.compliance import JWKS, METADATA, header_of, resign
from tests.support.key_pairs import ASYMMETRIC, key_pair_settings
from tests.support.requests import bearer
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_of

ISSUER = "https://auth.example.com"
AUDIENCE = "https://api.example.com"


@pytest.fixture(params=ASYMMETRIC, autouse=True)
def algorithm(request, settings):
    """Sign tokens of the profile with each algorithm in turn."""
    settings.TOT_JWT = key_pair_settings(
        request.param, TOKEN_TYP="at+jwt", ISSUER=ISSUER, AUDIENCE=AUDIENCE
    )
    return request.param


# What the server issues


@pytest.mark.clause("RFC 9068 §2.1")
def test_header_has_type_and_algorithm(make_key, make_access_token, client, algorithm):
    """A token has the type at+jwt, and is signed with an asymmetric algorithm."""
    token = make_access_token(make_key())

    (key,) = client.get(JWKS).json()["keys"]

    assert header_of(token) == {"alg": algorithm, "typ": "at+jwt", "kid": key["kid"]}


@pytest.mark.clause("RFC 9068 §2.2")
def test_required_claims_are_present(make_key, make_access_token):
    """A token has seven claims at least, with the types that RFC 7519 and RFC 8693 define."""
    claims = claims_of(make_access_token(make_key()))

    required = {"iss": str, "exp": int, "aud": str, "sub": str, "client_id": str}
    required |= {"iat": int, "jti": str}
    assert {name: type(claims[name]) for name in required} == required
    assert (claims["iss"], claims["aud"]) == (ISSUER, AUDIENCE)


@pytest.mark.clause("RFC 9068 §2.2", "RFC 9068 §5")
def test_subject_identifies_the_client(make_key, make_user, make_access_token):
    """Without a resource owner, the subject is the client. It is never the id of a user."""
    key, user = make_key(), make_user()

    claims = claims_of(make_access_token(key))

    assert claims["sub"] == claims["client_id"] == key.public_key
    assert claims["sub"] != str(user.pk)


@pytest.mark.clause("RFC 9068 §2.2.3", "RFC 9068 §3")
def test_scope_is_the_granted_one(make_key, grant):
    """A token has the granted scope, as a list separated by spaces."""
    key = make_key(scopes=["orders:read", "orders:write"])

    for requested in ("orders:read", "orders:write orders:read"):
        response = grant(key, scope=requested).json()
        claims = claims_of(response["access_token"])
        assert claims["scope"] == response["scope"]
        assert set(claims["scope"].split(" ")) == set(requested.split(" "))


@pytest.mark.clause("RFC 9068 §3")
def test_default_audience_is_used(make_key, grant):
    """A request that names no resource gets the default audience."""
    response = grant(make_key())

    assert claims_of(response.json()["access_token"])["aud"] == AUDIENCE


# What a resource server verifies


@pytest.mark.clause("RFC 9068 §4")
def test_metadata_is_enough_to_verify(make_key, make_access_token, client, algorithm):
    """A resource server finds the issuer and the keys in the metadata, and needs nothing else."""
    token = make_access_token(make_key())
    metadata = client.get(METADATA).json()
    keys = client.get(metadata["jwks_uri"].removeprefix(ISSUER)).json()

    key = jwt.PyJWKSet.from_dict(keys)[header_of(token)["kid"]]

    claims = jwt.decode(
        token, key, algorithms=[algorithm], issuer=metadata["issuer"], audience=AUDIENCE
    )
    assert claims == claims_of(token)


@pytest.mark.clause("RFC 9068 §4")
def test_changed_tokens_are_rejected(make_key, make_access_token, get_token):
    """The server checks type, issuer, audience and signature of each token."""
    token = make_access_token(make_key())
    wrong = [
        resign(token, {"typ": "id+jwt"}),
        resign(token, {"typ": None}),
        resign(token, {"alg": "none"}),
        resign(token, {"kid": "another"}),
        resign(token, iss=f"{ISSUER}/"),
        resign(token, aud="https://other.example.com"),
        resign(token, aud=None),
        f"{token.rpartition('.')[0]}.{'A' * 86}",
    ]

    assert get_token(resign(token)).status_code == 200
    for changed in wrong:
        assert_token_error(get_token(changed), "token_invalid")


@pytest.mark.clause("RFC 9068 §4")
def test_expired_token_is_rejected(make_key, make_access_token, get_token, pass_time):
    """The server rejects a token at its expiry."""
    token = make_access_token(make_key())
    assert get_token(token).status_code == 200

    pass_time(900)

    assert_token_error(get_token(token), "token_expired")


@pytest.mark.clause("RFC 9068 §4")
def test_scope_of_token_decides(make_key, make_access_token, client):
    """The server uses the scope of the token to decide about a request."""
    key = make_key(scopes=["orders:read", "orders:write"])
    tokens = [make_access_token(key, scope=scope) for scope in ("orders:read", "orders:write")]

    answers = [client.get("/scoped", headers=bearer(token)).status_code for token in tokens]

    assert answers == [200, 403]
