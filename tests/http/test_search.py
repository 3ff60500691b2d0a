"""Keys in a body are found however they are written, at a fraction of the cost of parsing."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import TooManyFieldsSent
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import parsers
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from tests.support.requests import FORM, JSON, bearer, body, form
from tests.views import Anyone
from tot_jwt.http.names import API_KEY, APP_DOMAIN, SECRET_KEY
from tot_jwt.http.reading import MAX_BODY, parse
from tot_jwt.http.search import TRIGGERS, find_in_large_json, has_trigger, may_have_keys

NAMES = (APP_DOMAIN, API_KEY, SECRET_KEY)
#: More than what is parsed as a whole.
LARGE = 2 * MAX_BODY


class BytesParser(parsers.JSONParser):
    """A parser that ignores the declared charset, and detects the body's."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return json.loads(stream.read())
        except ValueError as error:
            raise ParseError from error


class VendorParser(parsers.JSONParser):
    media_type = "application/vnd.example+json"


class OtherVendorParser(parsers.BaseParser):
    media_type = "application/vnd.other+json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return json.loads(stream.read())


class TextParser(parsers.JSONParser):
    media_type = "text/plain"


class LinesParser(parsers.BaseParser):
    """A parser of another format: a name and a value on each line."""

    media_type = "text/x-lines"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return dict(line.split(": ") for line in stream.read().decode().splitlines())


PARSERS = {
    "usual": [
        parsers.JSONParser,
        parsers.FormParser,
        parsers.MultiPartParser,
        VendorParser,
        OtherVendorParser,
        TextParser,
        LinesParser,
    ],
    "detecting": [BytesParser, parsers.FormParser],
    "form first": [parsers.FormParser, parsers.JSONParser],
}


class Reader(Anyone):
    """A public view that tells which names of keys its own parser finds."""

    renderer_classes = [JSONRenderer]

    def post(self, request: Any) -> Response:
        data = request.data if isinstance(request.data, Mapping) else {}
        return Response({"pk": request.user.pk, "names": [n for n in TRIGGERS if n in data]})


@pytest.fixture
def read(rf: Any) -> Callable[..., Any]:
    """``read(parser_classes, sent, content_type)``: return the response of `Reader`."""

    def post(parser_classes: Any, sent: bytes, content_type: str, **more: Any) -> Any:
        view = Reader.as_view(parser_classes=parser_classes)
        return view(rf.generic("POST", "/", sent, content_type=content_type, **more))

    return post


def escaped(text: str) -> str:
    """Return the JSON with a letter of each name escaped, in both cases of the digits."""
    return text.replace('"totApi', r'"\u0074otApi').replace("Secret", r"\u0053ecret")


def one_more(text: str, member: str) -> str:
    """Return the JSON object with another member."""
    return text[:-1] + ", " + member + "}"


JSON_BODIES: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "escaped": lambda text: escaped(text).encode(),
    "all escaped": lambda text: text.replace(
        "totApiKey", "".join([rf"\u{ord(letter):04X}" for letter in "totApiKey"])
    ).encode(),
    "Latin-1": lambda text: one_more(text, '"x": "é"').encode("latin-1"),
    "escaped, Latin-1": lambda text: escaped(one_more(text, '"x": "é"')).encode("latin-1"),
    **{
        charset: partial(str.encode, encoding=charset)
        for charset in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "utf-7")
    },
    "escaped, utf-16": lambda text: escaped(text).encode("utf-16-le"),
    "UTF-7, names encoded": lambda text: text.replace("tot", "+AHQAbwB0-").encode(),
    "large": lambda text: one_more(text, '"x": "' + "y" * MAX_BODY + '"').encode(),
    "large, escaped": lambda text: one_more(escaped(text), f'"x": {[[]] * MAX_BODY}').encode(),
    "large, utf-16": lambda text: one_more(text, f'"x": {[1] * MAX_BODY}').encode("utf-16"),
}
CHARSETS = (
    *("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16", "utf-16-be", "utf-32", "cp037"),
    *("utf-7", "utf-8-sig", "shift_jis", "rot13", "idna", "no-such-charset", "unicode_escape"),
)
JSON_TYPES = (JSON, "Application/JSON", "application/*", "*/*", "application/vnd.example+json")


