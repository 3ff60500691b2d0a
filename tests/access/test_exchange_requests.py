"""Rejected requests for a token: fields, bodies, content types and methods (contract §1)."""

import codecs
import io
import json
import urllib.parse
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.urls import resolve

from tests.support.messages import REQUIRED
from tests.support.requests import TOKEN_URL, body, form

FORM = "application/x-www-form-urlencoded"


@pytest.mark.req("B4")
@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (None, "This field may not be null."),
        ("", "This field may not be blank."),
        ("   ", "This field may not be blank."),
        (7, "Not a valid string."),
        (True, "Not a valid string."),
        (["a"], "Not a valid string."),
        ({"a": "b"}, "Not a valid string."),
        ("a\0", "Null characters are not allowed."),
        ("a\ud800", "Surrogate characters are not allowed."),
    ],
)
@pytest.mark.parametrize("field", ["appDomain", "totApiKey", "totSecretKey"])
def test_invalid_field_is_reported_by_name(make_key, post_token, field, sent, error):
    answer = post_token(make_key(), **{field: sent})

    assert (answer.status_code, answer.json()) == (400, {field: [error]})


@pytest.mark.parametrize(
    ("field", "limit"), [("appDomain", 260), ("totApiKey", 128), ("totSecretKey", 512)]
)
def test_too_long_field_is_rejected(make_key, post_token, field, limit):
    error = f"Ensure this field has no more than {limit} characters."

    assert post_token(make_key(), **{field: "a" * limit}).status_code == 401
    assert post_token(make_key(), **{field: "a" * (limit + 1)}).json() == {field: [error]}


def test_all_missing_fields_are_reported(client):
    for sent, content_type in [
        ("{}", "application/json"),
        ("", FORM),
        ("a=1", FORM),
        ("{", FORM),
        ("[{}]", FORM),
        ('"{}"', FORM),
        ("{}&a=1", FORM),
    ]:
        answer = client.generic("POST", TOKEN_URL, sent, CONTENT_TYPE=content_type)

        assert answer.status_code == 400
        assert answer.json() == {
            "appDomain": [REQUIRED],
            "totApiKey": [REQUIRED],
            "totSecretKey": [REQUIRED],
        }


@pytest.mark.req("B4")
@pytest.mark.parametrize("space", [" {}", "{} ", "\t{}"])
@pytest.mark.parametrize("field", ["appDomain", "totApiKey", "totSecretKey"])
def test_spaces_are_not_trimmed(make_key, post_token, field, space):
    key = make_key()

    assert post_token(key, **{field: space.format(body(key)[field])}).status_code == 401


@pytest.mark.req("C3")
@pytest.mark.parametrize(
    "sent",
    [
        b" ",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": 1,}',
        b"\xef\xbb\xbf{}",
        b'{"appDomain": "\xff"}',
        b'{"totSecretKey": "a", "totSecretKey": "b"}',
        b'{"appDomain": "a", "\\u0061ppDomain": "b"}',
        b'{"scopes": ["a"], "scopes": ["a"]}',
        b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"a": ' + b'{"a":' * 32 + b"1" + b"}" * 32 + b"}",
        b"[" * 8000,
        b"[" * 4000 + b"]" * 4000,
        "{}".encode("utf-16"),
    ],
)
def test_body_without_object_is_malformed(db, client, sent):
    answer = client.post(TOKEN_URL, sent, content_type="application/json")

    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "Malformed request", "code": "malformed_request"},
    )


def test_body_within_all_limits_is_accepted(make_key, client):
    key = make_key()
    deep = b"[" * 31 + b"]" * 31
    many = b",".join(b'"x": {}' for _ in range(40))
    credentials = json.dumps(body(key)).encode()[1:]

    sent = b'{"a": ' + deep + b', "n": ' + b"1" * 5000 + b"," + many + b"," + credentials

    assert client.post(TOKEN_URL, sent, content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    "sent", [b"appDomain=%ff", b"\xff=1", b"totApiKey=a&totApiKey=b", b"&".join([b"a=b"] * 1001)]
)
def test_malformed_form_is_rejected(db, client, sent):
    answer = client.post(TOKEN_URL, sent, content_type=FORM)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


JSON_AS_FORM = "The body is JSON: send it with the header Content-Type: application/json"


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b""), (b" \r\n\t", b"\n"), (codecs.BOM_UTF8, b""), (codecs.BOM_UTF8 + b"\n", b" ")],
)
@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8"])
@pytest.mark.parametrize("encode", [bytes, urllib.parse.quote_from_bytes])
def test_json_sent_as_form_is_explained(make_key, client, before, after, content_type, encode):
    for more in ({}, {"x": "a&b=c"}, {"x": "%ff"}, {"x": "a&scopes=b"}, {"x": "&a" * 1001}):
        sent = before + json.dumps(body(make_key(), **more)).encode() + after

        answer = client.generic("POST", TOKEN_URL, encode(sent), content_type=content_type)

        assert answer.status_code == 400
        assert answer.json() == {"detail": JSON_AS_FORM, "code": "malformed_request"}


def test_form_that_resembles_json_works(make_key, client):
    sent = form(make_key(), "&{=}")

    assert client.post(TOKEN_URL, "{=1&" + sent, content_type=FORM).status_code == 200
    assert client.post(TOKEN_URL, '{"a": "&' + sent + '&b="}', content_type=FORM).status_code == 200


# Bodies without a length


