"""Generate, hash and compare API keys.

A secret has 256 random bits, so one round of SHA-256 protects it: an attacker cannot try 2^256
values, however fast each attempt is. Slow password hashes protect secrets that people choose. They
would cost every request with direct keys a fifth of a second. A hash names its algorithm, so that
others can be added, and does not use SECRET_KEY: a new SECRET_KEY must not end any API key.

A key reads ``pk_live_tot_<22 base62>``, its secret ``sk_live_tot_<43 base62><6 base62: CRC-32>``.
Secret scanners can find and verify such a string offline. Authentication never relies on the
format.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Self

from django.views.decorators.debug import sensitive_variables

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC_KEY_LENGTH = 22  # 131 bits: unique without a query
SECRET_LENGTH = 43  # 256 bits
CHECKSUM_LENGTH = 6  # 32 bits
HINT_LENGTH = 4

_ALGORITHM = "sha256"
_SECRET_PREFIX = "sk_"  # noqa: S105 - not a secret


class Redacted:
    """Text that holds a secret: printing, formatting, logging or pickling it does not show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text. Call this only where it is shown or sent."""
        return self._value

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: redacted>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (repr(self),)


class SecretKey(Redacted):
    """A secret key in memory."""

    __slots__ = ()

    @property
    def hint(self) -> str:
        """The last characters, by which a person tells one secret from another."""
        return self._value[-HINT_LENGTH:]


class PresentedSecret:
    """A secret that a client sent: hashed once, compared once with each stored hash."""

    __slots__ = ("_answers", "_hash")

    def __init__(self, secret: str) -> None:
        self._hash = hash_secret(secret).encode()
        self._answers: dict[str, bool] = {}

    def matches(self, stored_hash: str) -> bool:
        """Return whether the stored hash is this secret's, in constant time."""
        answer = self._answers.get(stored_hash)
        if answer is None:
            answer = hmac.compare_digest(self._hash, stored_hash.encode())
            self._answers[stored_hash] = answer
        return answer

    def __repr__(self) -> str:
        return "<PresentedSecret: redacted>"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The three values that a client sends; `app_domain` and `public_key` unchanged."""

    app_domain: str
    public_key: str
    secret: PresentedSecret


def hash_secret(secret: str) -> str:
    """Return ``sha256$<64 hex digits>`` of the secret's UTF-8."""
    return f"{_ALGORITHM}${hashlib.sha256(secret.encode()).hexdigest()}"


#: Compared with the secret if the key does not exist, so that both cases cost the same.
NO_SECRET = hash_secret(secrets.token_urlsafe(32))


def generate_public_key(environment: str) -> str:
    """Return a new public key, ``pk_live_tot_…`` or ``pk_test_tot_…``."""
    return f"pk_{environment}_tot_{_random(PUBLIC_KEY_LENGTH)}"


@sensitive_variables()
def generate_secret(environment: str) -> SecretKey:
    """Return a new secret key of 256 random bits, ``sk_live_tot_…`` or ``sk_test_tot_…``."""
    unchecked = f"{_SECRET_PREFIX}{environment}_tot_{_random(SECRET_LENGTH)}"
    return SecretKey(unchecked + checksum(unchecked))


def looks_like_secret(text: str) -> bool:
    """Return whether the text has the prefix of a secret key."""
    return text.startswith(_SECRET_PREFIX)


def loggable_key(public_key: str) -> str:
    """Return a public key that a client sent, or a placeholder: some send their secret there."""
    return "(a secret key)" if looks_like_secret(public_key) else public_key


def has_valid_checksum(secret: str) -> bool:
    """Return whether the checksum of a secret is correct. For secret scanners."""
    return checksum(secret[:-CHECKSUM_LENGTH]) == secret[-CHECKSUM_LENGTH:]


def checksum(text: str) -> str:
    """Return the CRC-32 of the text in six base62 digits, most significant first."""
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
