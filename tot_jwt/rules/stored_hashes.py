"""Check the stored hashes of an import: a key whose hash cannot be read would never work.

Checking every hash by comparing it would take some 0.2 seconds each. So each algorithm, and each
set of its parameters, is tried once; the other hashes only need the right form.
"""

import re
from typing import Any

from django.contrib.auth.hashers import (
    UNUSABLE_PASSWORD_PREFIX,
    BasePasswordHasher,
    identify_hasher,
)
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules import lengths, lookalikes

_FAST = re.compile(r"(sha256\$\$?|sha512\$\$)(.*)", re.DOTALL)
_HEX_DIGITS = {"sha256": 64, "sha512": 128}
#: Neither white space nor the asterisks of a masked hash.
_CHARACTERS = re.compile(r"[\w$./+=,:@-]+", re.ASCII)
#: argon2-cffi made tags of 16 bytes before its version 21.2.
_OLDER_LENGTHS = {"argon2": 22}
#: What differs between two hashes of an algorithm with the same parameters.
_VARIABLE = {"salt", "hash", "checksum"}

_NOT_A_HASH = _(
    "This is not a hash that names its algorithm, such as sha256$ and 64 hexadecimal digits. "
    "A secret belongs in the column secret."
)
_TOO_LONG = _("Use at most %(limit)d characters.")
_UNUSABLE = _("This hash is marked as unusable. Create a new key for the client.")
_DAMAGED = _("This hash is cut off, masked or damaged. Enter the whole hash.")
_UNKNOWN = _("PASSWORD_HASHERS has no hasher for this hash. Add it to that setting.")
_FAILING = _(
    "The hasher of this algorithm fails. Install its library. A hasher of your own must "
    "implement decode()."
)


class StoredHashes:
    """The hashes of one import. It remembers which algorithms and parameters work."""

    def __init__(self) -> None:
        self._lengths: dict[str, int | None] = {}
        self._works: dict[tuple[Any, ...], bool] = {}

    @sensitive_variables()
    def read(self, text: str) -> str:
        """Return the hash as it is stored. Raises InvalidValue if no secret can match it."""
        if len(text) > lengths.HASH:
            raise InvalidValue(_TOO_LONG % {"limit": lengths.HASH})
        if text.startswith(UNUSABLE_PASSWORD_PREFIX):
            raise InvalidValue(_UNUSABLE)
        fast = _FAST.fullmatch(text)
        if fast:
            return _imported(fast[1], fast[2])
        self._check_slow(text, _hasher(text))
        return text

    @sensitive_variables()
    def _check_slow(self, text: str, hasher: BasePasswordHasher) -> None:
        length = self._length(hasher)
        if length is None:
            raise InvalidValue(_FAILING)
        try:
            decoded = hasher.decode(text)
        except Exception as error:
            raise InvalidValue(_DAMAGED) from error
        is_whole = _digest_length(decoded) in {length, _OLDER_LENGTHS.get(str(hasher.algorithm))}
        is_clean = _CHARACTERS.fullmatch(text) is not None
        if not (is_whole and is_clean and self._is_computable(text, decoded, hasher)):
            raise InvalidValue(_DAMAGED)

    def _length(self, hasher: BasePasswordHasher) -> int | None:
        """Return how long the algorithm's digests are, or None if the hasher does not work."""
        name = str(hasher.algorithm)
        if name not in self._lengths:
            try:
                sample = hasher.decode(hasher.encode("", hasher.salt()))
                self._lengths[name] = _digest_length(sample)
            except Exception:
                self._lengths[name] = None
        return self._lengths[name]

    @sensitive_variables()
    def _is_computable(
        self, text: str, decoded: dict[str, Any], hasher: BasePasswordHasher
    ) -> bool:
        """Return whether the hasher can compare a secret with a hash of these parameters."""
        parameters = tuple(str(decoded[name]) for name in sorted(decoded.keys() - _VARIABLE))
        if parameters not in self._works:
            try:
                hasher.verify("", text)
                self._works[parameters] = True
            except Exception:
                self._works[parameters] = False
        return self._works[parameters]


@sensitive_variables()
def _imported(tag: str, digits: str) -> str:
    """Return a fast hash under the tag that says that its secret may be weak."""
    algorithm = tag.rstrip("$")
    if not re.fullmatch(rf"[0-9a-fA-F]{{{_HEX_DIGITS[algorithm]}}}", digits):
        raise InvalidValue(_DAMAGED)
    return f"{algorithm}$${digits.lower()}"


@sensitive_variables()
def _hasher(text: str) -> BasePasswordHasher:
    try:
        return identify_hasher(text)
    except ValueError as error:
        names_algorithm = lookalikes.is_hash(text) or re.match(r"\w[\w-]*\$", text)
        raise InvalidValue(_UNKNOWN if names_algorithm else _NOT_A_HASH) from error


def _digest_length(decoded: dict[str, Any]) -> int:
    # Django's hashers call it `hash`, but those of bcrypt call it `checksum`.
    return len(str(decoded.get("hash", decoded.get("checksum", ""))))
