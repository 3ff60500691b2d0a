"""Invalid content types, lengths, queries and methods of the exchange."""

from io import BytesIO

import pytest

from tests.support.hostile import (
    LENGTH_REQUIRED,
    MALFORMED,
    MARKER,
    NOT_ALLOWED,
    TOO_LARGE,
    UNSUPPORTED,
    refused,
    refused_by_us,
    rows,
    send,
)
from tests.support.keys_client import KEYS_URL, url_of
from tests.support.requests import JSON, TOKEN_URL

pytestmark = pytest.mark.usefixtures("unlimited")

CONTENT_TYPES = {
    "none": ("", UNSUPPORTED),
    "text of a cross-site form": ("text/plain", UNSUPPORTED),
    "parts": ("multipart/form-data; boundary=x", UNSUPPORTED),
    "list": ("application/json, application/json", UNSUPPORTED),
    "pattern": ("application/*", UNSUPPORTED),
    "everything": ("*/*", UNSUPPORTED),
    "old name": ("text/json", UNSUPPORTED),
    "subtype of JSON": ("application/problem+json", UNSUPPORTED),
    "charset alone": ("charset=utf-8", UNSUPPORTED),
    "comma for a semicolon": ("application/json, charset=utf-8", UNSUPPORTED),
    "no type": ("json", UNSUPPORTED),
    "NUL": ("application/json\0", UNSUPPORTED),
    "Latin-1": ("application/json\xe9", UNSUPPORTED),
    "charset UTF-16": ("application/json; charset=utf-16", UNSUPPORTED),
    "charset UTF-7": ("application/json; charset=utf-7", UNSUPPORTED),
    "unknown charset": ("application/json; charset=zebra7", UNSUPPORTED),
    "charset twice": ("application/json; charset=utf-8; charset=latin-1", UNSUPPORTED),
    "charset of RFC 2231": ("application/json; charset*=us-ascii''utf-16", UNSUPPORTED),
    "charset empty": ("application/json; charset=", UNSUPPORTED),
    # Codecs that only Python has.
    "codec rot13": ("application/json; charset=rot13", UNSUPPORTED),
    "codec zlib": ("application/json; charset=zlib", UNSUPPORTED),
    "codec punycode": ("application/json; charset=punycode", UNSUPPORTED),
    "codec undefined": ("application/json; charset=undefined", UNSUPPORTED),
    "codec unicode_escape": ("application/json; charset=unicode_escape", UNSUPPORTED),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("content_type", "expected"), rows(CONTENT_TYPES))
def test_hostile_content_type_is_unsupported(good, content_type, expected):
    assert refused_by_us(send("POST", sent=good.json, content_type=content_type), expected, good)


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("charset", ["utf-16", "utf-32-le", "cp037", "zebra7"])
def test_body_charset_does_not_hide_query(good, charset):
    content_type = f"{JSON}; charset={charset}"

    answers = [
        send("POST", f"{TOKEN_URL}?totApiKey=zebra7", good.json, content_type),
        send("POST", "/anyone?totApiKey=zebra7", good.json, content_type),
        send("DELETE", f"{url_of(good.key)}?force=zebra7", b"", content_type, good.bearer),
        send("GET", f"{KEYS_URL}?cursor=zebra7", b"", content_type, good.bearer),
        send("GET", f"{KEYS_URL}?status=zebra7", b"", content_type, good.bearer),
    ]

    assert [answer.status_code for answer in answers] == [400] * 5
    assert all(refused(answer, (answer.status_code, answer.json()), good) for answer in answers)


LENGTHS = {
    "none": (lambda good: {"CONTENT_LENGTH": ""}, MALFORMED),
    "nothing": (lambda good: {"CONTENT_LENGTH": "0"}, MALFORMED),
    "negative": (lambda good: {"CONTENT_LENGTH": "-1"}, MALFORMED),
    "text": (lambda good: {"CONTENT_LENGTH": "zebra7"}, MALFORMED),
    "list": (lambda good: {"CONTENT_LENGTH": f"{len(good.json)}, {len(good.json)}"}, MALFORMED),
    "hexadecimal": (lambda good: {"CONTENT_LENGTH": hex(len(good.json))}, MALFORMED),
    "fraction": (lambda good: {"CONTENT_LENGTH": f"{len(good.json)}.0"}, MALFORMED),
    "digits of Latin-1": (lambda good: {"CONTENT_LENGTH": "\xb2"}, MALFORMED),
    "one too few": (lambda good: {"CONTENT_LENGTH": str(len(good.json) - 1)}, MALFORMED),
    "longer than the body": (
        lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BytesIO(good.json[:-1])},
        MALFORMED,
    ),
    "empty body": (lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BytesIO()}, MALFORMED),
    "connection breaks": (
        lambda good: {"CONTENT_LENGTH": "500", "wsgi.input": BrokenConnection()},
        MALFORMED,
    ),
    "chunks": (
        lambda good: {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        LENGTH_REQUIRED,
    ),
    "too long": (
        lambda good: {"CONTENT_LENGTH": "8193", "wsgi.input": BytesIO(good.json[:-1])},
        TOO_LARGE,
    ),
    "huge number": (lambda good: {"CONTENT_LENGTH": "9" * 40}, TOO_LARGE),
    "more digits than Python reads": (lambda good: {"CONTENT_LENGTH": "9" * 5000}, MALFORMED),
}


