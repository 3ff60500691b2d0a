"""Generate API keys, and hold them in memory so that nothing shows them.

A key reads ``pk_live_tot_<22 base62>``, its secret ``sk_live_tot_<43 base62><6 base62: CRC-32>``.
Secret scanners can find and verify such a string offline. Authentication never relies on the
format.
"""

import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Self

from django.views.decorators.debug import sensitive_variables

from tot_jwt.rules import hashes
from tot_jwt.utils.copying import CopiesToItself

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC_KEY_LENGTH = 22  # 131 bits: unique without a query
SECRET_LENGTH = 43  # 256 bits
CHECKSUM_LENGTH = 6  # 32 bits
HINT_LENGTH = 4

_SECRET_PREFIX = "sk_"  # noqa: S105 - not a secret


class Redacted(CopiesToItself):
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
    """A secret that a client sent. It is compared with each stored hash once."""

    __slots__ = ("_answers", "_secret", "fast_hash", "is_strong", "retry_after")

    @sensitive_variables()
    def __init__(self, secret: str) -> None:
        self._secret = Redacted(secret)
        self._answers: dict[str, bool] = {}
        #: ``sha256$…`` of the secret.
        self.fast_hash = hashes.hash_secret(secret)
        #: Whether it is long enough for a fast hash.
        self.is_strong = hashes.is_strong(secret)
        #: Stored hash → seconds. These hashes had too many guesses to be compared now.
        self.retry_after: dict[str, int] = {}

    def matches(self, stored_hash: str) -> bool:
        """Return whether the stored hash is this secret's, in constant time. Never raises."""
        answer = self._answers.get(stored_hash)
        if answer is None:
            if hashes.is_own(stored_hash):
                answer = hashes.are_equal(self.fast_hash, stored_hash)
            else:
                answer = hashes.matches(self._secret.reveal(), stored_hash)
            self._answers[stored_hash] = answer
        return answer

    def was_compared(self, stored_hash: str) -> bool:
        """Return whether `matches` knows the answer already."""
        return stored_hash in self._answers

    def accept(self, stored_hash: str) -> None:
        """Note that the stored hash is this secret's, which the caller knows without comparing."""
        self._answers[stored_hash] = True

    def is_stored_well(self, stored_hash: str) -> bool:
        """Return whether a hash of this secret has the algorithm that the secret needs."""
        return hashes.is_own(stored_hash) if self.is_strong else hashes.is_slow(stored_hash)

    def hash_for_storage(self) -> str:
        """Return a new hash with the algorithm that the secret needs."""
        return hashes.hash_for_storage(self._secret.reveal())

    def __repr__(self) -> str:
        return "<PresentedSecret: redacted>"

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (repr(self),)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The values that a client sends, unchanged. OAuth clients send no domain, so it is None."""

    app_domain: str | None
    public_key: str
    secret: PresentedSecret


def generate_public_key(environment: str) -> str:
    """Return a new public key, ``pk_live_tot_…`` or ``pk_test_tot_…``."""
    return f"pk_{environment}_tot_{_random(PUBLIC_KEY_LENGTH)}"


@sensitive_variables()
def generate_secret(environment: str) -> SecretKey:
    """Return a new secret key of 256 random bits, ``sk_live_tot_…`` or ``sk_test_tot_…``."""
    unchecked = f"{_SECRET_PREFIX}{environment}_tot_{_random(SECRET_LENGTH)}"
    return SecretKey(unchecked + checksum(unchecked))


def is_possible_key(text: str) -> bool:
    """Return whether a public key can be this text: printable ASCII. No other text is stored."""
    return text.isascii() and text.isprintable()


def looks_like_secret(text: str) -> bool:
    """Return whether the text has the prefix of a secret key."""
    return text.startswith(_SECRET_PREFIX)


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
