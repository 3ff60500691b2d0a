"""The exchange: its errors, its pauses, and where it sends the secret."""

import gzip
import json

import httpx
import pytest

from tests.support.client import LIBRARIES, SECRET, Program, credentials, granted
from tot_jwt import client
from tot_jwt.client import TokenError, TooManyRequests, Unavailable, UnexpectedAnswer

#: The clock of the tests, at its beginning.
NOW = "Tue, 14 Nov 2023 22:30:00 GMT"


#: Status → the exception for it.
ERRORS = {
    400: client.InvalidRequest,
    401: client.InvalidCredentials,
    403: client.InsufficientPermissions,
    404: UnexpectedAnswer,
    413: UnexpectedAnswer,
    429: TooManyRequests,
    500: Unavailable,
    502: Unavailable,
    503: Unavailable,
}


def test_status_selects_the_exception(make_program, api):
    for status, kind in ERRORS.items():
        api.always(status, {"Retry-After": "100"}, json.dumps({"echo": SECRET}).encode())
        with pytest.raises(TokenError) as caught:
            make_program().send()

        assert (type(caught.value), caught.value.status) == (kind, status)
        assert SECRET not in f"{caught.value!r} {caught.value}"

    assert (len(api.exchanges), api.requests) == (len(ERRORS), [])


def test_wrong_url_is_named(program, api):
    api.always(401, {}, b'{"detail": "...", "code": "not_authenticated"}')

    with pytest.raises(UnexpectedAnswer, match="Is it the URL of POST token"):
        program.send()


def test_invalid_fields_are_named(program, api):
    errors = {"appDomain": ["This field is required."], "scopes": [SECRET], SECRET: [SECRET]}
    api.always(400, {}, json.dumps(errors).encode())

    with pytest.raises(client.InvalidRequest, match=r"a token: appDomain, scopes$"):
        program.send()


def date(day, time):
    """Return an HTTP date in November 2023, the month of the clock."""
    name = {13: "Mon", 14: "Tue"}[day]
    return f"{name}, {day} Nov 2023 {time} GMT"


#: Headers of a 429 or 503 → the pause in seconds.
PAUSES = [
    ({"Retry-After": "7"}, 7),
    ({"Retry-After": "0"}, 1),
    ({}, 1),
    ({"Retry-After": "-7"}, 1),
    ({"Retry-After": "soon"}, 1),
    ({"Retry-After": date(14, "22:30:09"), "Date": NOW}, 9),
    ({"Retry-After": date(14, "22:29:00"), "Date": NOW}, 1),
    # The API's clock is a day late.
    ({"Retry-After": date(13, "22:30:09"), "Date": date(13, "22:30:00")}, 9),
    # Without the API's date, the client's clock counts.
    ({"Retry-After": date(14, "22:30:09"), "Date": "never"}, 9),
    ({"Retry-After": date(14, "22:30:09")}, 9),
]


def test_retry_after_is_honoured(api):
    for status in [429, 503]:
        for headers, pause in PAUSES:
            program = Program("requests", api)
            api.replies.append((status, headers, b""))

            assert program.send().status_code == 200
            assert program.clock.pauses == [pause], headers


def test_pauses_grow_and_end(program, api):
    api.always(503, {}, b"")
    start = program.clock.now

    with pytest.raises(Unavailable):
        program.send()

    assert program.clock.pauses == [1, 2, 4, 8, 16]
    assert len(api.exchanges) == 6
    assert program.clock.now - start < 60


def test_long_wait_raises_at_once(program, api):
    api.always(429, {"Retry-After": "3600"}, b"")
    errors = []
    for _ in range(3):
        with pytest.raises(TooManyRequests) as caught:
            program.send()
        errors.append(caught.value.retry_after)
        program.clock.now += 25

    assert (errors, program.clock.pauses) == ([3600, 3575, 3550], [])
    assert len(api.exchanges) == 1
    api.replies.clear()
    assert program.send().status_code == 200