def is_known(answer: Any, key: Any) -> bool:
    """Return whether the response is the key's, or refuses the request."""
    return answer.status_code in (400, 415) or answer.data["pk"] == key.public_key


@pytest.mark.req("C8")
@pytest.mark.parametrize("name", JSON_BODIES)
def test_json_keys_are_never_anonymous(make_key, read, name):
    key = make_key()
    sent = JSON_BODIES[name](json.dumps(body(key)))
    authenticated = 0

    types = [*JSON_TYPES, *[f"{JSON}; charset={charset}" for charset in CHARSETS]]
    for parser_classes, content_type in product(PARSERS.values(), types):
        answer = read(parser_classes, sent, content_type)
        assert is_known(answer, key) or not answer.data["names"], content_type
        authenticated += answer.status_code == 200 and answer.data["pk"] == key.public_key

    assert authenticated


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    "content_type", ["application/vnd.other+json", "text/plain", "text/x-lines"]
)
def test_keys_in_types_of_host(make_key, read, content_type):
    key = make_key()
    lines = "\n".join([f"{name}: {value}" for name, value in body(key).items()])
    sent = lines if content_type == "text/x-lines" else json.dumps(body(key))
    without = sent.replace("tot", "top")

    answer = read(PARSERS["usual"], sent.encode(), content_type)
    assert answer.status_code == (400 if content_type == "text/x-lines" else 200)
    assert content_type == "text/x-lines" or answer.data["pk"] == key.public_key
    anonymous = read(PARSERS["usual"], without.encode(), content_type)
    assert (anonymous.status_code, anonymous.data["pk"]) == (200, None)


@pytest.mark.parametrize("content_type", ["image/png", "multipart/form-data; boundary=x"])
def test_upload_is_left_to_view(db, rf, content_type):
    view = Anyone.as_view(parser_classes=[parsers.FileUploadParser, parsers.MultiPartParser])
    sent = b'{"totApiKey": "a"}'  # without the name of a file, which the parsers demand

    assert view(rf.post("/", sent, content_type=content_type)).data == {"pk": None}


def escaped_names(text: str, charset: str) -> str:
    """Return the form with the names of the keys in this charset, escaped."""
    for name in (API_KEY, SECRET_KEY):
        text = text.replace(name, quote(name.encode(charset)))
    return text


FORM_BODIES: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "escaped, stray byte": lambda text: text.replace("totA", "%74otA").encode() + b"&x=%ff",
    "raw byte": lambda text: text.replace("totA", "t%6FtA").encode() + b"&x=\xff",
    "raw byte in a name": lambda text: text.encode() + b"&\xff=1",
    "all escaped": lambda text: "&".join(
        [
            "".join([f"%{ord(letter):02x}" for letter in name]) + "=" + quote(value)
            for name, value in (field.split("=") for field in text.split("&"))
        ]
    ).encode(),
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16 in escapes, one byte more": lambda text: FORM_BODIES["UTF-16 in escapes"](text) + b"&",
    "UTF-16 in escapes": lambda text: escaped_names(text, "utf-16-le").encode(),
    "EBCDIC": lambda text: text.encode("cp037"),
    "EBCDIC in escapes": lambda text: escaped_names(text, "cp037").encode("cp037"),
}


@pytest.mark.req("C8")
@pytest.mark.parametrize("name", FORM_BODIES)
def test_form_keys_are_never_anonymous(make_key, read, name):
    key = make_key()
    sent = FORM_BODIES[name](form(key))

    types = [FORM, "application/*", "*/*", *[f"{FORM}; charset={charset}" for charset in CHARSETS]]
    for parser_classes, content_type in product(PARSERS.values(), types):
        answer = read(parser_classes, sent, content_type)
        assert is_known(answer, key) or not answer.data["names"], content_type


