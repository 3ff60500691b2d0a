"""RFC 7638: JSON Web Key Thumbprint, which is the `kid` of each key pair.

The hash is always SHA-256, so the choice of another one (§3.4) does not apply.
"""

import hashlib
import json

import jwt
import pytest
from jwt.utils import base64url_encode

from tests.support.compliance import JWKS
from tests.support.key_pairs import ASYMMETRIC, key_pair_settings, private_pem
from tot_jwt.tokens.asymmetric import public_pem

#: The example of RFC 7638 §3.1, without the members that its thumbprint leaves out.
RSA_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_B"
    "JECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qv"
    "zqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu"
    "0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}
#: The example of RFC 8037 A.2 and A.3.
ED25519_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
EXAMPLES = [
    (RSA_KEY, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
    (ED25519_KEY, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
]
REQUIRED = {"RS256": "e kty n", "ES256": "crv kty x y", "EdDSA": "crv kty x"}


@pytest.mark.clause("RFC 7638 §3.1", "RFC 7638 §3.5", "RFC 8037 §2")
@pytest.mark.parametrize(("jwk", "thumbprint"), EXAMPLES, ids=["RSA", "Ed25519"])
def test_published_examples_have_their_thumbprints(client, settings, jwk, thumbprint):
    """The examples of the RFCs have the thumbprints that the RFCs state."""
    settings.TOT_JWT = {"VERIFYING_KEYS": [public_pem(jwt.PyJWK(jwk).key)]}

    (key,) = client.get(JWKS).json()["keys"]

    assert key["kid"] == thumbprint
    assert {name: key[name] for name in jwk} == jwk


@pytest.mark.clause("RFC 7638 §3", "RFC 7638 §3.2", "RFC 7638 §3.3")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_thumbprint_covers_required_members(client, settings, algorithm):
    """The hash covers the required members, in the order of their names, without white space."""
    settings.TOT_JWT = key_pair_settings(algorithm)

    (key,) = client.get(JWKS).json()["keys"]

    members = ",".join(f"{json.dumps(name)}:{json.dumps(key[name])}" for name in names(algorithm))
    digest = hashlib.sha256(f"{{{members}}}".encode()).digest()
    assert key["kid"] == base64url_encode(digest).decode()


def names(algorithm):
    """Return the required members of the algorithm's keys, in order."""
    return REQUIRED[algorithm].split(" ")


@pytest.mark.clause("RFC 7638 §3.2.1")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_thumbprint_is_of_public_key(client, settings, algorithm):
    """A private key has the thumbprint of its public half."""
    settings.TOT_JWT = key_pair_settings(algorithm)
    (private,) = client.get(JWKS).json()["keys"]
    public = public_pem(jwt.PyJWK(private).key)

    settings.TOT_JWT = {"VERIFYING_KEYS": [public, private_pem(algorithm, 2)]}

    same, another = client.get(JWKS).json()["keys"]
    assert same["kid"] == private["kid"] != another["kid"]
