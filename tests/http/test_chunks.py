"""API keys in bodies without a length, on the views of a host."""

import json
from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from rest_framework.parsers import FileUploadParser, FormParser, JSONParser, MultiPartParser
from rest_framework.response import Response

from tests.support.requests import FORM, JSON, bearer, body, form, key_headers
from tests.views import WhoAmI
from tot_jwt.authentication import ApiKeyAuthentication
from tot_jwt.http.errors import ApiError


def chunked(sent, content_type, *, passed_on=True, headers=None):
    """Return a request whose body a WSGI server received in chunks."""
    environ = {
        **RequestFactory(headers=headers or {})._base_environ(),
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": content_type,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": BytesIO(sent.encode() if isinstance(sent, str) else sent),
    }
    environ.pop("CONTENT_LENGTH", None)
    if passed_on:
        environ["wsgi.input_terminated"] = True
    return WSGIRequest(environ)


@pytest.mark.parametrize("content_type", [JSON, FORM, "application/vnd.example+json"])
def test_view_reads_chunks_beside_keys(make_key, content_type):
    key = make_key()
    sent = form(key, "&a=1") if content_type == FORM else json.dumps(body(key, a="1"))

    answer = AnyJSON.as_view()(chunked(sent, content_type))

    assert answer.status_code == 200
    assert (answer.data["pk"], answer.data["data"]["a"]) == (key.public_key, "1")
    assert key.secret not in repr(answer.data)


class VendorParser(JSONParser):
    media_type = "application/vnd.example+json"


class AnyJSON(WhoAmI):
    parser_classes = [JSONParser, FormParser, VendorParser]


@pytest.mark.parametrize("content_type", [JSON, FORM])
def test_chunks_without_keys_reach_view(db, content_type):
    sent = "a=1" if content_type == FORM else '{"a": "1"}'

    request = chunked(sent, content_type)
    data = AnyJSON.as_view(permission_classes=[])(request).data["data"]

    assert data["a"] == "1"


def test_body_seen_as_empty_is_read(make_key):
    """A middleware may look at the body before the view, when Django knows no length."""
    key = make_key()
    for sent, content_type in [(form(key), FORM), (json.dumps(body(key)), JSON)]:
        request = chunked(sent, content_type)
        assert request.body == b""
        assert not request.POST

        user, _ = ApiKeyAuthentication().authenticate(request)

        assert user.pk == key.public_key
        assert content_type == JSON or request.POST["totApiKey"] == key.public_key
        assert key.secret not in repr(request.POST)


@pytest.mark.parametrize("passed_on", [True, False])
def test_wrong_keys_in_chunks_are_rejected(make_key, passed_on):
    sent = json.dumps(body(make_key(), totSecretKey="wrong"))

    answer = AnyJSON.as_view(permission_classes=[])(chunked(sent, JSON, passed_on=passed_on))

    assert answer.status_code == (401 if passed_on else 411)
    assert answer.data["code"] == ("invalid_credentials" if passed_on else "length_required")
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("content_type", [JSON, FORM, "application/vnd.example+json"])
def test_unread_chunks_need_a_length(make_key, content_type):
    for headers in ({}, key_headers(make_key())):
        request = chunked("{}", content_type, passed_on=False, headers=headers)

        with pytest.raises(ApiError, match="Content-Length is required"):
            ApiKeyAuthentication().authenticate(request)


@pytest.mark.req("C3")
@pytest.mark.parametrize(("limit", "status"), [(1000, 200), (999, 413), (None, 200)])
def test_chunks_obey_limit_of_host(make_key, settings, limit, status):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = limit
    sent = json.dumps(body(make_key(), x=""))
    sent = sent.replace('"x": "', '"x": "' + "x" * (1000 - len(sent)))

    assert len(sent) == 1000
    assert AnyJSON.as_view()(chunked(sent, JSON)).status_code == status


class Upload(WhoAmI):
    permission_classes = []
    parser_classes = [MultiPartParser, FileUploadParser]

    def post(self, request):
        stream = request._request.META["wsgi.input"]
        return Response({"left": len(stream.read())})


@pytest.mark.parametrize("passed_on", [True, False])
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "image/png", "multipart/form-data; boundary=x"]
)
def test_chunks_of_uploads_are_not_read(db, content_type, passed_on):
    request = chunked(b"x" * 1000, content_type, passed_on=passed_on)

    assert Upload.as_view()(request).data == {"left": 1000}


@pytest.mark.parametrize("passed_on", [True, False])
def test_chunks_beside_token_are_not_read(make_key, make_token, passed_on):
    headers = bearer(make_token(make_key()))

    request = chunked(b"{}", JSON, passed_on=passed_on, headers=headers)

    assert Upload.as_view(parser_classes=[JSONParser])(request).data == {"left": 2}
