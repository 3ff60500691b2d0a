"""Attacks that confuse the algorithms: public keys as secrets, and signatures of other forms."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.support.key_pairs import (
    ASYMMETRIC,
    SECRET,
    header_of,
    key_pair_settings,
    kid_of,
    private_key,
    private_pem,
    public_bytes,
    public_jwk,
    public_pem,
    sign_with,
    signature,
)
from tests.support.token_errors import assert_token_error
from tests.support.tokens import DIGESTS, HEADER, b64, claims_for, sign, signing_input, unb64

# The public key as a secret


def spellings(pem):
    """Return the public half of a private key in PEM as an attacker may spell it."""
    public = public_bytes(pem)
    der, jwk = public_bytes(pem, "DER"), public_jwk(pem)
    lines = public.splitlines()
    numbers = [unb64(jwk[name]) for name in ("n", "x", "y") if name in jwk]
    return [
        public,
        public.strip(),
        public.replace(b"\n", b"\r\n"),
        public.replace(b"\n", b""),
        public.replace(b"\n", b"\\n"),
        b"".join(lines[1:-1]),
        b"\n".join(lines[1:-1]),
        der,
        b64encode(der),
        b64(der).encode(),
        b64encode(public),
        json.dumps(jwk).encode(),
        json.dumps({"keys": [jwk]}).encode(),
        json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode(),
        public_bytes(pem, "OpenSSH", "OpenSSH"),
        b"".join(numbers),
        *numbers,
        *map(b64encode, numbers),
        kid_of(pem).encode(),
    ]


@pytest.mark.req("A4", "A13")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("signs", [True, False])
def test_public_key_is_no_secret(make_key, get_token, settings, algorithm, signs):
    """Also where the ring has a secret, so that it accepts HS256."""
    pem = private_pem(algorithm)
    settings.TOT_JWT = (
        key_pair_settings(algorithm, VERIFYING_KEYS=[SECRET])
        if signs
        else {"SIGNING_KEY": SECRET, "VERIFYING_KEYS": [public_pem(pem)]}
    )
    claims = claims_for(make_key())
    assert get_token(sign(claims, key=SECRET.encode())).status_code == 200

    for spelling in spellings(pem):
        for hmac, digest in DIGESTS.items():
            for header in (
                {**HEADER, "alg": hmac},
                header_of(hmac, pem),
                header_of(algorithm, pem),
            ):
                forged = sign(claims, header, spelling, digest)
                assert_token_error(get_token(forged), "token_invalid")


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_secret_does_not_sign_for_pair(make_key, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm, VERIFYING_KEYS=[SECRET])
    header = header_of(algorithm, private_pem(algorithm))

    forged = sign(claims_for(make_key()), header, SECRET.encode())

    assert_token_error(get_token(forged), "token_invalid")


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
def test_unsigned_token_is_rejected(make_key, get_token, settings, algorithm, alg):
    settings.TOT_JWT = key_pair_settings(algorithm)
    claims = claims_for(make_key())

    for header in ({"alg": alg, "typ": "JWT"}, header_of(alg, private_pem(algorithm))):
        unsigned = signing_input(header, claims)
        assert_token_error(get_token(f"{unsigned}."), "token_malformed")
        assert_token_error(get_token(f"{unsigned}.AAAA"), "token_invalid")


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
@pytest.mark.parametrize("other", ["RS384", "PS256", "ES384", "ES256K", "Ed25519", "HS256"])
def test_other_algorithm_of_key_is_invalid(make_key, get_token, settings, algorithm, other):
    settings.TOT_JWT = key_pair_settings(algorithm)
    pem = private_pem(algorithm)

    token = sign_with(pem, header_of(other, pem), claims_for(make_key()))

    assert_token_error(get_token(token), "token_invalid")


# Signatures


def rsa_signatures(signed):
    """Return signatures of the RSA key with another padding and another hash."""
    key = private_key(private_pem("RS256"))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return [
        key.sign(signed, pss, hashes.SHA256()),
        key.sign(signed, padding.PKCS1v15(), hashes.SHA512()),
    ]


def ec_signatures(signed):
    """Return the EC key's signature in other forms, and with another hash."""
    key = private_key(private_pem("ES256"))
    raw = signature(private_pem("ES256"), signed)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    return [
        encode_dss_signature(r, s),
        raw[32:] + raw[:32],
        raw[:32] + bytes(32),
        bytes(32) + raw[32:],
        bytes(63) + b"\x01",
        b"\xff" * 64,
        bytes(1) + raw,
        key.sign(signed, ec.ECDSA(hashes.SHA512())),
    ]


OTHER_SIGNATURES = {
    "RS256": rsa_signatures,
    "ES256": ec_signatures,
    "EdDSA": lambda signed: [b"\x01" + bytes(63)],
}


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_signature_of_other_form_is_invalid(make_key, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm)
    pem, foreign = private_pem(algorithm), private_pem(algorithm, 1)
    signed = signing_input(header_of(algorithm, pem), claims_for(make_key()))
    good = signature(pem, signed.encode())

    for bad in [
        *OTHER_SIGNATURES[algorithm](signed.encode()),
        signature(foreign, signed.encode()),
        signature(pem, signed.encode() + b"."),
        bytes(len(good)),
        good[:-1],
        good + b"\0",
        good[::-1],
    ]:
        assert_token_error(get_token(f"{signed}.{b64(bad)}"), "token_invalid")
    assert get_token(f"{signed}.{b64(good)}").status_code == 200


@pytest.mark.req("A4")
@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_changed_payload_is_invalid(make_key, make_token, get_token, settings, algorithm):
    settings.TOT_JWT = key_pair_settings(algorithm)
    header, _, mac = make_token(make_key()).split(".")

    payload = b64(json.dumps(claims_for(make_key())).encode())

    assert_token_error(get_token(f"{header}.{payload}.{mac}"), "token_invalid")
