"""Reads the CSV file of an operator's keys: UTF-8, with a header line that names the columns in any order.

=============== ===============================================================================
``domain``      as a person writes it
``public``      the public key: printable ASCII, at most 128 characters
``secret``      the secret key in clear: 20 to 512 characters
``name``        optional; the public key where it is empty
``environment`` optional: ``live``, also where it is empty, or ``test``
``scopes``      optional, separated by spaces
=============== ===============================================================================

What is wrong is told by the number of the line, in words that repeat nothing of it: where columns are swapped, any
of them may hold the secret.
"""

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from io import TextIOWrapper
from typing import BinaryIO, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidValue
from tot_jwt.models import ApiKey, Environment
from tot_jwt.rules import domains
from tot_jwt.rules import scopes as scope_rules
from tot_jwt.rules.credentials import SecretKey, hash_secret

REQUIRED = ("domain", "public", "secret")
COLUMNS = (*REQUIRED, "name", "environment", "scopes")

#: The longest secret that a client may send.
MAX_SECRET = 512
#: The shortest that is taken for one that nobody guesses: the hash is quick to compute.
STRONG_SECRET = 20
#: In characters, where a key needs some 3,000 at the most. A field may be no longer either: that is `csv`'s limit.
MAX_LINE = 131_072

_Row = tuple[int, list[str]]


class BadRow(NamedTuple):
    """The line on which a row begins, and what is wrong with it."""

    line: int
    reason: str


class Candidate(NamedTuple):
    """A row that could become a key, with nothing of its secret but the hash."""

    line: int
    domain: str
    key: ApiKey


class _Fault(Exception):
    """What is wrong with a row."""


def read(file: BinaryIO, *, allow_weak: bool = False) -> Generator[Candidate | BadRow]:
    """The rows of the file, read as they are asked for; weak are secrets of fewer than STRONG_SECRET characters.

    Raises InvalidValue for a file that is not of this form, and where a line is reached behind which nobody can tell
    where the next row begins.
    """
    with closing(_rows(file)) as rows:
        columns = _columns(rows)
        for line, cells in rows:
            try:
                yield _candidate(line, columns, cells, allow_weak)
            except _Fault as fault:
                yield BadRow(line, str(fault))


def _rows(file: BinaryIO) -> Generator[_Row]:
    """The rows that are not blank, with the line on which each begins; bytes that are not UTF-8 as surrogates."""
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        reader = csv.reader(_lines(text), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise InvalidValue(
                    _("Line %(line)d: %(error)s.") % {"line": line, "error": error}
                ) from error
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
            raise InvalidValue(_("Line %(line)d: longer than any key can be.") % {"line": number})
        yield line


def _columns(rows: Iterator[_Row]) -> list[str]:
    """What the first row says that the others hold."""
    line, cells = next(rows, (0, []))
    if not cells:
        raise InvalidValue(_("The file is empty."))
    columns = [cell.strip().lower() for cell in cells]
    if not set(REQUIRED) <= set(columns) <= set(COLUMNS) or len(set(columns)) < len(columns):
        message = _(
            "Line %(line)d: the header must name the columns domain, public and secret, and may name name, environment "
            "and scopes, each once, separated by commas, in UTF-8."
        )
        raise InvalidValue(message % {"line": line})
    return columns


@sensitive_variables()
def _candidate(
    line: int, columns: Sequence[str], cells: Sequence[str], allow_weak: bool
) -> Candidate:
    if len(cells) != len(columns):
        message = _("There are %(found)d fields, where the header has %(wanted)d.")
        raise _Fault(message % {"found": len(cells), "wanted": len(columns)})
    _check_characters("".join(cells))
    row = dict(zip(columns, cells, strict=True))
    public_key = _public_key(row["public"])
    secret = _secret(row["secret"], public_key, allow_weak)
    key = ApiKey(
        public_key=public_key,
        name=_checked("name", row.get("name", "").strip() or public_key),
        environment=_environment(row.get("environment", "").strip()),
        scopes=_scopes(row.get("scopes", "").split()),
        secret_hash=hash_secret(secret),
        # Of a short secret, four characters would be a good part.
        secret_hint=SecretKey(secret).hint if len(secret) >= STRONG_SECRET else "",
    )
    return Candidate(line, _domain(row["domain"]), key)


@sensitive_variables()
def _check_characters(text: str) -> None:
    if "\0" in text:
        raise _Fault(_("There is a NUL character."))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Fault(_("There are bytes that are not UTF-8.")) from None


@sensitive_variables()
def _domain(text: str) -> str:
    try:
        return domains.from_person(text)
    except InvalidValue as error:
        raise _Fault(f"domain: {error.message}") from None


@sensitive_variables()
def _public_key(text: str) -> str:
    if not text:
        raise _Fault(_("public: It is missing."))
    if text.startswith("sk_"):
        raise _Fault(_("public: It looks like a secret key."))
    return _checked("public", text)


@sensitive_variables()
def _secret(text: str, public_key: str, allow_weak: bool) -> str:
    if not text.strip():
        raise _Fault(_("secret: It is missing."))
    if text != text.strip():
        raise _Fault(_("secret: It begins or ends with white space."))
    if len(text) > MAX_SECRET:
        raise _Fault(_("secret: It is longer than %(limit)d characters.") % {"limit": MAX_SECRET})
    if len(text) < STRONG_SECRET and not allow_weak:
        raise _Fault(
            _("secret: It is shorter than %(limit)d characters.") % {"limit": STRONG_SECRET}
        )
    if text == public_key:
        raise _Fault(_("secret: It is the public key, which is no secret."))
    return text


@sensitive_variables()
def _checked(column: str, text: str) -> str:
    """The text, if the model's field takes it."""
    try:
        _FIELDS[column].run_validators(text)
    except ValidationError as error:
        raise _Fault(f"{column}: {' '.join(error.messages)}") from None
    return text


_FIELDS = {"public": ApiKey._meta.get_field("public_key"), "name": ApiKey._meta.get_field("name")}


@sensitive_variables()
def _environment(text: str) -> str:
    if text and text not in Environment.values:
        raise _Fault(_("environment: It is neither live nor test."))
    return text or Environment.LIVE


@sensitive_variables()
def _scopes(names: list[str]) -> str:
    for number, name in enumerate(names, 1):
        try:
            scope_rules.validate([name])
        except InvalidValue:
            message = _("scopes: Number %(number)d of them is none that an API key may be given.")
            raise _Fault(message % {"number": number}) from None
    try:
        return scope_rules.join(scope_rules.validate(names))
    except InvalidValue as error:
        raise _Fault(f"scopes: {error.message}") from None
