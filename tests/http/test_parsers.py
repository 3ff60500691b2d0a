"""Whatever the view's parser reads is searched: no client with keys in its data is anonymous."""

import json

import pytest
from django.core.exceptions import TooManyFieldsSent
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.support.requests import FORM, JSON, body, form
from tot_jwt.authentication import ApiKeyAuthentication
from tot_jwt.http.names import API_KEY, SECRET_KEY
from tot_jwt.rules.hashes import hash_secret

pytestmark = [pytest.mark.django_db, pytest.mark.req("C8")]


class FirstParser(DefaultContentNegotiation):
    """The negotiation of DRF's documentation that ignores what the client declares."""

    def select_parser(self, request, parsers):
        return parsers[0]


class AnyJSON(JSONParser):
    media_type = "*/*"


class AnyForm(FormParser):
    media_type = "*/*"


class Data(APIView):
    """A view for everyone that returns what it reads."""

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = []

    def post(self, request):
        return Response({"pk": request.user.pk, "data": request.data, "query": request.GET})


@pytest.fixture
def post(rf):
    """``post(sent, declared)``: send a body; return the status, and the names that the view saw."""

    def post(sent, declared, url="/", **options):
        answer = Data.as_view(**options)(
            rf.generic("POST", url, sent, CONTENT_TYPE=declared, CONTENT_LENGTH=len(sent))
        )
        if answer.status_code != 200:
            return answer.status_code, set()
        return answer.data["pk"], {*answer.data["data"], *answer.data["query"]}

    return post


def knows_client(answer, key):
    """Return whether the client was rejected, or authenticated and its secret hidden."""
    who, seen = answer
    return who in (400, 401, 415) or (who == key.public_key and SECRET_KEY not in seen)


CHARSETS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("end", [b"", b"\0", b"\xd8"])
def test_incomplete_end_hides_no_keys(make_key, post, charset, end):
    """A stream's reader ignores an incomplete character at the end."""
    key = make_key()
    sent = json.dumps(body(key)).encode(charset) + end

    assert knows_client(post(sent, f"{JSON}; charset={charset}"), key)


@pytest.mark.parametrize("declared", [JSON, "application/json; charset=utf-16-le"])
def test_lone_surrogate_hides_no_keys(make_key, post, declared):
    key = make_key()
    text = json.dumps({**body(key), "x": "?"}).replace("?", "\ud800")

    assert knows_client(post(text.encode("utf-16-le", "surrogatepass"), declared), key)


@pytest.mark.parametrize("declared", [JSON, FORM, "multipart/form-data; boundary=x", "", "*/*"])
@pytest.mark.parametrize(
    "options",
    [
        {"parser_classes": [AnyJSON]},
        {"parser_classes": [JSONParser], "content_negotiation_class": FirstParser},
    ],
)
def test_json_is_found_under_any_type(make_key, post, declared, options):
    key = make_key()

    assert post(json.dumps(body(key)).encode(), declared, **options)[0] == key.public_key


@pytest.mark.parametrize("declared", [JSON, FORM, "", "text/plain"])
def test_form_is_found_under_any_type(make_key, post, declared):
    key = make_key()

    answer = post(form(key).encode(), declared, parser_classes=[AnyForm])

    assert knows_client(answer, key)
    assert answer[0] == key.public_key or declared == JSON


def test_type_without_parser_hides_nothing(make_key, post):
    key = make_key()

    assert knows_client(post(form(key).encode(), FORM, parser_classes=[JSONParser]), key)


def test_query_is_searched_in_charset(make_key, post):
    sent = json.dumps({}).encode("utf-7")
    url = f"/?{API_KEY.replace('K', '%2BAEs-')}=pk&{SECRET_KEY.replace('K', '%2BAEs-')}=s"

    assert post(sent, f"{JSON}; charset=utf-7", url)[0] == 400


@pytest.mark.req("E8")
@pytest.mark.parametrize("charset", ["windows-1252", "utf-8"])
def test_secret_in_other_charset_is_removed(make_key, post, charset):
    secret = "sécret-" + "x" * 30
    key = make_key(secret_hash=hash_secret(secret))
    key.secret = "s%C3%A9cret-" + "x" * 30

    who, seen = post(form(key).encode(), f"{FORM}; charset={charset}")

    assert who == key.public_key
    assert SECRET_KEY not in seen


@pytest.mark.req("D9")
@pytest.mark.parametrize("charset", ["koi8-r", "utf-7", "mac-roman", "utf-8-sig"])
def test_form_of_many_fields_is_unread(post, settings, charset):
    """Django rejects it at less cost than decoding each name."""
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    sent = "&".join([f"{API_KEY}=pk", *["a"] * 10]).encode()

    with pytest.raises(TooManyFieldsSent):
        post(sent, f"{FORM}; charset={charset}")
