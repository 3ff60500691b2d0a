"""Key files that must not become secrets of HMAC."""

import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

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
LONG = b"\x30\x83" + (70_000).to_bytes(3) + b"\x02\x82\xff\xff\x00" + bytes(69_995)

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


DAMAGED = {
    "UTF-16": public_pem(EC).encode("utf-16"),
    "percent-encoding": quote(public_pem(EC)).encode(),
    "quotes": b'"' + b64encode(FILES["EC in DER"]) + b'"',
    "literal line breaks": b"\\n".join(public_pem(EC).encode().splitlines()[1:-1]),
    "without its first line": b"\n".join(public_pem(EC).encode().splitlines()[1:]),
    "DER and a line break": FILES["EC in DER"] + b"\r\n",
    "SSH after a comment": b"# mine\n" + FILES["RSA of SSH"],
    "SSH after options": b"no-pty " + FILES["Ed25519 of SSH"].strip(),
    "the blob of SSH": FILES["RSA of SSH"].split()[1],
    "hexadecimal digits": FILES["RSA in DER"].hex().encode(),
    "hexadecimal digits and colons": FILES["EC in DER"].hex(":").encode(),
    "base64 of base64": b64encode(b64encode(FILES["EC in DER"])),
    "plus signs": quote_plus(public_pem(EC)).replace("%0A", " ").encode(),
    "a JWK without its end": JWK[:-1],
    "a JWK in a string": json.dumps(JWK.decode()).encode(),
    "a certificate's words": b"CERTIFICATE-----" + b"k" * 32,
    "XML": b"<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>",
    "a list in JSON": json.dumps([b64encode(FILES["EC in DER"]).decode()]).encode(),
}


@pytest.mark.req("A13")
@pytest.mark.parametrize("file", DAMAGED.values(), ids=DAMAGED)
def test_damaged_key_file_is_found(file):
    assert is_key_file(file)


SECRETS = {
    "letters": b"k" * 32,
    "zeros": b"0" * 32,
    "empty": b"",
    "brackets": b"[" * 100_000,
    "a brace": b"{" + b"a" * 32,
    "digits": b"7" * 40,
    "text with a type of SSH": b"ssh-rsa is not the secret",
    "text that begins like DER": b"000" + b"a" * 47,
    "longer text that begins like DER": b"0T0" + b"a" * 83,
    "bytes that begin like DER": b"\x30" * 64,
    "DER and more": FILES["EC in DER"] + bytes(3),
    "DER without its end": FILES["EC in DER"][:-1],
    "long DER without its end": LONG[:-1],
    "DER with a length of four bytes": b"\x30\x84" + bytes(64),
    "DER of something else": b"\x30\x05\x04" + bytes(4),
    "the head of DER": b"\x30\x82",
    "the first byte of DER": b"\x30",
    "letters with accents": "ä".encode() * 16,
    "bytes": b"\xff" * 32,
    "random digits": secrets.token_hex(32).encode(),
    "random letters": secrets.token_urlsafe(48).encode(),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_secret_is_not_a_key_file(secret):
    assert not is_key_file(secret)


@given(strategies.binary(min_size=32, max_size=64).filter(lambda secret: secret[0] != 0x30))
def test_random_bytes_are_a_secret(secret):
    assert not is_key_file(secret)
