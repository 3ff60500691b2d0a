"""Requests and tokens that Hypothesis changes: never a 500, and a 200 only for equal credentials.

The tests compare credentials with readers of their own, which share no code with the package.
"""

import json
from base64 import b64decode, b64encode
from itertools import product
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.draws import draws
from tests.support.hostile import MARKER, send, stored
from tests.support.keys_client import KEYS_URL, url_of
from tests.support.oauth import (
    ENDPOINTS,
    INTROSPECT,
    MAY_INTROSPECT,
    TOKEN,
    basic_of,
    error_of,
    form_of,
    members_of,
    post,
)
from tests.support.requests import FORM, JSON, TOKEN_URL, body
from tests.support.tokens import CLAIMS, HEADER, b64, claims_for, sign
from tot_jwt.access.verification import verify_token
from tot_jwt.exceptions import InvalidToken

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FIELDS = ("appDomain", "totApiKey", "totSecretKey")

#: All examples of a test share its fixtures; no request changes the rows that they created.
fuzz = draws()

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from([10**30, -1, 0, 1.0, "", "\0", "\ud800", "tot-jwt", 2**63, 253_402_300_800]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
any_header = st.text(st.characters(max_codepoint=255), max_size=60)
some_bytes = st.binary(max_size=40)


@pytest.fixture
def good(good, unlimited, settings):
    """Return the good key of the folder, in a domain that may have many keys."""
    settings.TOT_JWT = {**settings.TOT_JWT, "MAX_ACTIVE_KEYS_PER_DOMAIN": 10_000}
    return good


def is_rejected(raw):
    """Return whether the package rejects the string as a token."""
    with pytest.raises(InvalidToken):
        verify_token(raw, address="127.0.0.1")
    return True


def is_silent(answer, good):
    """Return whether the answer repeats neither the secret nor the marker."""
    return (
        good.secret.encode() not in answer.serialize() and MARKER.encode() not in answer.serialize()
    )


# Tokens


@pytest.mark.req("A7", "A8")
def test_no_token_bit_can_change(good):
    """Flip each bit of each character, and each of the six bits that a character encodes."""
    verify_token(good.token, address="127.0.0.1")
    flipped = [
        good.token[:at] + chr(ord(character) ^ 1 << bit) + good.token[at + 1 :]
        for (at, character), bit in product(enumerate(good.token), range(8))
    ]
    respelt = [
        good.token[:at] + ALPHABET[ALPHABET.index(character) ^ 1 << bit] + good.token[at + 1 :]
        for (at, character), bit in product(enumerate(good.token), range(6))
        if character != "."
    ]

    assert all(is_rejected(raw) for raw in [*flipped, *respelt])


@pytest.mark.req("A7")
def test_token_length_cannot_change(good):
    shorter = [good.token[:at] + good.token[at + 1 :] for at in range(len(good.token))]
    longer = [
        good.token[:at] + more + good.token[at:]
        for at in range(len(good.token) + 1)
        for more in "A.= \n"
    ]

    assert all(is_rejected(raw) for raw in [*shorter, *longer])


@pytest.mark.req("A8")
def test_mixed_token_parts_are_rejected(good, make_key, make_token):
    other_key, other = (
        make_token(make_key()).split("."),
        make_token(good.key, scopes="keys:manage").split("."),
    )
    parts = zip(
        good.token.split("."), other_key, other, ["", "e30", b64(b'{"alg":"none"}')], strict=True
    )
    issued = {good.token, ".".join(other_key), ".".join(other)}

    assert all(
        is_rejected(raw) for raw in {".".join(spliced) for spliced in product(*parts)} - issued
    )


@pytest.mark.req("A8")
@fuzz
@given(st.integers(0, 500), st.integers(0, 500))
def test_joined_token_halves_are_rejected(good, one, other):
    again = sign(claims_for(good.key, scope="keys:manage"))
    joined = good.token[:one] + again[other:]

    assert joined in (good.token, again) or is_rejected(joined)


@pytest.mark.req("A8", "A9")
@fuzz
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "alg",
                "typ",
                "kid",
                "jku",
                "jwk",
                "x5u",
                "x5c",
                "x5t",
                "crit",
                "b64",
                "zip",
                "cty",
                "enc",
            ]
        ),
        any_json
        | st.sampled_from(
            ["HS256", "none", "JWT", True, False, ["b64"], "https://zebra7.example.com"]
        ),
    ).map(lambda members: {**HEADER, **members})
)
@example(HEADER)
def test_only_exact_token_header_is_accepted(good, header):
    token = sign(claims_for(good.key), header)
    is_ours = token.partition(".")[0] == b64(b'{"alg":"HS256","typ":"JWT"}')

    answer = send(headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == (200 if is_ours else 401)
    assert is_silent(answer, good)


#: Claims that may have other values; all others must keep theirs.
FREE = {
    "scope": lambda value: type(value) is str,
    "jti": lambda value: type(value) is str,
    "iat": lambda value: type(value) is int and value >= 0,
    "exp": lambda value: type(value) is int and value <= 253_402_300_799,
}


@pytest.mark.req("A8")
@fuzz
@given(st.dictionaries(st.sampled_from(CLAIMS), any_json, min_size=1, max_size=2))
@example({})
@example({"jti": "another", "scope": "orders:read"})
@example({"iat": 1, "exp": 2})
def test_changed_claims_are_rejected(good, changes):
    claims = claims_for(good.key)
    could_be = all(
        FREE.get(name, lambda value, right=claims[name]: value == right)(value)
        and type(value) is type(claims[name])
        for name, value in changes.items()
    )

    answer = send(headers={"Authorization": f"Bearer {sign({**claims, **changes})}"})

    assert answer.status_code in ((200, 401) if could_be else (401,))
    assert is_silent(answer, good)


@pytest.mark.req("A7", "A8")
@fuzz
@given(any_header | st.lists(some_bytes.map(b64), max_size=4).map(".".join) | any_json.map(sign))
def test_arbitrary_tokens_are_rejected(good, raw):
    headers = {"Authorization": f"Bearer {raw}"}

    for answer in (
        send(headers=headers),
        send(path=KEYS_URL, headers=headers),
        send(path="/me", headers=headers),
    ):
        assert answer.status_code == 401
        assert is_silent(answer, good)


# Bodies

RIGHT = "replaced by the correct value"
#: Bytes that mean something to a parser of JSON or of forms, or to a careless one.
FRAGMENTS = [
    *b'"\\{}[]:,/ &=%+;#\0\n\r\t\x0b\x7f\xa0\xc0\xed\xff',
    b'\\"',
    b"\\u0000",
    b"\\ud800",
    b"\\u0041",
    b"%00",
    b"%ff",
    b"%41",
    b"NaN",
    b"null",
    b"1e999",
    b"/**/",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xf0\x9f\xa6\x93",
    b'"totSecretKey": "", ',
    b"totSecretKey=&",
    b"[" * 40,
]
fragments = st.sampled_from(FRAGMENTS).map(
    lambda one: bytes([one]) if isinstance(one, int) else one
)
edits = st.lists(
    st.tuples(st.integers(0, 250), st.integers(0, 4), fragments | some_bytes | st.just(b"")),
    max_size=3,
)


def edited(text, edits):
    """Return the text with each edit applied in turn: where, how many bytes, what instead."""
    for at, length, instead in edits:
        text = text[:at] + instead + text[at + length :]
    return text


def fields_of(pairs):
    """Return the credentials among the pairs; the domain in lower case, since case is ignored."""
    fields = [(name, value) for name, value in pairs if name in FIELDS]
    return sorted((name, value.lower() if name == "appDomain" else value) for name, value in fields)


@pytest.mark.req("B4", "B5", "C3")
@fuzz
@given(edits)
@example([])
@example([(0, 1, b"")])
def test_accepted_json_has_same_credentials(good, edits):
    sent = edited(good.json, edits)

    for answer in (send("POST", sent=sent), send("POST", "/keys-only", sent)):
        assert answer.status_code in (200, 400, 401, 413)
        assert answer.status_code != 200 or fields_of(
            json.loads(sent, object_pairs_hook=list)
        ) == fields_of(body(good.key).items())
        assert is_silent(answer, good) or answer.status_code == 200


@pytest.mark.req("B4", "B5", "C3")
@fuzz
@given(edits)
@example([])
@example([(0, 1, b"")])
def test_accepted_form_has_same_credentials(good, edits):
    sent = edited(good.form, edits)

    for answer in (
        send("POST", sent=sent, content_type=FORM),
        send("POST", "/keys-only", sent, FORM),
    ):
        assert answer.status_code in (200, 400, 401, 413)
        assert answer.status_code != 200 or fields_of(parse_qsl(sent.decode(), True)) == fields_of(
            body(good.key).items()
        )
        assert is_silent(answer, good) or answer.status_code == 200


@pytest.mark.req("B4", "C3")
@fuzz
@given(
    st.lists(
        st.tuples(st.sampled_from([*FIELDS, "x", "y", "APPDOMAIN"]), st.just(RIGHT) | any_json),
        max_size=6,
    )
)
@example([(name, RIGHT) for name in FIELDS])
@example([("x", RIGHT), *((name, RIGHT) for name in reversed(FIELDS)), ("x", 1)])
def test_members_need_exact_credentials_once(good, members):
    right = body(good.key)
    pairs = [(name, right.get(name) if value == RIGHT else value) for name, value in members]
    ours = [pair for pair in pairs if pair[0] in FIELDS]
    sent = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs)
    is_right = dict(ours) == right and len(ours) == len(FIELDS)

    answer = send("POST", sent=f"{{{sent}}}".encode())

    assert answer.status_code in ((200,) if is_right else (400, 401))