class BrokenConnection(BytesIO):
    """A connection that breaks while the body is read."""

    def read(self, size=-1):
        raise OSError("zebra7")


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("bend", "expected"), rows(LENGTHS))
def test_hostile_length_is_rejected(good, bend, expected):
    assert refused_by_us(send("POST", sent=good.json, **bend(good)), expected, good)
    assert send("POST", "/keys-only", good.json, **bend(good)).status_code in (400, 401, 411, 413)


QUERIES = {
    "a key": ("?totApiKey=zebra7", MALFORMED),
    "a key without a value": ("?totSecretKey", MALFORMED),
    "name escaped": ("?tot%41piKey=zebra7", MALFORMED),
    "name escaped as a whole": (
        f"?{''.join(f'%{ord(letter):02X}' for letter in 'totSecretKey')}=",
        MALFORMED,
    ),
    "between others": ("?x=%ff&&=&totApiKey=&x", MALFORMED),
    "1,001 fields": ("?" + "a=b&" * 1001, MALFORMED),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("query", "expected"), rows(QUERIES))
def test_hostile_query_is_rejected(good, query, expected):
    assert refused_by_us(send("POST", TOKEN_URL + query, good.json), expected, good)


METHODS = [
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PUT",
    "PATCH",
    "ZEBRA7",
    "GETT",
    "__CLASS__",
    "HTTP_METHOD_NOT_ALLOWED",
]


@pytest.mark.req("C5")
@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("method", METHODS)
def test_hostile_method_is_not_allowed(good, method):
    answer = send(method, sent=good.json, headers=good.bearer)

    assert refused_by_us(answer, NOT_ALLOWED, good)


IGNORED = {
    "method in a header": {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    "method in another header": {"HTTP_X_METHOD_OVERRIDE": "PUT", "HTTP_X_HTTP_METHOD": "TRACE"},
    "format": {"QUERY_STRING": "format=xml&_format=html&api=1"},
    "query of bytes": {"QUERY_STRING": "%ff%fe=%00&\xff"},
    "half of the keys in the query": {"QUERY_STRING": "appDomain=zebra7"},
    "10,000 types accepted": {"HTTP_ACCEPT": "text/html;q=0.1," * 10_000},
    "nothing accepted": {"HTTP_ACCEPT": "application/json;q=0, */*;q=0"},
    "version accepted": {"HTTP_ACCEPT": "application/json; version=zebra7; indent=100000000"},
    "charset accepted": {"HTTP_ACCEPT_CHARSET": "utf-7", "HTTP_ACCEPT_ENCODING": "zebra7;q=1"},
    "language accepted": {"HTTP_ACCEPT_LANGUAGE": "de-" * 2000},
    "cookies": {"HTTP_COOKIE": "sessionid=zebra7; csrftoken=; =; a=\xff; " + "a=b; " * 500},
    "origin": {"HTTP_ORIGIN": "null", "HTTP_REFERER": "\xff", "HTTP_SEC_FETCH_SITE": "cross-site"},
    "range": {
        "HTTP_RANGE": "bytes=0-0",
        "HTTP_IF_NONE_MATCH": "*",
        "HTTP_IF_MODIFIED_SINCE": "zebra7",
    },
    "expectation": {"HTTP_EXPECT": "zebra7"},
    "authorization": {"HTTP_AUTHORIZATION": "Bearer \xff\0"},
    "keys in headers": {"HTTP_TOT_API_KEY": "\0", "HTTP_TOT_SECRET_KEY": "\xff"},
    "proxies": {
        "HTTP_X_FORWARDED_FOR": ",,'\"\xff\0",
        "HTTP_FORWARDED": "for=zebra7;;",
        "HTTP_X_REAL_IP": "zebra7",
    },
    "addresses": {"REMOTE_ADDR": "zebra7\0", "REMOTE_HOST": "zebra7"},
    "prototype": {"HTTP_X___PROTO__": "zebra7"},
}


@pytest.mark.req("C2", "C5", "D1")
@pytest.mark.parametrize("environ", IGNORED.values(), ids=IGNORED)
def test_irrelevant_headers_change_nothing(good, environ):
    answer = send("POST", sent=good.json, **environ)

    assert list(answer.json()) == ["token", "tokenType", "expiresIn", "expiresAt"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert MARKER.encode() not in answer.serialize()
