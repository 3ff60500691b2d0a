"""Tokens that a key pair signs, and the JWKS that publishes its public half."""

import json
import secrets

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.key_pairs import (
    ASYMMETRIC,
    OTHER_SECRET,
    SECRET,
    header_of,
    jwk_of,
    key_pair_settings,
    kid_of,
    pem_of,
    private_key,
    private_pem,
    public_bytes,
    public_jwk,
    public_pem,
    sign_with,
    thumbprint,
)
from tests.support.token_errors import assert_token_error
from tests.support.tokens import claims_for, sign, unb64
from tot_jwt.tokens.backend import backend

JWKS_URL = "/.well-known/jwks.json"


def header_bytes(token):
    """Return the header of a token as it stands in it."""
    return unb64(token.partition(".")[0]).decode()


# Signing


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_key_pair_signs_and_verifies(make_key, make_token, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm)

    token = make_token(make_key())

    kid = kid_of(private_pem(algorithm))
    assert header_bytes(token) == f'{{"alg":"{algorithm}","kid":"{kid}","typ":"JWT"}}'
    public = public_pem(private_pem(algorithm))
    assert jwt.decode(token, public, algorithms=[algorithm], audience="tot-jwt-api")
    assert get_token(token).status_code == 200


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_token_signed_elsewhere_verifies(make_key, get_token, settings, algorithm):
    """The control of the tests that forge tokens."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    pem = private_pem(algorithm)

    token = sign_with(pem, header_of(algorithm, pem), claims_for(make_key()))

    assert get_token(token).status_code == 200


def test_secret_signs_without_kid(make_key, make_token):
    assert header_bytes(make_token(make_key())) == '{"alg":"HS256","typ":"JWT"}'


@pytest.mark.parametrize("algorithm", ["HS256", *ASYMMETRIC])
@pytest.mark.parametrize(("before", "after"), [("JWT", "at+jwt"), ("at+jwt", "JWT")])
def test_tokens_of_both_types_verify(
    make_key, make_token, get_token, settings, algorithm, before, after
):
    values = {} if algorithm == "HS256" else key_pair_settings(algorithm)
    settings.TOT_JWT = {**values, "TOKEN_TYP": before}
    earlier = make_token(make_key())

    settings.TOT_JWT = {**values, "TOKEN_TYP": after}
    later = make_token(make_key())

    assert jwt.get_unverified_header(earlier)["typ"] == before
    assert jwt.get_unverified_header(later)["typ"] == after
    assert [get_token(token).status_code for token in (earlier, later)] == [200, 200]


@pytest.mark.parametrize("encoding", ["str", "bytes", "CRLF", "one line", "white space around"])
def test_pem_may_have_any_spelling(make_key, make_token, get_token, settings, encoding):
    pem = private_pem("ES256")
    spellings = {
        "str": pem,
        "bytes": pem.encode(),
        "CRLF": pem.replace("\n", "\r\n"),
        "one line": pem.replace("\n", ""),
        "white space around": f"\n  {pem}\n\n",
    }
    settings.TOT_JWT = key_pair_settings("ES256", SIGNING_KEY=spellings[encoding])

    assert get_token(make_token(make_key())).status_code == 200


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_traditional_pem_signs(make_key, make_token, get_token, settings, algorithm):
    """``openssl rsa -traditional`` and ``openssl ec`` write it."""
    kind = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    key = private_key(private_pem(algorithm))
    pem = key.private_bytes(*kind, serialization.NoEncryption())
    settings.TOT_JWT = key_pair_settings(algorithm, SIGNING_KEY=pem)

    assert get_token(make_token(make_key())).status_code == 200


# The JWKS


@pytest.mark.req("A9", "A13")
def test_jwks_shows_each_public_key(client, settings):
    """Keys that only verify too, each once, and of private ones the public half."""
    rsa_pem, ec_pem, ed_pem = map(private_pem, ASYMMETRIC)
    settings.TOT_JWT = key_pair_settings(
        "ES256",
        VERIFYING_KEYS=[public_pem(rsa_pem), ed_pem, SECRET, None, public_pem(ec_pem), ec_pem],
    )

    assert client.get(JWKS_URL).json() == {
        "keys": [
            {**public_jwk(pem), "kid": kid_of(pem), "alg": algorithm, "use": "sig"}
            for algorithm, pem in [("ES256", ec_pem), ("RS256", rsa_pem), ("EdDSA", ed_pem)]
        ]
    }


@pytest.mark.req("A9", "A13")
@pytest.mark.parametrize("values", [{}, {"SIGNING_KEY": SECRET, "VERIFYING_KEYS": [OTHER_SECRET]}])
def test_jwks_never_shows_a_secret(client, settings, values):
    settings.TOT_JWT = values

    assert client.get(JWKS_URL).json() == {"keys": []}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_jwks_verifies_tokens_elsewhere(make_key, make_token, client, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm, VERIFYING_KEYS=[private_pem(algorithm, 1)])
    token = make_token(make_key())

    keys = jwt.PyJWKSet.from_dict(client.get(JWKS_URL).json())

    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, audience="tot-jwt-api", issuer="tot-jwt")


def test_coordinates_keep_leading_zeros(client, settings):
    """RFC 7518 §6.2.1.2 requires the full size. Verifiers compute another `kid` otherwise."""
    key = ec.generate_private_key(ec.SECP256R1())
    while key.public_key().public_numbers().x >> 248:
        key = ec.generate_private_key(ec.SECP256R1())
    settings.TOT_JWT = key_pair_settings("ES256", SIGNING_KEY=pem_of(key))

    (jwk,) = client.get(JWKS_URL).json()["keys"]

    assert jwk["x"] == jwk_of(key.public_key())["x"]
    assert jwk["kid"] == thumbprint(jwk_of(key.public_key()))


RFC_7638 = rsa.RSAPublicNumbers(
    65537,
    int.from_bytes(
        unb64(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
            "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ"
            "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF"
            "TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        )
    ),
).public_key()
RFC_8037 = ed25519.Ed25519PublicKey.from_public_bytes(
    unb64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
)


@pytest.mark.parametrize(
    ("public", "kid"),
    [
        (RFC_7638, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),  # RFC 7638 §3.1
        (RFC_8037, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),  # RFC 8037 A.3
    ],
    ids=["RFC 7638", "RFC 8037"],
)
def test_kid_is_thumbprint_of_standard(client, settings, public, kid):
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    settings.TOT_JWT = {"VERIFYING_KEYS": [pem]}

    (jwk,) = client.get(JWKS_URL).json()["keys"]

    assert jwk["kid"] == kid


# Rings of several kinds


def mixed(algorithm):
    """Return a TOT_JWT with keys of each kind, one of which signs."""
    return key_pair_settings(
        algorithm, VERIFYING_KEYS=[SECRET, None, *map(private_pem, ASYMMETRIC)]
    )


@pytest.mark.req("A4", "A9")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_mixed_ring_verifies_each_kind(make_key, get_token, settings, algorithm):
    key = make_key()
    tokens = [sign(claims_for(key), key=SECRET.encode()), sign(claims_for(key))]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = secrets.token_hex()
    tokens.append(sign(claims_for(key)))
    for name in ASYMMETRIC:
        pem = private_pem(name)
        tokens.append(sign_with(pem, header_of(name, pem), claims_for(key)))

    settings.TOT_JWT = mixed(algorithm)

    assert [get_token(token).status_code for token in tokens] == [200] * 6
    foreign = sign(claims_for(key), key=OTHER_SECRET)
    assert_token_error(get_token(foreign), "token_invalid")


def test_secret_verifies_with_own_hs(make_key, make_token, get_token, settings):
    """Beside HS512 a secret verifies with HS512, beside a key pair with HS256."""
    settings.TOT_JWT = {"ALGORITHM": "HS512", "SIGNING_KEY": SECRET * 2}
    token = make_token(make_key())

    settings.TOT_JWT = {
        "ALGORITHM": "HS512",
        "SIGNING_KEY": "n" * 64,
        "VERIFYING_KEYS": [SECRET * 2, private_pem("ES256")],
    }
    assert get_token(token).status_code == 200
    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=[SECRET * 2])
    assert_token_error(get_token(token), "token_invalid")
    by_secret = sign(claims_for(make_key()), key=SECRET.encode() * 2)
    assert get_token(by_secret).status_code == 200


@pytest.mark.req("A13")
def test_private_key_that_verifies_is_dropped(make_key, get_token, settings):
    pem = private_pem("RS256")
    settings.TOT_JWT = {"VERIFYING_KEYS": [pem]}

    token = sign_with(pem, header_of("RS256", pem), claims_for(make_key()))

    assert get_token(token).status_code == 200
    *_, kept = backend().ring.keys
    assert kept.secret is None
    assert kept.public.public_numbers() == private_key(pem).public_key().public_numbers()


@pytest.mark.req("A13")
def test_ring_shows_no_key(settings):
    settings.TOT_JWT = mixed("EdDSA")

    shown = repr(backend().ring.keys) + json.dumps(backend().ring.public_jwks())

    assert SECRET not in shown
    assert "secret" not in shown
    for pem in map(private_pem, ASYMMETRIC):
        assert pem.splitlines()[1] not in shown


# The header's kid


@pytest.mark.req("A9", "A13")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_kid_of_another_key_is_invalid(make_key, get_token, settings, algorithm):
    own, other, foreign = (private_pem(algorithm, number) for number in range(3))
    settings.TOT_JWT = key_pair_settings(algorithm, VERIFYING_KEYS=[public_pem(other), SECRET])
    claims = claims_for(make_key())
    without_kid = {"alg": algorithm, "typ": "JWT"}

    for pem, header in [
        (own, header_of(algorithm, other)),
        (other, header_of(algorithm, own)),
        (foreign, header_of(algorithm, own)),
        (foreign, header_of(algorithm, foreign)),
        (own, header_of(algorithm, own, kid="1")),
        (own, header_of(algorithm, own, kid=None)),
        (own, header_of(algorithm, own, kid=[kid_of(own)])),
        (own, header_of(algorithm, own, kid=kid_of(own) + "=")),
        (own, without_kid),
    ]:
        assert_token_error(get_token(sign_with(pem, header, claims)), "token_invalid")
    for pem in (own, other):
        assert get_token(sign_with(pem, header_of(algorithm, pem), claims)).status_code == 200


@pytest.mark.req("A9")
def test_kid_of_secret_is_invalid(make_key, get_token, settings):
    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=[SECRET])
    claims = claims_for(make_key())

    for kid in (kid_of(private_pem("ES256")), "", "HS256", None):
        header = {"alg": "HS256", "kid": kid, "typ": "JWT"}
        assert_token_error(get_token(sign(claims, header, SECRET.encode())), "token_invalid")
    assert get_token(sign(claims, key=SECRET.encode())).status_code == 200


@pytest.mark.req("A9")
def test_removed_key_verifies_no_more(make_key, make_token, get_token, settings):
    settings.TOT_JWT = key_pair_settings("ES256")
    token = make_token(make_key())

    settings.TOT_JWT = key_pair_settings("ES256", SIGNING_KEY=private_pem("ES256", 1))
    assert_token_error(get_token(token), "token_invalid")
    settings.TOT_JWT = {"VERIFYING_KEYS": [public_bytes(private_pem("ES256"))]}
    assert get_token(token).status_code == 200


@pytest.mark.req("A4", "A8", "A9")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_any_other_member_is_invalid(make_key, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm)
    pem, foreign = private_pem(algorithm), private_pem(algorithm, 1)
    claims = claims_for(make_key())

    for member, value in {
        "jku": "https://evil.example.com/jwks",
        "jwk": public_jwk(foreign),
        "x5u": "https://evil.example.com",
        "x5c": ["AAAA"],
        "x5t": "AAAA",
        "crit": ["b64"],
        "b64": True,
        "cty": "JWT",
        "zip": "DEF",
    }.items():
        for signer in (pem, foreign):
            header = header_of(algorithm, pem, **{member: value})
            assert_token_error(get_token(sign_with(signer, header, claims)), "token_invalid")


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_other_order_of_members_is_invalid(make_key, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm)
    pem = private_pem(algorithm)
    header = header_of(algorithm, pem)

    for other in (
        dict(reversed(header.items())),
        json.dumps(header).encode(),
        {**header, "typ": "jwt"},
        {**header, "alg": algorithm.lower()},
        {**header, "alg": "none"},
        {**header, "alg": "HS256"},
    ):
        token = sign_with(pem, other, claims_for(make_key()))
        assert_token_error(get_token(token), "token_invalid")
