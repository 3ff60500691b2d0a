"""Read the CSV file of an import: UTF-8, with a header line that names the columns in any order.

=============== ==================================================================
``domain``      as a person writes it
``public``      the public key: printable ASCII, at most 128 characters
``secret``      the secret key in clear text: 20 to 512 characters, never a hash of it
``name``        optional; the public key if it is empty
``environment`` optional: ``live``, also if it is empty, or ``test``
``scopes``      optional, separated by spaces
=============== ==================================================================

An error names the line and repeats nothing of it: if columns are swapped, any of them may hold
the secret.
"""

import csv
import hashlib
import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from io import TextIOWrapper
from typing import BinaryIO, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import ApiKey, Environment
from tot_jwt.rules import domains, lengths, lookalikes
from tot_jwt.rules import scopes as scope_rules
from tot_jwt.rules.credentials import SecretKey
from tot_jwt.rules.hashes import STRONG_SECRET, hash_for_storage, is_strong

REQUIRED_COLUMNS = ("domain", "public", "secret")
COLUMNS = (*REQUIRED_COLUMNS, "name", "environment", "scopes")

#: In characters. A key needs at most about 3,000. It is also `csv`'s limit for one field.
MAX_LINE = 131_072

_Row = tuple[int, list[str]]


class BadRow(NamedTuple):
    """The line on which a row begins, and what is wrong with the row."""

    line: int
    reason: str


class Candidate(NamedTuple):
    """A row that can become a key. It holds only the hash of the secret."""

    line: int
    domain: str
    key: ApiKey


class _RowError(Exception):
    """What is wrong with a row."""


class _Secrets:
    """The secrets of the rows so far, as short hashes with a key of their own."""

    def __init__(self) -> None:
        self._hashes: set[bytes] = set()
        self._key = secrets.token_bytes(16)

    @sensitive_variables()
    def add(self, secret: str) -> None:
        digest = hashlib.blake2b(secret.encode(), digest_size=12, key=self._key).digest()
        if digest in self._hashes:
            message = _("secret: An earlier row has the same secret. Each key needs its own.")
            raise _RowError(message)
        self._hashes.add(digest)


def read(file: BinaryIO, *, allow_weak: bool = False) -> Generator[Candidate | BadRow]:
    """Yield the rows of the file. `allow_weak` accepts secrets shorter than STRONG_SECRET.

    A good row takes some 100 bytes of memory: a secret must not occur twice.
    Raises InvalidValue if the header is wrong, or if the end of a row cannot be found.
    """
    with closing(_rows(file)) as rows:
        columns = _columns(rows)
        known = _Secrets()
        for line, cells in rows:
            try:
                yield _candidate(line, _by_column(columns, cells), allow_weak, known)
            except _RowError as error:
                yield BadRow(line, str(error))


