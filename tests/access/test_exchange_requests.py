"""Rejected requests for a token: fields, bodies, content types and methods (contract §1)."""

import json
from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.urls import resolve

from tests.support.messages import REQUIRED
from tests.support.requests import TOKEN_URL, body

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
    ("field", "limit"), [("appDomain", 253), ("totApiKey", 128), ("totSecretKey", 512)]
)
def test_too_long_field_is_rejected(make_key, post_token, field, limit):
    error = f"Ensure this field has no more than {limit} characters."

    assert post_token(make_key(), **{field: "a" * limit}).status_code == 401
    assert post_token(make_key(), **{field: "a" * (limit + 1)}).json() == {field: [error]}


def test_all_missing_fields_are_reported(client):
    for sent, content_type in [
        ("{}", "application/json"),
        ("", FORM),
        ('{"appDomain": "x"}', FORM),
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
