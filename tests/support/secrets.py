"""Values of SECRET_KEY and SECRET_KEY_FALLBACKS that protect nothing, and unusable key files."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.x509.oid import NameOID

from tests.support.key_pairs import (
    key_pair_settings,
    pem_of,
    private_key,
    private_pem,
    public_bytes,
    public_jwk,
    public_pem,
)

BLANK_SECRETS: list[Any] = ["", " ", "\n", " \t\r\n", "\u3000", "\0\0", b"", b" \n", None, 7, False]


class Unusable(NamedTuple):
    """A TOT_JWT whose keys cannot be used."""

    #: Returns the TOT_JWT.
    values: Callable[[], dict[str, Any]]
    #: A regular expression of the message at use.
    message: str
    #: The check that reports it. Its message is the same, but for that of a setting's value.
    check_id: str = "E014"


def certificate(pem: str) -> str:
    """Return a certificate of the key in PEM, which the key signs itself."""
    key = private_key(pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _signs(algorithm: str, key: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"ALGORITHM": algorithm, "SIGNING_KEY": key()}


def _verifies(key: Any) -> Callable[[], dict[str, Any]]:
    return lambda: key_pair_settings("ES256", VERIFYING_KEYS=[key()])


def _rsa() -> str:
    return private_pem("RS256")


def _ec() -> str:
    return private_pem("ES256")


def _public(generate: Callable[[], Any]) -> Callable[[], bytes]:
    kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return lambda: bytes(generate().public_key().public_bytes(*kind))


def _ssh2(pem: str) -> str:
    """Return the public half of a private key in PEM in the format of RFC 4716."""
    content = public_bytes(pem, "OpenSSH", "OpenSSH").split()[1].decode()
    return f"---- BEGIN SSH2 PUBLIC KEY ----\n{content}\n---- END SSH2 PUBLIC KEY ----\n"


def _small_rsa() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it must be rejected


#: Keys of types that sign no token.
_UNSUPPORTED: dict[str, Callable[[], Any]] = {
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate,
    "X25519": x25519.X25519PrivateKey.generate,
    "DSA": lambda: dsa.generate_private_key(2048),
}
_UNREADABLE = "cannot be read"
_NOT_PEM = "a key file that is not PEM"
#: Other forms of a public key. As a secret of HMAC they would be public.
_FORMS: dict[str, Callable[[], Any]] = {
    "DER": lambda: public_bytes(_rsa(), "DER"),
    "base64 of DER": lambda: b64encode(public_bytes(_ec(), "DER")),
    "base64 of PEM": lambda: b64encode(public_bytes(_ec())).decode(),
    "JWK": lambda: json.dumps(public_jwk(_rsa())),
    "SSH": lambda: public_bytes(_ec(), "OpenSSH", "OpenSSH"),
}

UNUSABLE_KEYS = {
    "public key that signs": Unusable(
        _signs("RS256", lambda: public_pem(_rsa())), "is a public key, which cannot sign"
    ),
    "encrypted": Unusable(
        _signs("ES256", lambda: pem_of(private_key(_ec()), "password")), "an encrypted PEM key"
    ),
    "two keys": Unusable(
        _verifies(lambda: public_pem(_rsa()) + public_pem(_ec())), "a PEM file with several keys"
    ),
    "a key and another's public key": Unusable(
        _signs("ES256", lambda: _ec() + public_pem(_rsa())), "a PEM file with several keys"
    ),
    "truncated": Unusable(_signs("RS256", lambda: _rsa()[:-400]), _UNREADABLE),
    "escaped line breaks": Unusable(
        _signs("ES256", lambda: _ec().replace("\n", r"\n")), _UNREADABLE
    ),
    "certificate that signs": Unusable(_signs("ES256", lambda: certificate(_ec())), _UNREADABLE),
    "SSH2 that signs": Unusable(_signs("ES256", lambda: _ssh2(_ec())), _UNREADABLE),
    "certificate that verifies": Unusable(_verifies(lambda: certificate(_ec())), _UNREADABLE),
    "truncated public key": Unusable(
        _verifies(lambda: public_pem(_ec()).replace("\n", "\n?", 1)), _UNREADABLE
    ),
    **{
        f"{name} that signs": Unusable(
            _signs("ES256", lambda new=new: pem_of(new())), "an unsupported type"
        )
        for name, new in _UNSUPPORTED.items()
    },
    **{
        f"{name} that verifies": Unusable(_verifies(_public(new)), "an unsupported type")
        for name, new in _UNSUPPORTED.items()
    },
    "RSA of 1,024 bits that signs": Unusable(
        _signs("RS256", lambda: pem_of(_small_rsa())), "an RSA key of 1024 bits"
    ),
    "RSA of 1,024 bits that verifies": Unusable(
        _verifies(_public(_small_rsa)), "an RSA key of 1024 bits"
    ),
    "EC key for RS256": Unusable(
        _signs("RS256", _ec), "ALGORITHM'. is RS256, .* That one is for ES256"
    ),
    "RSA key for EdDSA": Unusable(_signs("EdDSA", _rsa), "That one is for RS256"),
    "private key for HS256": Unusable(_signs("HS256", _ec), "HS256, which needs a secret", "E003"),
    "secret for ES256": Unusable(
        _signs("ES256", lambda: "hush" * 8), "ES256, which needs a private key in PEM", "E003"
    ),
    "derived secret for ES256": Unusable(
        _signs("ES256", lambda: None), "ES256, which needs a private key in PEM", "E003"
    ),
    **{
        f"{name} as secret": Unusable(_signs("HS256", key), _NOT_PEM)
        for name, key in _FORMS.items()
    },
    **{f"{name} that verifies": Unusable(_verifies(key), _NOT_PEM) for name, key in _FORMS.items()},
}


def parts_of_keys(values: dict[str, Any]) -> set[str]:
    """Return short parts of the keys in a TOT_JWT, which no message may show."""
    keys = [values.get("SIGNING_KEY") or "", *values.get("VERIFYING_KEYS", ())]
    texts = [key.decode("latin-1") if isinstance(key, bytes) else key for key in keys]
    return {part for text in texts for part in re.findall("[A-Za-z0-9+/_-]{12}", text)} - {"-" * 12}