@pytest.mark.req("C3")
@fuzz
@given(
    some_bytes | st.lists(fragments, max_size=10).map(b"".join),
    st.sampled_from([JSON, FORM, "text/plain", ""]),
)
def test_arbitrary_bytes_are_rejected(good, sent, content_type):
    for method, path in [("POST", TOKEN_URL), ("POST", KEYS_URL), ("PATCH", url_of(good.key))]:
        answer = send(method, path, sent, content_type, good.bearer)

        assert answer.status_code in (400, 415)
        assert answer.headers["Content-Type"] == JSON
    assert send("POST", "/me", sent, content_type).status_code in (400, 401)


# Everything else of a request


@pytest.mark.req("B5", "C2")
@fuzz
@given(
    st.dictionaries(
        st.sampled_from(["Tot-App-Domain", "Tot-Api-Key", "Tot-Secret-Key"]), any_header, min_size=1
    )
)
def test_changed_key_headers_are_rejected(good, headers):
    changes = any(good.headers[name] != value for name, value in headers.items())
    answer = send(path="/keys-only", headers=good.headers | headers)

    assert answer.status_code in ((400, 401) if changes else (200,))
    assert is_silent(answer, good)


PARTS_OF_TYPES = [
    JSON,
    FORM,
    "text/",
    "/",
    ";",
    ";",
    "charset",
    "=",
    "utf-8",
    "utf-16",
    '"',
    "*",
    "''",
    " ",
    ",",
    "\\",
]


