"""Turn a row of an import into a key. A reason names the column and repeats nothing of the row."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys import csv_cells
from tot_jwt.models import ApiKey
from tot_jwt.rules import domains, lengths, lookalikes
from tot_jwt.rules.credentials import SecretKey
from tot_jwt.rules.hashes import (
    STRONG_SECRET,
    hash_for_storage,
    hash_secret,
    imported_tag,
    is_strong,
)
from tot_jwt.rules.stored_hashes import StoredHashes

_MISSING = _("This field is missing.")
_ONE_OF_TWO = _("Enter the secret or its hash, and leave the other field empty.")


class BadRow(NamedTuple):
    """The line on which a row begins, and what is wrong with the row."""

    line: int
    reason: str


class Candidate(NamedTuple):
    """A row that can become a key. It holds only the hash of the secret."""

    line: int
    domain: str
    key: ApiKey


class RowError(Exception):
    """What is wrong with a row."""


class RowReader:
    """The rows of one file. It remembers their secrets, because each key needs its own."""

    def __init__(self, *, allow_weak: bool) -> None:
        self._allow_weak = allow_weak
        self._stored_hashes = StoredHashes()
        self._secrets = _Secrets()

    @sensitive_variables()
    def read(self, line: int, row: Mapping[str, str]) -> Candidate:
        """Return the key of a row. Raises RowError."""
        public_key = _cell("public", _public_key, row["public"])
        domain = _cell("domain", domains.from_person, row["domain"])
        others = [domain, *[row[name] for name in row if name not in ("secret", "secret_hash")]]
        key = ApiKey(public_key=public_key, name=row.get("name", "").strip() or public_key)
        _cell("name", _checked, key.name, "name")
        for column, parse in csv_cells.PARSERS.items():
            values = _cell(column, parse, row.get(column, "").strip())
            for field, value in values.items():
                setattr(key, field, value)
        self._add_secret(key, row, others)
        return Candidate(line, domain, key)

    @sensitive_variables()
    def _add_secret(self, key: ApiKey, row: Mapping[str, str], others: list[str]) -> None:
        secret, stored = row.get("secret", ""), row.get("secret_hash", "").strip()
        if "secret" in row and "secret_hash" in row and bool(secret.strip()) == bool(stored):
            raise RowError(f"secret: {_ONE_OF_TWO}")
        if stored or "secret" not in row:
            key.secret_hash = _cell("secret_hash", self._hash, stored, others)
            return
        _cell("secret", self._check, secret, others)
        # Four characters would be a large part of a short secret.
        key.secret_hint = SecretKey(secret).hint if is_strong(secret) else ""
        key.secret_hash = hash_for_storage(secret)  # slow for a weak secret, so it comes last

    @sensitive_variables()
    def _check(self, secret: str, others: list[str]) -> None:
        _check_secret(secret, others, allow_weak=self._allow_weak)
        self._secrets.add(hash_secret(secret))

    @sensitive_variables()
    def _hash(self, text: str, others: list[str]) -> str:
        if not text:
            raise InvalidValue(_MISSING)
        stored_hash = self._stored_hashes.read(text)
        if imported_tag(stored_hash) and lookalikes.is_digest_of(
            stored_hash.rpartition("$")[2], others
        ):
            raise InvalidValue(_("This is the hash of an empty text or of another column."))
        self._secrets.add(stored_hash)
        return stored_hash


class _Secrets:
    """The secrets of the rows so far, as short hashes with a key of their own."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._key = secrets.token_bytes(16)

    @sensitive_variables()
    def add(self, stored_hash: str) -> None:
        # The tag of an imported SHA-256 differs from that of a secret in clear text.
        text = stored_hash.replace("$$", "$", 1).encode()
        digest = hashlib.blake2b(text, digest_size=12, key=self._key).digest()
        if digest in self._digests:
            message = _("An earlier row has the same secret. Each key needs its own.")
            raise InvalidValue(message)
        self._digests.add(digest)


@sensitive_variables()
def _cell(column: str, parse: Callable[..., Any], *arguments: Any) -> Any:
    """Return the value of a cell. Raises RowError with the name of its column."""
    try:
        return parse(*arguments)
    except InvalidValue as error:
        raise RowError(f"{column}: {error.message}") from None


@sensitive_variables()
def _public_key(text: str) -> str:
    if not text:
        raise InvalidValue(_MISSING)
    if lookalikes.is_secret_key(text):
        raise InvalidValue(_("This looks like a secret key. Check the order of the columns."))
    if lookalikes.is_hash(text):
        message = _("This contains a stored hash. Enter only the public part of the key.")
        raise InvalidValue(message)
    return _checked(text, "public_key")


@sensitive_variables()
def _checked(text: str, field: str) -> str:
    """Return the text if the model's field accepts it."""
    try:
        ApiKey._meta.get_field(field).run_validators(text)  # type: ignore[union-attr]
    except ValidationError as error:
        raise InvalidValue(" ".join(error.messages)) from None
    return text


@sensitive_variables()
def _check_secret(text: str, others: Iterable[str], *, allow_weak: bool) -> None:
    if not text.strip():
        raise InvalidValue(_MISSING)
    if text != text.strip():
        raise InvalidValue(_("Remove the white space at the beginning or end."))
    if len(text) > lengths.SECRET_KEY:
        raise InvalidValue(_("Use at most %(limit)d characters.") % {"limit": lengths.SECRET_KEY})
    if mistake := lookalikes.mistake(text, others):
        raise InvalidValue(str(mistake))
    if not is_strong(text) and not allow_weak:
        raise InvalidValue(_("Use at least %(limit)d characters.") % {"limit": STRONG_SECRET})