@pytest.mark.req("C8")
@pytest.mark.parametrize("content_type", ["application/*", "*/*", "*/x-www-form-urlencoded"])
def test_first_parser_reads_any_type(make_key, read, content_type):
    key = make_key()

    answer = read(PARSERS["form first"], form(key).encode(), content_type)

    assert answer.data == {"pk": key.public_key, "names": ["totApiKey"]}


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "cp037", "utf-7"])
def test_other_charsets_without_keys_are_anonymous(db, read, charset):
    nested = json.dumps({"name": "é", "nested": {"totApiKey": "a"}}, ensure_ascii=False)

    for sent, kind in [(nested, JSON), ("a=b&c=é", FORM)]:
        answer = read(
            PARSERS["usual"], sent.encode(charset, "replace"), f"{kind}; charset={charset}"
        )
        assert (answer.status_code, answer.data) == (200, {"pk": None, "names": []})


@pytest.mark.req("C8")
def test_parsed_body_is_still_searched(make_key, rf):
    """A body that the host's view has parsed already is not anonymous either."""
    key = make_key()

    class Early(Reader):
        def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            prepared = super().initialize_request(request, *args, **kwargs)
            prepared._full_data = json.loads(request.read())  # type: ignore[attr-defined]
            return prepared

    answer = Early.as_view()(rf.post("/", body(key), content_type=JSON))

    assert answer.status_code == 400


# The cost


def padded(text: str) -> str:
    """Return the JSON object with as many members as make it large."""
    return text[:-1] + ', "a": 1' * MAX_BODY + "}"


@pytest.mark.req("D9")
@pytest.mark.parametrize(
    "text",
    [
        '{"a": nonsense}',
        '{"a": nonsense, "b": "totApi"}',
        '{"a": nonsense, "b": "\\u0041\\u0074ot\\\\ %74otApiKey"}',
        '{"a": nonsense, "n": {"totApiKey": 1, "totSecretKey": 1}}',
        '{"a": nonsense, "n": [{"\\u0074otApiKey": 1}]}',
        '{"a": nonsense, "b": "totApiKey"}',
    ],
)
def test_large_body_is_not_parsed(db, client, text):
    """A parser would fail. Nothing here needs one."""
    assert client.post("/anyone", padded(text), content_type=JSON).json() == {"pk": None}


@pytest.mark.req("D9")
@pytest.mark.parametrize(
    "text",
    ['"totApiKey": "x"', '"\\u0074otApiKey": "x"', " " * 100 + '"totApi\\u004bey": "x"'],
)
def test_large_body_with_keys_is_unparsed(db, client, text):
    sent = f'{{"a": nonsense, {text}, "totSecretKey": "y", "appDomain": "z"}}'

    assert client.post("/anyone", padded(sent), content_type=JSON).status_code == 401
    assert client.post("/anyone", sent, content_type=JSON).status_code == 400


@pytest.mark.req("C8")
@pytest.mark.parametrize("escape", ["\\u004b", "\\u004B"])
@pytest.mark.parametrize("before", ["", " " * LARGE, '"x": "' + "y" * LARGE + '", '])
def test_escaped_letter_is_the_letter(db, client, escape, before):
    sent = f'{{{before}"totApi{escape}ey": "x"}}'

    assert client.post("/anyone", sent, content_type=JSON).status_code == 400


@pytest.mark.req("C8")
@pytest.mark.parametrize("opened", ['"x": [', '"x": {"y": ', '"x": "'])
def test_keys_after_open_bracket_are_malformed(db, client, opened):
    sent = f'{{{opened}, "totApiKey": "x"}}'

    for large in (padded(sent), sent + " " * LARGE):
        assert client.post("/anyone", large, content_type=JSON).status_code == 400


@pytest.mark.req("D9")
def test_body_beside_bearer_is_not_read(make_key, make_token, client):
    key = make_key()
    sent = body(key, totSecretKey=["not", "looked", "at"])

    answer = client.post("/anyone", sent, content_type=JSON, headers=bearer(make_token(key)))

    assert answer.json() == {"pk": key.public_key}


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ('"x": 1', 200),
        ('"n": {"totApiKey": "a", "n": ["totSecretKey", "\\"totApiKey\\":"]}', 200),
        ('"x": "\\\\", "y": "{[\\"", "\\u007b": "\\\\\\""', 200),
        ('"totApiKey": "again"', 400),
        ('"\\u0074otApiKey": "again"', 400),
        ('"appDomain": "again"', 400),
        ('"x": [', 400),
        ('"x": "', 400),
        ('"n": [' + '{"totApiKey": 1}, ' * MAX_BODY + "1]", 200),
    ],
)
def test_large_body_reads_like_parsed(make_key, read, more, status):
    sent = padded(one_more(json.dumps(body(make_key())), more)).encode()

    assert read(PARSERS["usual"], sent, JSON).status_code == status


