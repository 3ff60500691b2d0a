"""RFC 7517: JSON Web Key, with the keys of RFC 7518 (RSA, EC, HMAC) and RFC 8037 (Ed25519).

These clauses do not apply:

- RFC 7517 §4.3, `key_ops`: it is an alternative to `use`.
- RFC 7517 §4.6 to §4.9, certificates: the keys have none.
- RFC 7517 §7, RFC 7518 §4 and §5: the package encrypts nothing.
- RFC 7518 §3.5 (PS256) and RFC 8037 §3.2 (ECDH-ES): the package does not have these algorithms.

The JWKS is served as ``application/json``. RFC 7517 §8.5 registers another type, which it does not
require, and which some verifiers reject.
"""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.exceptions import ImproperlyConfigured

from tests.support.compliance import JWKS, header_of
from tests.support.key_pairs import ASYMMETRIC, key_pair_settings, pem_of, private_pem
from tests.support.tokens import unb64

#: The members that RFC 7518 §6 and RFC 8037 §2 define for private and symmetric keys.
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def has_short_coordinate(key):
    """Return whether a coordinate of the public key begins with a zero octet."""
    numbers = key.public_key().public_numbers()
    return min(numbers.x, numbers.y) < 2**248


@pytest.mark.clause("RFC 7517 §5", "RFC 7517 §5.1")
def test_set_has_keys_of_ring(client, settings):
    """A set of keys is an object whose member `keys` is an array."""
    settings.TOT_JWT = key_pair_settings("ES256", VERIFYING_KEYS=[private_pem("EdDSA"), "s" * 32])

    body = client.get(JWKS).json()

    assert list(body) == ["keys"]
    assert [key["alg"] for key in body["keys"]] == ["ES256", "EdDSA"]


@pytest.mark.clause("RFC 7517 §4.1", "RFC 7517 §4.2", "RFC 7517 §4.4", "RFC 7518 §6.1")
@pytest.mark.parametrize(
    ("algorithm", "kind"), [("RS256", "RSA"), ("ES256", "EC"), ("EdDSA", "OKP")]
)
def test_key_names_type_and_purpose(client, settings, algorithm, kind):
    """A key names its type, that it signs, and the algorithm that it is used with."""
    settings.TOT_JWT = key_pair_settings(algorithm)

    (key,) = client.get(JWKS).json()["keys"]

    assert (key["kty"], key["use"], key["alg"]) == (kind, "sig", algorithm)


@pytest.mark.clause("RFC 7517 §4.5", "RFC 7515 §4.1.4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_token_names_its_key(make_key, make_access_token, client, settings, algorithm):
    """The `kid` of a token selects one key of the set, also while keys are replaced."""
    settings.TOT_JWT = key_pair_settings(
        algorithm,
        VERIFYING_KEYS=[private_pem("ES256", 2), private_pem(algorithm), private_pem("EdDSA", 2)],
    )
    token = make_access_token(make_key())

    keys = client.get(JWKS).json()["keys"]

    (named,) = (key for key in keys if key["kid"] == header_of(token)["kid"])
    assert len({key["kid"] for key in keys}) == len(keys) == 3
    assert jwt.decode(
        token, jwt.PyJWK(named).key, algorithms=[named["alg"]], audience="tot-jwt-api"
    )


@pytest.mark.clause("RFC 7517 §9.2", "RFC 7518 §6.2.2", "RFC 7518 §6.3.2", "RFC 7518 §6.4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_set_has_no_private_member(client, settings, algorithm):
    """Private and symmetric keys are not disclosed, also of keys that only verify."""
    others = [private_pem(algorithm, 2), "s" * 32, None]
    settings.TOT_JWT = key_pair_settings(algorithm, VERIFYING_KEYS=others)

    keys = client.get(JWKS).json()["keys"]

    assert len(keys) == 2
    assert [key for key in keys if PRIVATE & key.keys() or key["kty"] == "oct"] == []


@pytest.mark.clause("RFC 7517 §9.2", "RFC 7518 §6.4")
def test_set_without_key_pairs_is_empty(client):
    """A secret of HMAC is not in the set."""
    assert client.get(JWKS).json() == {"keys": []}


# RSA


@pytest.mark.clause("RFC 7518 §6.3.1", "RFC 7518 §3.3")
def test_rsa_key_has_minimal_octets(client, settings):
    """The modulus has no leading zero octet, and 2,048 bits or more."""
    settings.TOT_JWT = key_pair_settings("RS256")

    (key,) = client.get(JWKS).json()["keys"]

    modulus = unb64(key["n"])
    assert key["e"] == "AQAB"
    assert len(modulus) == 256
    assert modulus[0] >= 128


@pytest.mark.clause("RFC 7518 §3.3")
def test_short_rsa_key_is_rejected(make_key, grant, settings):
    """A shorter RSA key is not used."""
    key = make_key()
    settings.TOT_JWT = key_pair_settings("RS256")
    assert grant(key).status_code == 200

    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - rejected
    settings.TOT_JWT = {"ALGORITHM": "RS256", "SIGNING_KEY": pem_of(short)}

    with pytest.raises(ImproperlyConfigured, match="1024 bits"):
        grant(key)


# Elliptic curves


@pytest.mark.clause("RFC 7518 §6.2.1")
def test_ec_coordinates_keep_leading_zeros(client, settings):
    """The coordinates of P-256 have 32 octets each, leading zeros included."""
    keys = (ec.derive_private_key(number, ec.SECP256R1()) for number in range(1, 5000))
    short = next(key for key in keys if has_short_coordinate(key))
    settings.TOT_JWT = {"ALGORITHM": "ES256", "SIGNING_KEY": pem_of(short)}

    (key,) = client.get(JWKS).json()["keys"]

    assert key["crv"] == "P-256"
    assert (len(unb64(key["x"])), len(unb64(key["y"]))) == (32, 32)
    assert 0 in {unb64(key["x"])[0], unb64(key["y"])[0]}


@pytest.mark.clause("RFC 7518 §3.4")
def test_es256_signature_has_64_octets(make_key, make_access_token, settings):
    """A signature of ES256 is R and S, 32 octets each, not DER."""
    settings.TOT_JWT = key_pair_settings("ES256")

    token = make_access_token(make_key())

    assert header_of(token)["alg"] == "ES256"
    assert len(unb64(token.split(".")[2])) == 64


@pytest.mark.clause("RFC 8037 §2", "RFC 8037 §3.1")
def test_ed25519_key_is_octet_pair(make_key, make_access_token, client, settings):
    """A key on Ed25519 has `x` and no `y`, and signs with EdDSA."""
    settings.TOT_JWT = key_pair_settings("EdDSA")
    token = make_access_token(make_key())

    (key,) = client.get(JWKS).json()["keys"]

    assert (key["kty"], key["crv"], len(unb64(key["x"]))) == ("OKP", "Ed25519", 32)
    assert "y" not in key
    assert (header_of(token)["alg"], len(unb64(token.split(".")[2]))) == ("EdDSA", 64)


# HMAC


@pytest.mark.clause("RFC 7518 §3.2")
@pytest.mark.parametrize(("algorithm", "octets"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_short_secret_is_rejected(make_key, grant, settings, algorithm, octets):
    """A secret has at least as many octets as the hash."""
    key = make_key()
    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * octets}
    assert grant(key).status_code == 200

    settings.TOT_JWT = {"ALGORITHM": algorithm, "SIGNING_KEY": "k" * (octets - 1)}

    with pytest.raises(ImproperlyConfigured):
        grant(key)
