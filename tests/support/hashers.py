"""Password hashers, as a host names them in PASSWORD_HASHERS."""

from typing import Any, ClassVar, NoReturn

from django.contrib.auth.hashers import (
    MD5PasswordHasher,
    PBKDF2PasswordHasher,
    ScryptPasswordHasher,
)

COUNTING = "tests.support.hashers.CountingHasher"
DJANGO_HASHERS = [
    "tests.support.hashers.QuickPBKDF2Hasher",
    "tests.support.hashers.QuickScryptHasher",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]


class QuickPBKDF2Hasher(PBKDF2PasswordHasher):
    """Django's default, with as little work as possible."""

    iterations = 1


class QuickScryptHasher(ScryptPasswordHasher):
    """Django's scrypt, with as little work as possible."""

    work_factor = 2


class CountingHasher(MD5PasswordHasher):
    """A hasher that counts how often it compares."""

    algorithm = "counting"
    compared: ClassVar[list[bool]] = []

    def verify(self, password: str, encoded: str) -> bool:
        """Record the result and return it."""
        result = super().verify(password, encoded)
        self.compared.append(result)
        return result


class UninstalledHasher(MD5PasswordHasher):
    """A hasher whose library is not installed."""

    algorithm = "argon2"

    def verify(self, *_: Any) -> NoReturn:
        """Raise what Django raises then."""
        raise ValueError("Couldn't load the library")
