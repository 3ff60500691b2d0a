"""RFC 8725: JSON Web Token Best Current Practices, for the server that verifies a token.

These clauses do not apply:

- §3.3, of nested tokens, and §3.6, compression: the package encrypts nothing.
- §3.5, of passwords: keys are random or derived from SECRET_KEY, which Django's checks inspect.

Two types of tokens verify, ``JWT`` and ``at+jwt``, so that an operator can change TOKEN_TYP. Where
the type in the header is that of other tokens too, the claim ``token_type`` differs (§3.12).
"""

import hashlib
import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework_simplejwt.tokens import AccessToken

from tests.support.compliance import header_of, resign
from tests.support.key_pairs import ASYMMETRIC, key_pair_settings, private_pem, public_pem
from tests.support.requests import bearer
from tests.support.token_errors import assert_token_error
from tests.support.tokens import HEADER, b64, claims_for, claims_of, sign

# The algorithm and the key


@pytest.mark.clause("RFC 8725 §2.1", "RFC 8725 §3.1")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_public_key_never_verifies_hmac(
    make_key, make_access_token, get_token, settings, algorithm
):
    """A token that the public key signed as if it were a secret of HMAC is rejected."""
    key = make_key()
    settings.TOT_JWT = key_pair_settings(
        algorithm, VERIFYING_KEYS=["s" * 32, public_pem(private_pem(algorithm))]
    )
    claims = claims_for(key)
    kid = header_of(make_access_token(key))["kid"]

    assert get_token(sign(claims, key=b"s" * 32)).status_code == 200
    for header in (HEADER, {"alg": "HS256", "kid": kid, "typ": "JWT"}):
        for secret in (
            public_pem(private_pem(algorithm)),
            public_pem(private_pem(algorithm)).strip(),
        ):
            forged = sign(claims, header, key=secret.encode())
            assert_token_error(get_token(forged), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.1")
@pytest.mark.parametrize(("algorithm", "other"), [("RS256", "RS512"), ("ES256", "EdDSA")])
def test_key_has_one_algorithm(make_key, make_access_token, get_token, settings, algorithm, other):
    """A key is used with one algorithm. The header of a token does not choose another."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    token = make_access_token(make_key())

    assert get_token(resign(token)).status_code == 200
    assert_token_error(get_token(resign(token, {"alg": other})), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.1")
def test_secret_has_one_algorithm(make_key, get_token, settings):
    """The secret of HS256 does not verify HS384."""
    settings.TOT_JWT = {"SIGNING_KEY": "s" * 64}
    claims = claims_for(make_key())

    assert get_token(sign(claims)).status_code == 200
    stronger = sign(claims, {**HEADER, "alg": "HS384"}, digest=hashlib.sha384)
    assert_token_error(get_token(stronger), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.2", "RFC 7519 §6")
@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
def test_unsigned_token_is_rejected(make_key, make_access_token, get_token, settings, name):
    """A token without a signature is rejected, whatever its form."""
    settings.TOT_JWT = key_pair_settings("ES256")
    token = make_access_token(make_key())
    _, claims, signature = token.split(".")
    header = b64(json.dumps({**header_of(token), "alg": name}, sort_keys=True).encode())

    assert get_token(token).status_code == 200
    assert_token_error(get_token(f"{header}.{claims}."), "token_malformed")
    assert_token_error(get_token(f"{header}.{claims}.{signature}"), "token_invalid")
    assert_token_error(get_token(f"{token.split('.')[0]}.{claims}."), "token_malformed")


@pytest.mark.clause("RFC 8725 §3.3", "RFC 8725 §3.4")
@pytest.mark.parametrize(("algorithm", "octets"), [("RS256", 256), ("ES256", 64), ("EdDSA", 64)])
def test_signature_of_zeros_is_invalid(
    make_key, make_access_token, get_token, settings, algorithm, octets
):
    """Each signature is verified, with the inputs that the algorithm allows."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    token = make_access_token(make_key())

    assert get_token(token).status_code == 200
    signed = token.rpartition(".")[0]
    assert_token_error(get_token(f"{signed}.{b64(bytes(octets))}"), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.3")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_unknown_key_is_rejected(make_key, make_access_token, get_token, settings, algorithm):
    """A token of a key that has left the ring is rejected."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    token = make_access_token(make_key())
    another = {"ALGORITHM": algorithm, "SIGNING_KEY": private_pem(algorithm, 2)}

    settings.TOT_JWT = {**another, "VERIFYING_KEYS": [private_pem(algorithm)]}
    assert get_token(token).status_code == 200

    settings.TOT_JWT = another
    assert_token_error(get_token(token), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.5")
@pytest.mark.parametrize("secret", ["", " " * 32, "short", "k" * 31])
def test_guessable_secret_is_rejected(make_key, grant, settings, secret):
    """A secret of HMAC must not be easy to guess."""
    key = make_key()
    settings.TOT_JWT = {"SIGNING_KEY": "k" * 32}
    assert grant(key).status_code == 200

    settings.TOT_JWT = {"SIGNING_KEY": secret}

    with pytest.raises(ImproperlyConfigured):
        grant(key)


# The claims


@pytest.mark.clause("RFC 8725 §3.7")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-8-sig"])
def test_claims_are_in_utf8(make_key, get_token, encoding):
    """The claims are in UTF-8, and in no other encoding."""
    text = json.dumps(claims_for(make_key()))

    assert get_token(sign(text.encode())).status_code == 200
    assert_token_error(get_token(sign(text.encode(encoding))), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.8")
def test_issuer_and_subject_are_validated(make_key, get_token):
    """The server checks that the issuer is its own, and that the subject is a client."""
    key = make_key()

    assert get_token(sign(claims_for(key))).status_code == 200
    for code, changes in (
        ("token_invalid", {"iss": "https://evil.example.com"}),
        ("token_invalid", {"client_id": "pk_live_unknown"}),
        ("token_revoked", {"sub": "pk_live_unknown"}),
        ("token_invalid", {"sub": None}),
    ):
        assert_token_error(get_token(sign(claims_for(key, **changes))), code)


@pytest.mark.clause("RFC 8725 §3.9")
def test_audience_is_validated(make_key, get_token):
    """Issuers that share a key keep their audiences apart. A token without one is rejected."""
    claims = claims_for(make_key())

    assert get_token(sign(claims)).status_code == 200
    assert_token_error(get_token(sign({**claims, "aud": "another"})), "token_invalid")
    del claims["aud"]
    assert_token_error(get_token(sign(claims)), "token_invalid")


@pytest.mark.clause("RFC 8725 §3.10")
@pytest.mark.parametrize(
    "member",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://evil.example.com/jwks.json"},
        {"x5u": "https://evil.example.com/chain.pem"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ],
)
def test_header_does_not_choose_key(make_key, make_access_token, get_token, settings, member):
    """The server follows no reference in a header, and looks nothing up with it."""
    settings.TOT_JWT = key_pair_settings("ES256")
    token = make_access_token(make_key())

    assert get_token(resign(token)).status_code == 200
    assert_token_error(get_token(resign(token, member)), "token_invalid")


# The kind of token


@pytest.mark.clause("RFC 8725 §3.11")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_other_type_is_rejected(make_key, make_access_token, get_token, settings, algorithm):
    """A token states its type, and another type is rejected."""
    settings.TOT_JWT = key_pair_settings(algorithm, TOKEN_TYP="at+jwt")
    token = make_access_token(make_key())

    assert header_of(token)["typ"] == "at+jwt"
    assert get_token(resign(token)).status_code == 200
    for other in ("secevent+jwt", "logout+jwt", "dpop+jwt", "jwt", "", None):
        assert_token_error(get_token(resign(token, {"typ": other})), "token_invalid")


@pytest.mark.clause("RFC 8725 §2.8", "RFC 8725 §3.12")
def test_other_kinds_of_token_are_rejected(make_key, make_access_token, get_token, client):
    """The token of a user and that of a client never stand for one another."""
    key = make_key()
    token = make_access_token(key)
    of_user = str(AccessToken())

    assert get_token(token).status_code == 200
    assert_token_error(get_token(of_user), "token_invalid")
    assert client.get("/simplejwt", headers=bearer(token)).status_code == 401
    for kind in ("access", "refresh", "id"):
        assert_token_error(
            get_token(sign({**claims_of(token), "token_type": kind})), "token_invalid"
        )