@pytest.mark.req("C3")
@fuzz
@given(st.lists(st.sampled_from(PARTS_OF_TYPES), max_size=8).map("".join))
@example(JSON)
def test_accepted_content_type_is_json(good, content_type):
    answer = send("POST", sent=good.json, content_type=content_type)

    assert answer.status_code in (200, 400, 415)
    assert answer.status_code != 200 or content_type.strip(" ").startswith(JSON)


@pytest.mark.req("C3")
@fuzz
@given(st.integers().map(str) | st.text(st.characters(max_codepoint=255), max_size=8))
@example("9" * 3)
def test_accepted_length_covers_the_body(good, length):
    answer = send("POST", sent=good.json, CONTENT_LENGTH=length)

    assert answer.status_code in (200, 400, 413)
    assert answer.status_code != 200 or int(length) >= len(good.json)


@pytest.mark.req("C3")
@fuzz
@given(
    st.lists(
        any_header | st.sampled_from(["totApiKey", "totSecretKey", "&", "=", "%", "%41", ";", "+"])
    ).map("".join)
)
@example("x=1")
@example("tot%41piKey=")
def test_keys_in_any_query_are_rejected(good, query):
    names = dict(parse_qsl(query, keep_blank_values=True))

    answer = send("POST", sent=good.json, QUERY_STRING=query)

    assert answer.status_code == (400 if {"totApiKey", "totSecretKey"} & names.keys() else 200)


