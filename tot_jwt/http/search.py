"""Search a body for API keys without parsing all of it.

An anonymous client may send megabytes. Parsing them twice would double what the request costs, so
the functions look for the names first. A name may be spelled with escapes.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings as host_settings
from django.views.decorators.debug import sensitive_variables

from tot_jwt.exceptions import InvalidRequest
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY
from tot_jwt.http.reading import Pairs

#: A body with one of these members has direct keys.
TRIGGERS = (API_KEY, SECRET_KEY)
NAMES = (APP_DOMAIN, *TRIGGERS)

_TRIGGERS_AS_BYTES = (API_KEY.encode(), SECRET_KEY.encode())
#: Bytes of the longest spelling of a name: ``\u0074`` for each letter, or ``%74`` in a form.
_LONGEST = 6 * len(SECRET_KEY)
_LONGEST_IN_FORM = 3 * len(SECRET_KEY)
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"{}[]'))


def _digits(letter: str) -> str:
    """Return a pattern of the letter's two hexadecimal digits, in either case."""
    return "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(letter):02x}")


def _spelling(name: str) -> str:
    """Return a pattern of the name with any of its letters escaped."""
    return "".join(rf"(?:{letter}|\\u00{_digits(letter)})" for letter in name)


def _escaped(name: str) -> Iterator[str]:
    r"""Yield patterns of the name in quotes after its first ``\u00``, which stands anywhere."""
    for index, letter in enumerate(name):
        digits = _digits(letter)
        yield rf'{digits}(?<="{name[:index]}\\u00{digits}){_spelling(name[index + 1 :])}"'


# It begins with the rare ``\u00``, not with a quotation mark: that is several times faster.
_ESCAPED_NAME = re.compile(rf"\\u00(?:{'|'.join(chain(*map(_escaped, NAMES)))})".encode())
_ANY_NAME = re.compile(f'"(?:{"|".join(f"({_spelling(name)})" for name in NAMES)})"'.encode())
_VALUE = re.compile(rb'[ \t\r\n]*+:[ \t\r\n]*+(?P<value>"(?:[^"\\]++|\\.)*+"|null\b)?', re.DOTALL)


@sensitive_variables()
def may_have_keys(body: bytes) -> bool:
    """Return whether a trigger stands in a JSON body, at any level, also spelled with escapes."""
    if body.count(b'"') * 64 < len(body):
        # Searching long strings costs more than parsing them. No name is that long.
        body = b'"'.join([part for part in body.split(b'"') if len(part) <= _LONGEST])
    if [name for name in _TRIGGERS_AS_BYTES if name in body]:
        return True
    return b"\\" in body and bool(_ESCAPED_NAME.search(body))


@sensitive_variables()
def find_in_form(body: bytes) -> Pairs:
    """Return the credentials in a form, or nothing without a trigger. Raises InvalidRequest."""
    if b"%" not in body and not [name for name in _TRIGGERS_AS_BYTES if name in body]:
        return []
    fields: list[tuple[str, bytes]] = []
    for field in body.split(b"&"):
        written, _, value = field.partition(b"=")
        if (
            len(written) <= _LONGEST_IN_FORM
            and (name := _unquoted(written).decode("latin-1")) in NAMES
        ):
            fields.append((name, value))
    if not has_trigger(fields):
        return []
    limit = host_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    if limit is not None and body.count(b"&") >= limit:
        raise InvalidRequest("not_parsed")
    return [(name, _text(value)) for name, value in fields]


@sensitive_variables()
def find_in_large_json(body: bytes, encoding: str) -> Pairs | None:
    """Return the credentials among the members of a JSON object, or None: parse the body.

    It reads valid JSON as a parser does. The view's own parser finds other errors than open
    brackets. Raises InvalidRequest.
    """
    # The replacements have the same length, so that places stay the same.
    plain = body.replace(rb"\\", b"__").replace(rb"\"", b"__") if b"\\" in body else body
    places = _places(plain)
    if len(places) > len(body) // 256:
        return None
    pairs: Pairs = []
    depth, in_string, position = 0, False, 0
    for start, end, name in [*places, (len(body), len(body), "")]:
        change, in_string = _structure(plain[position:start], in_string)
        depth, position = depth + change, start
        member = _VALUE.match(body, end) if depth == 1 and not in_string else None
        if member is not None:
            pairs.append((name, _decoded(member["value"], encoding)))
    if depth or in_string:
        raise InvalidRequest("not_parsed")
    return pairs


def has_trigger(pairs: Iterable[tuple[str, Any]]) -> bool:
    """Return whether one of the names is a trigger."""
    return not {name for name, _ in pairs}.isdisjoint(TRIGGERS)


@sensitive_variables()
def _unquoted(written: bytes) -> bytes:
    return unquote_to_bytes(written.replace(b"+", b" "))


@sensitive_variables()
def _text(value: bytes) -> str:
    try:
        return _unquoted(value).decode()
    except ValueError:
        raise InvalidRequest("not_parsed") from None


@sensitive_variables()
def _places(body: bytes) -> list[tuple[int, int, str]]:
    """Return start, end and name of each name in quotes, in this order."""
    if _ESCAPED_NAME.search(body):
        found = _ANY_NAME.finditer(body)
        return [(match.start(), match.end(), NAMES[(match.lastindex or 0) - 1]) for match in found]
    places = []
    for name in NAMES:
        quoted = f'"{name}"'.encode()
        start = body.find(quoted)
        while start >= 0:
            end = start + len(quoted)
            places.append((start, end, name))
            start = body.find(quoted, end)
    return sorted(places)


@sensitive_variables()
def _structure(part: bytes, in_string: bool) -> tuple[int, bool]:
    """Return by how much the part changes the depth, and whether a string is open at its end."""
    marks = part.translate(None, _NOT_STRUCTURE)
    pieces = (b'"' + marks if in_string else marks).replace(b'""', b"").split(b'"')
    outside = b"".join(pieces[::2])
    opened = outside.count(b"{") + outside.count(b"[")
    closed = outside.count(b"}") + outside.count(b"]")
    return opened - closed, len(pieces) % 2 == 0


@sensitive_variables()
def _decoded(value: bytes | None, encoding: str) -> Any:
    """Return the text or None; 0 stands for every value that is not text."""
    if value is None:
        return 0
    try:
        return json.loads(value.decode(encoding))
    except ValueError:
        raise InvalidRequest("not_parsed") from None
