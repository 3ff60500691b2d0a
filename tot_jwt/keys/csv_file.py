"""Read the CSV file of an import: UTF-8, with a header line that names the columns in any order.

==================== =========================================================================
``domain``           as a person writes it
``public``           the public key: printable ASCII, at most 128 characters
``secret``           the secret key in clear text: 20 to 512 characters, never a hash of it
``secret_hash``      instead of ``secret``: its hash, as `tot_jwt.rules.hashes` reads it
``name``             optional; the public key if it is empty
``environment``      optional: ``live``, also if it is empty, or ``test``
``scopes``           optional, separated by spaces
``expires_at``       optional: a date and time with its zone, in ISO 8601
``allowed_ips``      optional: addresses and networks (CIDR), separated by spaces
``can_issue_tokens`` optional: ``true``, also if it is empty, or ``false``
``status``           optional: ``active``, also if it is empty, ``disabled`` or ``revoked``
``rate_limit``       optional, for example ``600/min``
==================== =========================================================================

An error names the line and repeats nothing of it: if columns are swapped, any of them may hold
the secret.
"""

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from io import TextIOWrapper
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidValue
from tot_jwt.keys.csv_row import BadRow, Candidate, RowError, RowReader

REQUIRED_COLUMNS = ("domain", "public")
#: The header names one of them or both. Each row has a value in exactly one.
SECRET_COLUMNS = ("secret", "secret_hash")
OPTIONAL_COLUMNS = (
    "name",
    "environment",
    "scopes",
    "expires_at",
    "allowed_ips",
    "can_issue_tokens",
    "status",
    "rate_limit",
)
COLUMNS = (*REQUIRED_COLUMNS, *SECRET_COLUMNS, *OPTIONAL_COLUMNS)

#: In characters. A key needs at most about 3,000. It is also `csv`'s limit for one field.
MAX_LINE = 131_072

_Row = tuple[int, list[str]]


def read(file: BinaryIO, *, allow_weak: bool = False) -> Generator[Candidate | BadRow]:
    """Yield the rows of the file. `allow_weak` accepts secrets shorter than STRONG_SECRET.

    A good row takes some 100 bytes of memory: a secret must not occur twice.
    Raises InvalidValue if the header is wrong, or if the end of a row cannot be found.
    """
    with closing(_rows(file)) as rows:
        columns = _columns(rows)
        reader = RowReader(allow_weak=allow_weak)
        for line, cells in rows:
            try:
                yield reader.read(line, _by_column(columns, cells))
            except RowError as error:
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
    has_secrets = not set(SECRET_COLUMNS).isdisjoint(columns)
    if not (is_known and has_secrets) or len(set(columns)) < len(columns):
        message = _(
            "Line %(line)d: the header must name the columns domain, public, and secret or "
            "secret_hash. It may also name: %(optional)s. Name each column once, separated by "
            "commas, in UTF-8."
        )
        optional = ", ".join(OPTIONAL_COLUMNS)
        raise InvalidValue(message % {"line": line, "optional": optional})
    return columns


@sensitive_variables()
def _by_column(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        message = _("The row has %(found)d fields, but the header has %(wanted)d.")
        raise RowError(message % {"found": len(cells), "wanted": len(columns)})
    _check_characters("".join(cells))
    return dict(zip(columns, cells, strict=True))


@sensitive_variables()
def _check_characters(text: str) -> None:
    if "\0" in text:
        raise RowError(_("The row contains a NUL character."))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowError(_("The row contains bytes that are not UTF-8.")) from None
