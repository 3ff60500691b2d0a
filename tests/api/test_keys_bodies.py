"""The keys endpoints: bodies, content types and methods (contract §5)."""

import pytest

from tests.support.keys_calls import calls_with_body
from tests.support.keys_client import KEYS_URL, code_of, url_of
from tests.support.stored_keys import reread

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.mark.req("C3")
@pytest.mark.parametrize(
    "sent",
    [
        b" ",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"name": NaN}',
        b'{"name": "a", "name": "a"}',
        b'{"name": "a", "n\\u0061me": "b"}',
        b'{"zebra": 1, "zebra": 1}',
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
        b"[" * 8000,
    ],
)
def test_body_without_object_is_malformed(api, child, sent):
    for method, url in calls_with_body(child):
        assert code_of(api.send(method, url, sent)) == (400, "malformed_request")


def test_empty_body_suffices_for_rotation_only(api, child):
    def call(method, url):
        return api.client.generic(method, url, headers=api.headers, CONTENT_TYPE="application/json")

    assert code_of(call("PATCH", url_of(child))) == (400, "malformed_request")
    assert code_of(call("POST", KEYS_URL)) == (400, "malformed_request")
    assert call("POST", url_of(child) + "/rotate").status_code == 200


@pytest.mark.parametrize(
    "content_type", [FORM, "multipart/form-data; boundary=x", "text/plain", "", "application/x"]
)
def test_other_content_type_is_unsupported(api, child, content_type):
    for method, url in calls_with_body(child):
        answer = api.client.generic(
            method.upper(), url, b"name=x", content_type=content_type, headers=api.headers
        )
        assert code_of(answer) == (415, "unsupported_media_type")


@pytest.mark.req("C3")
def test_body_over_8_kib_is_rejected(api, child):
    for method, url in calls_with_body(child):
        assert code_of(api.send(method, url, b" " * 8193)) == (413, "request_too_large")
    assert api.send("patch", url_of(child), b'{"name": "x"}'.ljust(8192)).status_code == 200


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        (lambda key: KEYS_URL, {"GET", "HEAD", "POST"}),
        (url_of, {"GET", "HEAD", "PATCH", "DELETE"}),
        (lambda key: url_of(key) + "/rotate", {"POST"}),
    ],
)
def test_other_methods_are_not_allowed(api, child, call, allowed):
    for method in {
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
    } - allowed:
        answer = api.client.generic(method, call(child), headers=api.headers)

        assert answer.status_code == 405, method
        assert set(answer.headers["Allow"].split(", ")) == allowed
        assert answer.headers["Cache-Control"] == "no-store"
        if method != "HEAD":
            assert answer.json()["code"] == "method_not_allowed"
    assert reread(child).revoked_at is None