def _rows(file: BinaryIO) -> Generator[_Row]:
    """Yield the rows that are not blank. Bytes that are not UTF-8 become surrogates."""
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        reader = csv.reader(_lines(text), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                message = _("Line %(line)d: %(error)s.")
                raise InvalidValue(message % {"line": line, "error": error}) from error
            if cells is None:
                return
            if cells:
                yield line, cells
    finally:
        text.detach()


def _lines(text: TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise InvalidValue(_("Line %(line)d: the line is too long.") % {"line": number})
        yield line


def _columns(rows: Iterator[_Row]) -> list[str]:
    """Return the names in the header."""
    line, cells = next(rows, (0, []))
    if not cells:
        raise InvalidValue(_("The file is empty."))
    columns = [cell.strip().lower() for cell in cells]
    is_known = set(REQUIRED_COLUMNS) <= set(columns) <= set(COLUMNS)
    if not is_known or len(set(columns)) < len(columns):
        message = _(
            "Line %(line)d: the header must name the columns domain, public and secret. It may "
            "also name name, environment and scopes. Name each column once, separated by commas, "
            "in UTF-8."
        )
        raise InvalidValue(message % {"line": line})
    return columns


@sensitive_variables()
def _by_column(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        message = _("The row has %(found)d fields, but the header has %(wanted)d.")
        raise _RowError(message % {"found": len(cells), "wanted": len(columns)})
    _check_characters("".join(cells))
    return dict(zip(columns, cells, strict=True))


@sensitive_variables()
def _candidate(line: int, row: dict[str, str], allow_weak: bool, known: _Secrets) -> Candidate:
    public_key, domain = _public_key(row["public"]), _domain(row["domain"])
    others = [domain, *[row[name] for name in row if name != "secret"]]
    secret = _secret(row["secret"], others, allow_weak)
    key = ApiKey(
        public_key=public_key,
        name=_checked("name", row.get("name", "").strip() or public_key),
        environment=_environment(row.get("environment", "").strip()),
        scopes=_scopes(row.get("scopes", "").split()),
        # Four characters would be a large part of a short secret.
        secret_hint=SecretKey(secret).hint if is_strong(secret) else "",
    )
    known.add(secret)
    key.secret_hash = hash_for_storage(secret)  # slow for a weak secret, so it comes last
    return Candidate(line, domain, key)


@sensitive_variables()
def _check_characters(text: str) -> None:
    if "\0" in text:
        raise _RowError(_("The row contains a NUL character."))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _RowError(_("The row contains bytes that are not UTF-8.")) from None


@sensitive_variables()
def _domain(text: str) -> str:
    try:
        return domains.from_person(text)
    except InvalidValue as error:
        raise _RowError(f"domain: {error.message}") from None


@sensitive_variables()
def _public_key(text: str) -> str:
    if not text:
        raise _RowError(_("public: This field is missing."))
    if lookalikes.is_secret_key(text):
        message = _("public: This looks like a secret key. Check the order of the columns.")
        raise _RowError(message)
    if lookalikes.is_hash(text):
        message = _("public: This contains a stored hash. Enter only the public part of the key.")
        raise _RowError(message)
    return _checked("public", text)


@sensitive_variables()
def _secret(text: str, other_columns: list[str], allow_weak: bool) -> str:
    if not text.strip():
        raise _RowError(_("secret: This field is missing."))
    if text != text.strip():
        raise _RowError(_("secret: Remove the white space at the beginning or end."))
    if len(text) > lengths.SECRET_KEY:
        message = _("secret: Use at most %(limit)d characters.")
        raise _RowError(message % {"limit": lengths.SECRET_KEY})
    if mistake := lookalikes.mistake(text, other_columns):
        raise _RowError(f"secret: {mistake}")
    if not is_strong(text) and not allow_weak:
        message = _("secret: Use at least %(limit)d characters.")
        raise _RowError(message % {"limit": STRONG_SECRET})
    return text


@sensitive_variables()
def _checked(column: str, text: str) -> str:
    """Return the text if the model's field accepts it."""
    try:
        _FIELDS[column].run_validators(text)
    except ValidationError as error:
        raise _RowError(f"{column}: {' '.join(error.messages)}") from None
    return text


_FIELDS = {"public": ApiKey._meta.get_field("public_key"), "name": ApiKey._meta.get_field("name")}


@sensitive_variables()
def _environment(text: str) -> str:
    if text and text not in Environment.values:
        raise _RowError(_("environment: Use live or test."))
    return text or Environment.LIVE


@sensitive_variables()
def _scopes(names: list[str]) -> str:
    for number, name in enumerate(names, 1):
        try:
            scope_rules.validate([name])
        except InvalidValue:
            message = _("scopes: entry %(number)d is not an allowed scope.")
            raise _RowError(message % {"number": number}) from None
    try:
        return scope_rules.join(scope_rules.validate(names))
    except InvalidValue as error:
        raise _RowError(f"scopes: {error.message}") from None