NOT_ASKED_FOR = [
    "ACCEPT",
    "ACCEPT_LANGUAGE",
    "AUTHORIZATION",
    "COOKIE",
    "ORIGIN",
    "TOT_API_KEY",
    "X_FORWARDED_FOR",
]
not_asked_for = st.sampled_from(["REMOTE_ADDR", *(f"HTTP_{name}" for name in NOT_ASKED_FOR)])


@pytest.mark.req("C5", "D1")
@fuzz
@given(st.dictionaries(not_asked_for, any_header))
def test_irrelevant_headers_change_nothing(good, environ):
    assert send("POST", sent=good.json, **environ).status_code == 200


@pytest.mark.req("F2")
@fuzz
@given(st.binary(min_size=1, max_size=40) | st.text(min_size=1, max_size=40))
def test_arbitrary_public_key_is_not_found(good, public_key):
    before = stored()
    url = f"{KEYS_URL}/{quote(public_key, safe='')}"

    for method in ("GET", "PATCH", "DELETE"):
        answer = send(method, url, b"{}", headers=good.bearer)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert stored() == before


@pytest.fixture
def child(good):
    """Return the URL of a key that the good key created."""
    made = send("POST", KEYS_URL, b'{"name": "x", "scopes": []}', headers=good.bearer)
    return url_of(made.json()["totApiKey"])


moments = st.datetimes().map(lambda moment: moment.isoformat())
networks = st.tuples(
    st.ip_addresses().map(str), st.sampled_from(["", "/0", "/8", "/32", "/128", "/129", "%x", "/"])
)
wanted = {
    "name": st.text(st.characters(exclude_categories=()), max_size=210),
    "scopes": st.lists(
        st.sampled_from(["orders:read", "keys:manage", "other", "", " "]), max_size=2
    ),
    "expiresAt": st.tuples(moments, st.sampled_from(["", "Z", "+14:00", "-23:59", "+24:00"])).map(
        "".join
    ),
    "allowedIps": st.lists(networks.map("".join), max_size=3),
    "canIssueTokens": st.booleans(),
}


@pytest.mark.req("B4", "F1")
@fuzz
@given(
    st.fixed_dictionaries({}, optional={name: right | any_json for name, right in wanted.items()})
)
@example({"name": "x", "scopes": ["orders:read"]})
def test_created_key_stays_within_rights(good, members):
    sent = json.dumps({"name": "x", "scopes": [], **members}).encode()

    answer = send("POST", KEYS_URL, sent, headers=good.bearer)

    assert answer.status_code in (201, 400, 403)
    assert answer.status_code != 201 or set(answer.json()["scopes"]) <= {"orders:read"}


