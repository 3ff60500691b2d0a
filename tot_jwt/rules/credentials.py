"""Generate, hash and compare API keys.

A secret is 256 random bits, so one round of SHA-256 protects it: nobody guesses 2^256 values however fast each
guess is. The slow password hashes are for secrets that people think up, and would cost every request that sends
its keys directly a fifth of a second. Hashes carry the name of their algorithm, so that another can be added, and
do not involve SECRET_KEY: a new SECRET_KEY must not end anybody's API keys.

A key reads ``pk_live_tot_<22 base62>``, its secret ``sk_live_tot_<43 base62><6 base62: CRC-32>``. Secret scanners
can find and check such a string offline; nothing in this package depends on the form.
"""

import hashlib
import hmac
import secrets
import string
import zlib
from dataclasses import dataclass

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC_KEY_LENGTH = 22  # 131 bits: unique without asking
SECRET_LENGTH = 43  # 256 bits
CHECKSUM_LENGTH = 6  # 32 bits
HINT_LENGTH = 4

_ALGORITHM = "sha256"


class SecretKey:
    """A secret key in memory: whatever prints, formats, logs or pickles it by accident does not get it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Call this only where it is shown or sent."""
        return self._value

    @property
    def hint(self) -> str:
        """The last characters, by which a person tells one secret from another."""
        return self._value[-HINT_LENGTH:]

    def __repr__(self) -> str:
        return "<SecretKey: redacted>"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[type["SecretKey"], tuple[str]]:
        return SecretKey, (repr(self),)


class PresentedSecret:
    """A secret that a client sent: hashed once, then compared in constant time, once with each stored hash."""

    __slots__ = ("_answers", "_hash")

    def __init__(self, secret: str) -> None:
        self._hash = hash_secret(secret).encode()
        self._answers: dict[str, bool] = {}

    def matches(self, stored_hash: str) -> bool:
        """Whether the stored hash is this secret's."""
        answer = self._answers.get(stored_hash)
        if answer is None:
            answer = self._answers[stored_hash] = hmac.compare_digest(
                self._hash, stored_hash.encode()
            )
        return answer

    def __repr__(self) -> str:
        return "<PresentedSecret: redacted>"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The three that a client sends; `app_domain` and `public_key` as they came."""

    app_domain: str
    public_key: str
    secret: PresentedSecret


def hash_secret(secret: str) -> str:
    """``sha256$<64 hex digits>`` of the secret's UTF-8."""
    return f"{_ALGORITHM}${hashlib.sha256(secret.encode()).hexdigest()}"


#: The hash that a secret is compared with when there is no such key, so that both cost the same.
NO_SECRET = hash_secret(secrets.token_urlsafe(32))


def generate_public_key(environment: str) -> str:
    """A new public key, ``pk_live_tot_…`` or ``pk_test_tot_…``."""
    return f"pk_{environment}_tot_{_random(PUBLIC_KEY_LENGTH)}"


def generate_secret(environment: str) -> SecretKey:
    """A new secret key of 256 random bits, ``sk_live_tot_…`` or ``sk_test_tot_…``."""
    unchecked = f"sk_{environment}_tot_{_random(SECRET_LENGTH)}"
    return SecretKey(unchecked + checksum(unchecked))


def has_valid_checksum(secret: str) -> bool:
    """Whether a string that looks like one of our secrets is one and not a placeholder: for secret scanners."""
    return checksum(secret[:-CHECKSUM_LENGTH]) == secret[-CHECKSUM_LENGTH:]


def checksum(text: str) -> str:
    """The CRC-32 of the text in six base62 digits, most significant first."""
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    return digits


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