class Chunks(io.RawIOBase):
    """A body that the server ends, and returns in pieces, as servers do with chunks."""

    def __init__(self, sent):
        self.rest = sent
        self.largest = 0

    def read(self, size=-1):
        assert size > 0
        self.largest = max(self.largest, size)
        piece, self.rest = self.rest[: min(size, 7000)], self.rest[min(size, 7000) :]
        return piece


class BrokenChunks(Chunks):
    def read(self, size=-1):
        raise EndOfConnection("b'5\r\nsecr'")


class EndOfConnection(Exception):
    """An error of a server."""


def chunked(client, stream, url=TOKEN_URL, content_type="application/json", **environ):
    """Send the stream as a server that ends bodies itself passes chunks on."""
    chunks = {
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
    }
    return client.post(url, content_type=content_type, **chunks | environ)


@pytest.mark.parametrize("content_type", ["application/json", FORM])
@pytest.mark.parametrize("encoding", ["chunked", "Chunked", "gzip, chunked", ""])
def test_chunked_body_is_read(make_key, client, content_type, encoding):
    key = make_key()
    sent = form(key) if content_type == FORM else json.dumps(body(key))
    environ = {"content_type": content_type, "HTTP_TRANSFER_ENCODING": encoding}

    assert chunked(client, Chunks(sent.encode()), **environ).status_code == 200


@pytest.mark.req("C3")
def test_chunked_body_is_bounded(make_key, client):
    sent = json.dumps(body(make_key(), x="")).encode()
    longest = sent.replace(b'"x": "', b'"x": "' + b"x" * (8192 - len(sent)))
    assert chunked(client, Chunks(longest)).status_code == 200

    for more in (1, 10**6):
        stream = Chunks(longest + b" " * more)
        answer = chunked(client, stream)
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
        assert len(longest) + more - len(stream.rest) == 8193


@pytest.mark.parametrize("stream", [BrokenChunks(b""), Chunks(b""), Chunks(b"{")])
def test_unreadable_chunks_are_malformed(db, client, stream):
    answer = chunked(client, stream)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("encoding", ["chunked", "CHUNKED", "gzip, chunked"])
def test_chunks_without_server_need_length(make_key, client, encoding):
    sent = json.dumps(body(make_key())).encode()
    environ = {"wsgi.input_terminated": False, "HTTP_TRANSFER_ENCODING": encoding}

    answer = chunked(client, Chunks(sent), **environ)

    assert answer.status_code == 411
    assert answer.json() == {"detail": "Content-Length is required", "code": "length_required"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_keys_endpoints_read_chunks(make_key, make_token, client):
    token = {"HTTP_AUTHORIZATION": f"Bearer {make_token(make_key())}"}
    url = TOKEN_URL.replace("token", "keys")
    sent = b'{"name": "x", "scopes": []}'

    assert chunked(client, Chunks(sent), url, **token).status_code == 201
    refused = chunked(client, Chunks(sent), url, **token, **{"wsgi.input_terminated": False})
    assert refused.json()["code"] == "length_required"
    assert client.get(TOKEN_URL, HTTP_TRANSFER_ENCODING="chunked", **token).status_code == 200


def test_chunks_under_asgi_need_no_length(make_key):
    scope = {
        "type": "http",
        "method": "POST",
        "path": TOKEN_URL,
        "headers": [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")],
    }
    request = ASGIRequest(scope, BytesIO(json.dumps(body(make_key())).encode()))

    assert resolve(TOKEN_URL).func(request).status_code == 200


@pytest.mark.parametrize("query", ["totApiKey=a", "totSecretKey=b", "x=1&totSecretKey="])
def test_keys_in_query_are_rejected(make_key, client, query):
    answer = client.post(f"{TOKEN_URL}?{query}", body(make_key()), content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_other_query_fields_are_ignored(make_key, client):
    assert (
        client.post(
            f"{TOKEN_URL}?a=1", body(make_key()), content_type="application/json"
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
        "application/json; charset=latin-1",
        "application/xml",
        "a*=b;;'",
    ],
)
def test_other_content_type_is_unsupported(db, client, content_type):
    answer = client.generic("POST", TOKEN_URL, b"{}", content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.req("C3")
def test_body_over_8_kib_is_rejected(make_key, post_token):
    room = 8 * 1024 - len(json.dumps(body(make_key(), x="")))

    assert post_token(make_key(), x="x" * (room - 10)).status_code == 200
    answer = post_token(make_key(), x="x" * 8192)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


@pytest.mark.req("C3")
def test_body_longer_than_declared_is_rejected(db):
    """Call the view as an ASGI server does, which does not cut the body to its declared length."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": TOKEN_URL,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
    }
    request = ASGIRequest(scope, BytesIO(b" " * 8193))

    assert resolve(TOKEN_URL).func(request).status_code == 413


@pytest.mark.req("C5")
def test_body_over_host_limit_is_rejected(make_key, post_token, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = post_token(make_key())

    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


@pytest.mark.req("C5")
def test_too_many_query_fields_are_malformed(db, client):
    answer = client.post(TOKEN_URL + "?" + "a=1&" * 1001, "{}", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("length", ["abc", "-5", "1e3"])
def test_invalid_content_length_is_rejected(db, client, length):
    answer = client.post(TOKEN_URL, "{}", content_type="application/json", CONTENT_LENGTH=length)

    assert answer.status_code == 400


def test_consumed_body_is_malformed(db, rf):
    request = rf.post(TOKEN_URL, b"{}", content_type="application/json")
    request.read(1)  # as a middleware of the host may

    assert resolve(TOKEN_URL).func(request).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_not_allowed(db, client, method):
    answer = client.generic(method, TOKEN_URL)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST, DELETE"
