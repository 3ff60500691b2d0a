"""Search a body for API keys without parsing all of it.

An anonymous client may send megabytes. Parsing them twice would double what the request costs, so
the functions look for the names first. A name may be spelled with escapes.
"""

import json
import re
from collections.abc import Iterable
from itertools import islice
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

_NAMES_AS_BYTES = {name.encode(): name for name in NAMES}
#: Bytes of the longest spelling of a name: ``\u0074`` for each letter, or ``%74`` in a form.
_LONGEST = 6 * len(SECRET_KEY)
_LONGEST_IN_FORM = 3 * len(SECRET_KEY)
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"{}[]'))


def _digits(letter: str) -> str:
    """Return a pattern of the letter's two hexadecimal digits, in either case."""
    return re.sub("[a-f]", lambda digit: f"[{digit[0]}{digit[0].upper()}]", f"{ord(letter):02x}")


def _spelling(name: str) -> str:
    """Return a pattern of the name with any of its letters escaped."""
    return "".join([rf"(?:{letter}|\\u00{_digits(letter)})" for letter in name])


def _after_escape(letter: str) -> str:
    """Return a pattern of what follows the escape of this letter if that is a name's first."""
    digits = _digits(letter)
    rests = {
        rf'(?<="{name[:index]}\\u00{digits}){_spelling(name[index + 1 :])}"'
        for name in NAMES
        for index in range(len(name))
        if name[index] == letter
    }
    return f"{digits}(?:{'|'.join(sorted(rests))})"


_LETTERS = sorted(set("".join(NAMES)))
# It begins with the rare ``\u00``, not with a quotation mark: that is several times faster.
_ESCAPED_NAME = re.compile(rf"\\u00(?:{'|'.join(map(_after_escape, _LETTERS))})".encode())
#: A letter of both triggers, in each spelling. Searching for it spares most bodies the pattern.
_K = (b"K", rb"\u004b", rb"\u004B")
_ANY_NAME = re.compile(f'"(?:{"|".join(f"({_spelling(name)})" for name in NAMES)})"'.encode())
_VALUE = re.compile(rb'[ \t\r\n]*+:[ \t\r\n]*+(?P<value>"(?:[^"\\]++|\\.)*+"|null\b)?', re.DOTALL)


@sensitive_variables()
def may_have_keys(body: bytes) -> bool:
    """Return whether a trigger stands in a JSON body, at any level, also spelled with escapes."""
    short = _short_strings(body)
    return _has_plain_trigger(short) or _has_escaped_trigger(short)


@sensitive_variables()
def find_in_form(body: bytes) -> Pairs:
    """Return the credentials in a form, or nothing without a trigger. Raises InvalidRequest."""
    has_plain_trigger = _has_plain_trigger(body)
    limit = host_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    if limit is not None and body.count(b"&") >= limit:
        if has_plain_trigger:
            raise InvalidRequest("not_parsed")
        return []  # Django parses no form with so many fields.
    if not has_plain_trigger and b"%" not in body:
        return []
    fields: list[tuple[str, bytes]] = []
    for field in body.split(b"&"):
        written, _, value = field.partition(b"=")
        name = _NAMES_AS_BYTES.get(_unquoted(written)) if len(written) <= _LONGEST_IN_FORM else None
        if name:
            fields.append((name, value))
    if not has_trigger(fields):
        return []
    return [(name, _text(value)) for name, value in fields]