@pytest.mark.req("C8")
@pytest.mark.parametrize(
    ("name", "value"),
    [("totApiKey", "1"), ("totApiKey", "null"), ("totSecretKey", '["a"]'), ("appDomain", "{}")],
)
def test_large_body_names_invalid_fields(make_key, read, name, value):
    sent = padded(json.dumps(body(make_key())))
    members = json.loads(sent)
    changed = sent.replace(json.dumps(members[name]), value).encode()

    assert read(PARSERS["usual"], changed, JSON).data.keys() == {name}


def test_undecodable_value_is_malformed(make_key, read):
    key = make_key()

    for value in (b'"\xff"', b'"\\q"'):
        sent = padded(json.dumps(body(key))).encode()
        changed = sent.replace(json.dumps(key.public_key).encode(), value)
        assert read(PARSERS["usual"], changed, JSON).status_code == 400


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [("{", "}", 401), ("{", "", 400), ("[", "]", 200), ("[" * 2000, "", 400)],
)
def test_body_of_names_is_parsed(db, client, start, end, status):
    """In a body of nothing but names, parsing is cheaper than searching."""
    names = '"appDomain": "a", "totSecretKey": "b", "totApiKey": "c", ' * 1000
    members = names if start == "{" else f"{{{names[:-2]}}},"
    sent = start + members + ('"x": 1' if start == "{" else "1") + end

    assert client.post("/anyone", sent, content_type=JSON).status_code == status


def test_form_of_many_fields_is_left(make_key, read, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    key = make_key()
    many = "&a=%41" * 10

    assert read(PARSERS["usual"], form(key, many).encode(), FORM).status_code == 400
    with pytest.raises(TooManyFieldsSent):  # Django's own parser, whose error is a 400
        read(PARSERS["usual"], ("a=1" + many).encode(), FORM)
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = None
    assert read(PARSERS["usual"], form(key, many).encode(), FORM).data["pk"] == key.public_key


# Against a parser

WORDS = st.sampled_from(
    [
        *("totApiKey", "totSecretKey", "appDomain", "x", "", "{", "}]", '"', "\\", '\\"', ":"),
        *('"totApiKey"', '"totApiKey":', 'a"totSecretKey', "totApiKey\\", "{[" * 60),
    ]
)


def spelled(word: str, escapes: int) -> str:
    """Return the word as a string of JSON, with the letters escaped whose bits are set."""
    letters = [
        rf"\u{ord(letter):04x}" if escapes >> index & 1 else json.dumps(letter)[1:-1]
        for index, letter in enumerate(word)
    ]
    return f'"{"".join(letters)}"'


STRINGS = st.builds(spelled, WORDS, st.just(0) | st.integers(0, 2**12))
COLON = st.sampled_from([":", " :", ": ", "\n:\t"])


def members(values: Any) -> Any:
    """Draw an object of JSON, as text."""
    member = st.tuples(STRINGS, COLON, values).map("".join)
    return st.lists(member, max_size=4).map(lambda parts: "{" + ",".join(parts) + "}")


VALUES = st.recursive(
    STRINGS | st.sampled_from(["1", "null", "true", "[]", "-1.5e3"]),
    lambda values: (
        members(values) | st.lists(values, max_size=3).map(lambda all_: f"[{', '.join(all_)}]")
    ),
    max_leaves=8,
)


@pytest.mark.req("C8", "D9")
@given(text=members(VALUES))
def test_search_agrees_with_parser(text):
    few_strings = text.encode() + b" " * (512 * len(text))
    many_strings = (text[:-1] + ("," if text != "{}" else "") + '"": 0, ' * 50 * len(text)).encode()
    expected = [
        (name, value if isinstance(value, str | None) else 0)
        for name, value in parse(JSON, few_strings)
        if name in NAMES
    ]

    for sent in (few_strings, many_strings + b'"": 0}'):
        assert find_in_large_json(sent, "utf-8") == expected
        assert may_have_keys(sent) or not has_trigger(expected)