@pytest.mark.req("B4", "F1")
@fuzz
@given(st.dictionaries(st.sampled_from([*list(wanted)[:4], "disabled", "x"]), any_json))
def test_arbitrary_change_never_adds_scopes(good, child, members):
    answer = send("PATCH", child, json.dumps(members).encode(), headers=good.bearer)

    assert answer.status_code in (200, 400, 403)
    assert answer.status_code != 200 or answer.json()["scopes"] == []


# OAuth


def has_oauth_format(answer, good):
    """Assert that the response has its format; return whether it is a success."""
    if answer.status_code == 200:
        return members_of(answer) is not None
    status, error = error_of(answer)
    assert status in (400, 401, 403, 413)
    assert error in (
        "invalid_request",
        "invalid_client",
        "invalid_scope",
        "unsupported_grant_type",
        "unauthorized_client",
        "invalid_token",
        "insufficient_scope",
    )
    assert is_silent(answer, good)
    return False


def basic_credentials(header):
    """Return id and secret that HTTP Basic has, as a reader of our own finds them."""
    user, _, password = b64decode(header.split(" ", 1)[1]).decode().partition(":")
    ((_, client_id), (_, secret)) = parse_qsl(f"a={user}&b={password}", True)
    return {"client_id": client_id, "client_secret": secret}


@pytest.fixture
def resource_server(make_key):
    """Return the key of a client that may introspect."""
    return make_key(scopes=[MAY_INTROSPECT])


some_basic = st.one_of(
    any_header,
    any_header.map(lambda text: f"Basic {text}"),
    st.text(max_size=40).map(
        lambda text: f"Basic {b64encode(text.encode(errors='replace')).decode()}"
    ),
    st.binary(max_size=40).map(lambda data: f"basic {b64encode(data).decode()}"),
)


@pytest.mark.req("B4", "C3")
@fuzz
@given(some_basic)
def test_arbitrary_basic_is_rejected(good, header):
    for url in ENDPOINTS:
        answer = post(url, {"client_id": "", "token": good.token}, {"Authorization": header})
        assert not has_oauth_format(answer, good)


@pytest.mark.req("B4", "B5")
@fuzz
@given(edits)
@example([])
@example([(0, 1, b"")])
def test_accepted_basic_has_same_credentials(good, edits):
    text = b64decode(basic_of(good.key)["Authorization"].removeprefix("Basic "))
    header = f"Basic {b64encode(edited(text, edits)).decode()}"

    answer = post(TOKEN, headers={"Authorization": header})

    if has_oauth_format(answer, good):
        assert basic_credentials(header) == form_of(good.key)


@pytest.mark.req("B4", "B5", "C3")
@fuzz
@given(edits)
@example([])
@example([(0, 1, b"")])
def test_accepted_oauth_form_is_same(good, edits):
    given = {**form_of(good.key), "grant_type": "client_credentials", "token": good.token}
    sent = edited(urlencode(given).encode(), edits)

    if has_oauth_format(post(TOKEN, sent), good):
        pairs = [pair for pair in parse_qsl(sent.decode(), True) if pair[0] in form_of(good.key)]
        assert sorted(pairs) == sorted(form_of(good.key).items())
    for url in ENDPOINTS[1:]:
        has_oauth_format(post(url, sent), good)


@pytest.mark.req("C3")
@fuzz
@given(some_bytes | st.lists(fragments, max_size=10).map(b"".join), any_header)
def test_arbitrary_oauth_bytes_are_rejected(good, sent, query):
    for url in ENDPOINTS:
        answer = post(url, sent, basic_of(good.key), QUERY_STRING=query)
        assert not has_oauth_format(answer, good)


@pytest.mark.req("A8", "C3")
@fuzz
@given(st.text(max_size=60) | any_json.map(sign))
def test_arbitrary_token_is_inactive(good, resource_server, token):
    answer = post(INTROSPECT, {"token": token}, basic_of(resource_server))

    assert has_oauth_format(answer, good) == bool(token)
    assert not token or answer.json() == {"active": False}