@sensitive_variables()
def find_in_large_json(body: bytes, encoding: str) -> Pairs:
    """Return the credentials among the members of a JSON object.

    It reads valid JSON as a parser does. The view's own parser finds other errors than open
    brackets. Raises InvalidRequest.
    """
    # The replacements have the same length, so that places stay the same.
    plain = body.replace(rb"\\", b"__").replace(rb"\"", b"__") if b"\\" in body else body
    found = _find_among_few(plain)
    if found is None:
        places = _places(plain, limit=len(body) // 256)
        if len(places) > len(body) // 256:
            return _loaded(body, encoding)
        found = _find_among_many(plain, places)
    pairs: Pairs = []
    for end, name in found:
        if member := _VALUE.match(body, end):
            pairs.append((name, _decoded(member["value"], encoding)))
    return pairs


def has_trigger(pairs: Iterable[tuple[str, Any]]) -> bool:
    """Return whether one of the names is a trigger."""
    return not {name for name, _ in pairs}.isdisjoint(TRIGGERS)


@sensitive_variables()
def _short_strings(body: bytes) -> bytes:
    """Return the body without its long strings if it has few strings, else the whole body.

    No name is that long, and parsing a long string is as fast as searching it.
    """
    parts: list[bytes] = []
    start = 0
    for _ in range(len(body) // 512):
        end = body.find(b'"', start)
        if end < 0:
            # With a quotation mark before the first part and after the last one.
            return b'"'.join([b"", *parts, b""])
        if end - start <= _LONGEST:
            parts.append(body[start:end])
        start = end + 1
    return body


@sensitive_variables()
def _has_plain_trigger(body: bytes) -> bool:
    return API_KEY.encode() in body or SECRET_KEY.encode() in body


@sensitive_variables()
def _has_escaped_trigger(body: bytes) -> bool:
    if rb"\u00" not in body or not [letter for letter in _K if letter in body]:
        return False
    return bool(_ESCAPED_NAME.search(body))


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
def _find_among_few(body: bytes) -> list[tuple[int, str]] | None:
    """Return end and name of each name at depth 1, or None if the body has many strings.

    Raises InvalidRequest for open brackets.
    """
    found: list[tuple[int, str]] = []
    depth = start = 0
    for index in range(len(body) // 512):
        is_string, end = index % 2 == 1, body.find(b'"', start)
        if not is_string:
            part = body[start:end] if end >= 0 else body[start:]
            depth += _structure(part, in_string=False)[0]
        elif depth == 1 and 0 <= end - start <= _LONGEST:
            name = _ANY_NAME.fullmatch(body, start - 1, end + 1)
            found += [(end + 1, NAMES[(name.lastindex or 0) - 1])] if name else []
        if end < 0:
            _check_closed(depth, is_string)
            return found
        start = end + 1
    return None


@sensitive_variables()
def _find_among_many(body: bytes, places: list[tuple[int, int, str]]) -> list[tuple[int, str]]:
    """Return end and name of those of these places that are at depth 1.

    Raises InvalidRequest for open brackets.
    """
    found: list[tuple[int, str]] = []
    depth, in_string, position = 0, False, 0
    for start, end, name in [*places, (len(body), len(body), "")]:
        marks = body[position:start].translate(None, _NOT_STRUCTURE)
        change, in_string = _structure(marks, in_string)
        depth, position = depth + change, start
        if depth == 1 and not in_string:
            found.append((end, name))
    _check_closed(depth, in_string)
    return found


def _check_closed(depth: int, in_string: bool) -> None:
    if depth or in_string:
        raise InvalidRequest("not_parsed")


@sensitive_variables()
def _places(body: bytes, limit: int) -> list[tuple[int, int, str]]:
    """Return start, end and name of each name in quotes, in this order; not many over the limit."""
    places: list[tuple[int, int, str]] = []
    for match in islice(_ESCAPED_NAME.finditer(body), limit + 1):
        start = body.rfind(b'"', 0, match.start())
        found = _ANY_NAME.match(body, start)
        places += [(start, match.end(), NAMES[(found.lastindex or 0) - 1])] if found else []
    for name in NAMES:
        quoted = f'"{name}"'.encode()
        start = body.find(quoted)
        while start >= 0 and len(places) <= limit:
            end = start + len(quoted)
            places.append((start, end, name))
            start = body.find(quoted, end)
    return sorted(places)


@sensitive_variables()
def _loaded(body: bytes, encoding: str) -> Pairs:
    """Return the credentials among the members, of which the last one of a name counts."""
    try:
        members = json.loads(body.decode(encoding))
    except (ValueError, RecursionError):
        raise InvalidRequest("not_parsed") from None
    return [(n, members[n]) for n in NAMES if n in members] if isinstance(members, dict) else []


def _structure(marks: bytes, in_string: bool) -> tuple[int, bool]:
    """Return by how much brackets change the depth, and whether a string is open at the end."""
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
