"""Key files that must not become secrets of HMAC."""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, strategies

from tests.support.key_pairs import (
    private_pem,
    public_bytes,
    public_jwk,
    public_pem,
)
from tot_jwt.tokens.key_files import is_key_file

RSA, EC, ED = private_pem("RS256"), private_pem("ES256"), private_pem("EdDSA")
JWK = json.dumps(public_jwk(EC)).encode()
#: A SEQUENCE with an INTEGER whose length takes three bytes.
LONG = b"\x30\x83" + (70_000).to_bytes(3) + b"\x02" + bytes(69_999)

FILES = {
    "RSA in DER": public_bytes(RSA, "DER"),
    "EC in DER": public_bytes(EC, "DER"),
    "Ed25519 in DER": public_bytes(ED, "DER"),
    "PKCS #1 in DER": public_bytes(RSA, "DER", "PKCS1"),
    "long DER": LONG,
    "RSA of SSH": public_bytes(RSA, "OpenSSH", "OpenSSH"),
    "EC of SSH": public_bytes(EC, "OpenSSH", "OpenSSH"),
    "Ed25519 of SSH": b"\n" + public_bytes(ED, "OpenSSH", "OpenSSH") + b" me@example.com\n",
    "security key of SSH": b"sk-ssh-ed25519@openssh.com AAAAGnNr",
    "JWK": JWK,
    "JWK with white space": b"\n" + json.dumps(public_jwk(RSA), indent=2).encode(),
    "JWKS": json.dumps({"keys": [public_jwk(ED)]}).encode(),
}


@pytest.mark.req("A13")
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_key_file_is_found(file):
    encoded = b64encode(file)
    lines = b"\n".join(encoded[start : start + 64] for start in range(0, len(encoded), 64))

    assert is_key_file(file)
    for spelling in (
        encoded,
        lines,
        urlsafe_b64encode(file),
        encoded.rstrip(b"="),
        lines + b"\r\n",
    ):
        assert is_key_file(spelling)


@pytest.mark.req("A13")
@pytest.mark.parametrize(
    "pem", [RSA, EC, ED, public_pem(EC)], ids=["RSA", "EC", "Ed25519", "public"]
)
def test_pem_in_base64_is_found(pem):
    assert is_key_file(b64encode(pem.encode()))


@pytest.mark.parametrize(
    "secret",
    [
        b"k" * 32,
        b"0" * 32,
        b"",
        b"[" * 100_000,
        b"{" + b"a" * 32,
        b"7" * 40,
        b'["a", "b"]',
        b"ssh-rsa is not the secret",
        b"\x30" * 64,
        FILES["EC in DER"] + b"\0",
        FILES["EC in DER"][:-1],
        LONG[:-1],
        b"\x30\x84" + bytes(64),
        b"\x30\x05\x04" + bytes(4),
        b"\x30\x82",
        b"\x30",
        "ä".encode() * 16,
        b"\xff" * 32,
        secrets.token_hex(32).encode(),
        secrets.token_urlsafe(48).encode(),
    ],
)
def test_secret_is_not_a_key_file(secret):
    assert not is_key_file(secret)


@given(strategies.binary(min_size=32, max_size=64).filter(lambda secret: secret[0] != 0x30))
def test_random_bytes_are_a_secret(secret):
    assert not is_key_file(secret)
