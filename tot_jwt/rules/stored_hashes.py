"""Check the stored hashes of an import: a key whose hash cannot be read would never work.

Checking every hash by comparing it would take some 0.2 seconds each. So each algorithm, and each
set of its parameters, is tried once; the other hashes only need the right form.

The hasher compares with the parameters of the hash. Too great ones would occupy a process for
seconds at each attempt of a client, so the work is limited:

========== =====================================================================
PBKDF2     3,000,000 iterations
scrypt     4,194,304 = work factor * block size * parallelism
Argon2     2,097,152 KiB = memory cost * time cost, and a parallelism of 99
bcrypt     a work factor of 15
========== =====================================================================

A hasher of PASSWORD_HASHERS that is set to more work raises the limit for its algorithm.
"""

import re
from math import prod
from typing import Any, NamedTuple

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


class _Form(NamedTuple):
    """How an algorithm writes a hash: it compares the whole text, so `01` never equals `1`."""

    #: Its groups are the numbers whose product is the work.
    pattern: re.Pattern[str]
    most_work: int


def _form(pattern: str, most_work: int) -> _Form:
    return _Form(re.compile(pattern.replace("NUMBER", "[1-9][0-9]*"), re.ASCII), most_work)


_FORMS = (
    _form(r"pbkdf2_\w+\$(NUMBER)\$[^$]+\$[^$]+", 3_000_000),
    _form(r"scrypt\$(NUMBER)\$[^$]+\$(NUMBER)\$(NUMBER)\$[^$]+", 2**22),
    _form(
        r"argon2\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=(NUMBER),t=(NUMBER),p=[1-9][0-9]?"
        r"\$[^$]+\$[^$]+",
        2**21,
    ),
    # A salt of 16 bytes leaves two bits for its last character.
    _form(
        r"bcrypt(?:_\w+)?\$\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])"
        r"\$[A-Za-z0-9./]{21}[.Oeu][A-Za-z0-9./]{31}",
        15,
    ),
)

_NOT_A_HASH = _(
    "This is not a hash that names its algorithm, such as sha256$ and 64 hexadecimal digits. "
    "A secret belongs in the column secret."
)
_TOO_LONG = _("Use at most %(limit)d characters.")
_UNUSABLE = _("This hash is marked as unusable. Create a new key for the client.")
_DAMAGED = _("This hash is cut off, masked or damaged. Enter the whole hash.")
_TOO_MUCH_WORK = _(
    "Comparing a secret with this hash would take too long. Create a new key for the client."
)
_UNKNOWN = _("PASSWORD_HASHERS has no hasher for this hash. Add it to that setting.")
_FAILING = _(
    "The hasher of this algorithm fails. Install its library. A hasher of your own must "
    "implement decode()."
)


class _Sample:
    """What the hashes of a hasher look like, by one that it made."""

    def __init__(self, hasher: BasePasswordHasher) -> None:
        text = hasher.encode("", hasher.salt())
        name = str(hasher.algorithm)
        self._lengths = {_digest_length(hasher.decode(text)), _OLDER_LENGTHS.get(name)}
        # A hasher of the host may write another form under the same name: then no form applies.
        self._form = next((form for form in _FORMS if form.pattern.fullmatch(text)), None)
        self._own_work = self._work(text)

    @sensitive_variables()
    def check(self, text: str, decoded: dict[str, Any]) -> None:
        """Raise InvalidValue if the hasher does not write such a hash, or only with more work."""
        is_whole = _digest_length(decoded) in self._lengths
        if not (is_whole and _CHARACTERS.fullmatch(text)):
            raise InvalidValue(_DAMAGED)
        work = self._work(text)
        if self._form and work > max(self._form.most_work, self._own_work):
            raise InvalidValue(_TOO_MUCH_WORK)

    @sensitive_variables()
    def _work(self, text: str) -> int:
        if self._form is None:
            return 0
        found = self._form.pattern.fullmatch(text)
        if found is None:
            raise InvalidValue(_DAMAGED)
        return prod(map(int, found.groups()))


class StoredHashes:
    """The hashes of one import. It remembers which algorithms and parameters work."""

    def __init__(self) -> None:
        self._samples: dict[str, _Sample | None] = {}
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
        sample = self._sample(hasher)
        if sample is None:
            raise InvalidValue(_FAILING)
        try:
            decoded = hasher.decode(text)
        except Exception as error:
            raise InvalidValue(_DAMAGED) from error
        sample.check(text, decoded)
        if not self._is_computable(text, decoded, hasher):
            raise InvalidValue(_DAMAGED)

    def _sample(self, hasher: BasePasswordHasher) -> _Sample | None:
        """Return what the hasher's hashes look like, or None if the hasher does not work."""
        name = str(hasher.algorithm)
        if name not in self._samples:
            try:
                self._samples[name] = _Sample(hasher)
            except Exception:
                self._samples[name] = None
        return self._samples[name]

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