#: Answers that are neither a token nor an error of the API.
STRANGE = [
    granted(""),
    granted("two words"),
    granted("ümlaut"),
    granted("line\nbreak"),
    granted("x" * 4097),
    (200, {}, b'{"token": ["a"], "expiresIn": 900}'),
    *[granted("token", life) for life in [0, -1, True, "900", 1.5, None, 10**10]],
    (200, {}, b"<p>Please log in</p>"),
    (200, {}, b"[]"),
    (200, {}, b'{"token": "token-1", "expiresIn": 900}' + b" " * 70_000),
    (204, {}, b""),
    (201, {}, granted("token")[2]),
]


def test_strange_answers_are_errors(api):
    for reply in STRANGE:
        api.always(*reply)
        with pytest.raises(UnexpectedAnswer) as caught:
            Program("requests", api).send()
        assert caught.value.status == reply[0]

    assert (len(api.exchanges), api.requests) == (len(STRANGE), [])


def test_compressed_answer_is_not_decompressed(make_program, api):
    for status, kind in [(200, UnexpectedAnswer), (503, Unavailable)]:
        body = gzip.compress(granted("token-1")[2])
        headers = {"Content-Encoding": "gzip", "Retry-After": "100"}
        api.always(status, headers, body)

        with pytest.raises(kind):
            make_program().send()
    assert api.headers["accept-encoding"] == "identity"


def test_exchange_follows_no_redirect(make_program, api, elsewhere):
    for status in [301, 302, 303, 307, 308]:
        api.always(status, {"Location": f"{elsewhere.url}/token"}, b"")
        with pytest.raises(UnexpectedAnswer, match="The token URL redirects"):
            make_program().send()

    assert api.requests == elsewhere.requests == []
    # HTTPX's client follows with an empty or blank body, without the secret.
    assert SECRET not in json.dumps(elsewhere.exchanges)


#: URL → what is wrong with it.
UNSAFE = {
    "http://api.example.com/token": "is not encrypted",
    "http://10.0.0.1/token": "is not encrypted",
    "ftp://api.example.com/token": "Use a URL with https",
    "https://user:hunter2@api.example.com/token": "Use a URL with https",
    "https://api.example.com\\@evil.example/token": "Use a URL with https",
    "https://api.example.com:99999/token": "Port out of range",
    "https:///token": "Use a URL with https",
    "https://münchen.example/token": "Use a URL with https",
    "/token": "Use a URL with https",
}


def test_unsafe_urls_are_refused():
    for kind, _ in LIBRARIES.values():
        for url, message in UNSAFE.items():
            with pytest.raises(ValueError, match=message) as caught:
                kind(url, **credentials())
            assert "hunter2" not in str(caught.value)
            with pytest.raises(ValueError, match=message):
                kind("https://api.example.com/token", **credentials(origins=[url]))


def test_loopback_and_explicit_http_are_accepted(api):
    urls = ["http://localhost:8000", "http://api.localhost", "http://[::1]:80"]
    origins = {url: {} for url in [*urls, "https://[2001:db8::1]"]}
    origins["http://api.internal"] = {"allow_http": True}
    kind, _ = LIBRARIES["httpx"]

    for origin, options in origins.items():
        auth = kind(f"{origin}/token", **credentials(**options))
        with httpx.Client(auth=auth, transport=httpx.MockTransport(api.handle)) as program:
            assert program.get(f"{origin}/orders").status_code == 200, origin
    assert len(api.tokens) == len(api.exchanges) == len(origins)


def test_default_ports_are_one_origin(api):
    kind, _ = LIBRARIES["httpx"]
    auth = kind("HTTPS://API.example.com:443/token", **credentials())

    transport = httpx.MockTransport(api.handle)
    with httpx.Client(auth=auth, transport=transport) as program:
        assert program.get("https://api.example.com/orders").status_code == 200
        with pytest.raises(client.OriginNotAllowed, match=r":8443 does not get the token"):
            program.get("https://api.example.com:8443/orders")
        with pytest.raises(client.OriginNotAllowed):
            program.get("http://api.example.com/orders")


def test_secret_of_other_type_is_refused():
    for kind, _ in LIBRARIES.values():
        with pytest.raises(TypeError, match="of the type bytes, not a string"):
            kind("https://api.example.com/token", **credentials(secret_key=b"sk_live"))
