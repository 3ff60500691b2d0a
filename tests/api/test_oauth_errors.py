"""Invalid requests to the OAuth endpoints, limits, and a database that is gone (contract §6)."""

import json
from datetime import UTC, datetime
from io import BytesIO

import pytest
import time_machine
from django.db import InterfaceError, OperationalError, connection

from tests.support.faults import database_gone
from tests.support.hostile import rows
from tests.support.oauth import (
    ENDPOINTS,
    INVALID_REQUEST,
    INVALID_SCOPE,
    MAY_INTROSPECT,
    SLOW_DOWN,
    TOKEN,
    UNAVAILABLE,
    basic,
    basic_of,
    description_of,
    error_of,
    form_of,
    members_of,
    post,
)
from tests.support.requests import FORM, JSON, TOKEN_URL, body
from tot_jwt.keys import state as key_state

pytestmark = pytest.mark.django_db

UNSUPPORTED = (415, "invalid_request")
TOO_LARGE = (413, "invalid_request")
GOOD = b"grant_type=client_credentials&token=x"


@pytest.fixture
def key(make_key):
    """Return the key of a client that may introspect."""
    return make_key(scopes=[MAY_INTROSPECT])


BODIES = {
    "good": (GOOD, None),
    "grant twice": (GOOD + b"&grant_type=client_credentials", INVALID_REQUEST),
    "token twice": (GOOD + b"&token=x", INVALID_REQUEST),
    "token twice, once empty": (GOOD + b"&token=", INVALID_REQUEST),
    "name escaped": (GOOD + b"&tok%65n=x", INVALID_REQUEST),
    "scope twice": (GOOD + b"&scope=a&scope=a", INVALID_REQUEST),
    "id twice": (GOOD + b"&client_id=a&client_id=a", INVALID_REQUEST),
    "secret twice": (GOOD + b"&client_secret=&client_secret=", INVALID_REQUEST),
    "hint twice": (GOOD + b"&token_type_hint=a&token_type_hint=b", INVALID_REQUEST),
    "others twice": (GOOD + b"&x=1&x=2&appDomain=a&appDomain=b&totSecretKey=", None),
    "not UTF-8": (GOOD + b"&x=\xff", INVALID_REQUEST),
    "escape of no UTF-8": (GOOD + b"&x=%ff", INVALID_REQUEST),
    "surrogate": (GOOD + b"&x=%ed%a0%80", INVALID_REQUEST),
    "empty": (b"", "missing"),
    "only separators": (b"&&=&", "missing"),
    "1,001 parameters": (GOOD + b"&a=b" * 1000, INVALID_REQUEST),
    "8,192 bytes": (GOOD + b"&x=" + b"x" * (8192 - len(GOOD) - 3), None),
    "8,193 bytes": (GOOD + b"&x=" + b"x" * (8193 - len(GOOD) - 3), TOO_LARGE),
    "5 MB": (GOOD + b"&x=" + b"x" * 5_000_000, TOO_LARGE),
    "JSON": (json.dumps({"grant_type": "client_credentials", "token": "x"}).encode(), "JSON"),
    "list in JSON": (b'["zebra7"]', "missing"),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize(("sent", "expected"), rows(BODIES))
def test_hostile_body_is_invalid(key, sent, expected, url):
    answer = post(url, sent, basic_of(key))

    if expected is None:
        assert members_of(answer) is not None
    elif isinstance(expected, str):
        assert error_of(answer) == INVALID_REQUEST
        assert expected.lower() in description_of(answer).lower()
    else:
        assert error_of(answer) == expected


@pytest.mark.req("E1")
@pytest.mark.parametrize("url", ENDPOINTS)
def test_json_is_not_reported_as_form(key, url):
    """Parsed as a form, the JSON is the name of a field. Error reports hide only values."""
    answer = post(url, json.dumps(form_of(key)).encode())

    assert error_of(answer) == INVALID_REQUEST
    assert description_of(answer) == "The body is JSON, not a form"
    assert key.secret not in str(answer.wsgi_request.POST)


CONTENT_TYPES = {
    "form": (FORM, None),
    "charset": (f"{FORM}; charset=UTF-8", None),
    "upper case": (FORM.upper(), None),
    "none": ("", UNSUPPORTED),
    "JSON": (JSON, UNSUPPORTED),
    "text": ("text/plain", UNSUPPORTED),
    "parts": ("multipart/form-data; boundary=x", UNSUPPORTED),
    "UTF-16": (f"{FORM}; charset=utf-16", UNSUPPORTED),
    "Latin-1": (f"{FORM}; charset=iso-8859-1", UNSUPPORTED),
    "UTF-7": (f"{FORM}; charset=utf-7", UNSUPPORTED),
    "unknown charset": (f"{FORM}; charset=zebra7", UNSUPPORTED),
    "list": (f"{FORM}, {FORM}", UNSUPPORTED),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize(("content_type", "expected"), rows(CONTENT_TYPES))
def test_only_forms_are_supported(key, content_type, expected, url):
    answer = post(url, GOOD, basic_of(key), CONTENT_TYPE=content_type)

    assert (answer.status_code == 200) if expected is None else (error_of(answer) == expected)


LENGTHS = {
    "exact": ({"CONTENT_LENGTH": str(len(GOOD))}, None),
    "text": ({"CONTENT_LENGTH": "zebra7"}, INVALID_REQUEST),
    "huge": ({"CONTENT_LENGTH": "9" * 40}, TOO_LARGE),
    "empty": ({"CONTENT_LENGTH": "500", "wsgi.input": BytesIO()}, INVALID_REQUEST),
    "chunks that the server reads": (
        {
            "CONTENT_LENGTH": "",
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input_terminated": True,
        },
        None,
    ),
    "chunks": (
        {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        (411, "invalid_request"),
    ),
}


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize(("environ", "expected"), rows(LENGTHS))
def test_hostile_length_is_invalid(key, environ, expected, url):
    answer = post(url, GOOD, basic_of(key), **environ)

    assert (answer.status_code == 200) if expected is None else (error_of(answer) == expected)


@pytest.mark.req("C5")
@pytest.mark.parametrize("url", ENDPOINTS)
def test_hosts_own_limits_keep_format(key, settings, url):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20
    assert error_of(post(url, GOOD, basic_of(key))) == TOO_LARGE

    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    assert error_of(post(url, GOOD, basic_of(key))) == INVALID_REQUEST

    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = None
    assert post(url, GOOD, basic_of(key)).status_code == 200


@pytest.mark.req("C3", "C5")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("grant_type=password&scope=zebra7&token_type_hint=x", None),
        ("client_id=zebra7", None),
        ("client_secret=zebra7", INVALID_REQUEST),
        ("client_secret", INVALID_REQUEST),
        ("client%5Fsecret=", INVALID_REQUEST),
        ("totSecretKey=zebra7", INVALID_REQUEST),
        ("token=zebra7", INVALID_REQUEST),
        ("access_token=zebra7", INVALID_REQUEST),
        ("a=b&" * 1001, INVALID_REQUEST),
    ],
    ids=lambda value: str(value)[:30],
)
def test_secret_in_query_is_invalid(key, query, expected, url):
    answer = post(f"{url}?{query}", GOOD, basic_of(key))

    assert (answer.status_code == 200) if expected is None else (error_of(answer) == expected)


@pytest.mark.req("C3")
def test_query_never_authenticates(key):
    query = f"client_id={key.public_key}&client_secret={key.secret}"

    answer = post(f"{TOKEN}?{query}", GOOD)

    assert error_of(answer) == INVALID_REQUEST
    assert description_of(answer) == "Credentials and tokens in the URL are not accepted"


@pytest.mark.req("C5")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options", "trace"])
def test_only_post_is_allowed(client, url, method):
    answer = getattr(client, method)(url)

    assert answer.headers["Allow"] == "POST"
    assert answer.status_code == 405
    assert method == "head" or error_of(answer) == (405, "invalid_request")
    assert method == "head" or description_of(answer) == "The only method is POST"


@pytest.mark.req("C5")
@pytest.mark.parametrize("url", ENDPOINTS)
def test_sent_values_are_never_echoed(key, url):
    mark = "zebra7"
    named = dict.fromkeys(("client_id", "client_secret", "scope", "token", "x"), mark)
    sent = [
        (named, None),
        ({"grant_type": mark, mark: mark}, basic_of(key)),
        ({"scope": f'"{mark}'}, basic_of(key)),
        (f"{mark}=%ff".encode(), basic(mark, mark)),
        (f'{{"{mark}": 1}}'.encode(), None),
        (None, {"Authorization": mark}),
        (None, {"Authorization": f"Bearer {mark}"}),
    ]

    for content, headers in sent:
        answer = post(f"{url}?{mark}={mark}", content or GOOD, headers)
        assert mark.encode() not in answer.serialize()


@pytest.mark.req("C5")
def test_answers_are_never_translated(key, settings):
    settings.LANGUAGE_CODE = "de"

    answers = [
        post(TOKEN, sent, basic_of(key), HTTP_ACCEPT_LANGUAGE="de")
        for sent in ({"scope": "x"}, {"grant_type": None})
    ]

    assert [error_of(answer) for answer in answers] == [INVALID_SCOPE, INVALID_REQUEST]
    assert description_of(answers[0]) == "The client does not have the requested scope"
    assert description_of(answers[1]) == "Missing parameter: grant_type"


# Limits


@pytest.mark.req("D1")
@pytest.mark.parametrize("url", ENDPOINTS)
@time_machine.travel(datetime(2025, 10, 29, 18, 23, 45, 500_000, tzinfo=UTC), tick=False)
def test_too_many_failures_slow_down(make_key, key, client, settings, url):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"key": "2/min"}}
    wrong = basic(key.public_key, "x")

    assert client.post(TOKEN_URL, body(key, totSecretKey="x"), content_type=JSON).status_code == 401
    assert post(url, headers=wrong).status_code == 401
    throttled = post(url, headers=wrong)

    assert error_of(throttled) == SLOW_DOWN
    assert throttled.headers["Retry-After"] == "15"
    assert "WWW-Authenticate" not in throttled.headers
    assert client.post(TOKEN_URL, body(key, totSecretKey="x"), content_type=JSON).status_code == 429
    assert post(url, headers=basic_of(key)).status_code == 200


@pytest.mark.req("D1")
def test_exchange_rate_counts_both_endpoints(key, client, settings, pass_time):
    settings.TOT_JWT = {"EXCHANGE_RATE": "2/min"}
    exchange = lambda: client.post(TOKEN_URL, body(key), content_type=JSON)  # noqa: E731

    assert exchange().status_code == 200
    assert post(TOKEN, headers=basic_of(key)).status_code == 200
    throttled = post(TOKEN, form_of(key))

    assert error_of(throttled) == SLOW_DOWN
    assert throttled.headers["Retry-After"] == "60"
    assert exchange().status_code == 429


@pytest.mark.req("D1")
def test_only_wrong_credentials_are_counted(key, settings):
    settings.TOT_JWT = {"EXCHANGE_FAILURE_RATES": {"address": "1/min", "key": "1/min"}}
    sent = [{"scope": "not-held"}, {"grant_type": "x"}, {"client_secret": "x"}]

    for parameters in sent * 2:
        assert post(TOKEN, parameters, basic_of(key)).status_code == 400
    assert post(TOKEN, headers=basic(key.public_key, "x")).status_code == 401
    assert post(TOKEN, headers=basic(key.public_key, "x")).status_code == 429


# The database


@pytest.mark.req("D2")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_unreachable_database_gives_503(key, url, error):
    def fail(*_):
        raise error("gone")

    key_state.reset()
    with connection.execute_wrapper(fail):
        answer = post(url, headers=basic_of(key))

    assert error_of(answer) == UNAVAILABLE
    assert answer.headers["Retry-After"] == "5"
    assert post(url, headers=basic_of(key)).status_code == 200


@pytest.mark.req("D4")
@pytest.mark.parametrize("url", ENDPOINTS)
@pytest.mark.django_db(transaction=True)
def test_atomic_requests_change_no_answer(key, url, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    assert post(url, headers=basic_of(key)).status_code == 200
    key_state.reset()
    with database_gone():
        assert error_of(post(url, headers=basic_of(key))) == UNAVAILABLE


@pytest.mark.req("D2")
def test_cached_state_outlasts_the_database(key):
    assert post(TOKEN, headers=basic_of(key)).status_code == 200

    with database_gone():
        assert post(TOKEN, headers=basic_of(key)).status_code == 200
        assert error_of(post(TOKEN, headers=basic(key.public_key, "x"))) == UNAVAILABLE


def claims_of_host(client):
    """Return claims for TOKEN_CLAIMS: too many for a client with the scope `long`."""
    return {"x": "x" * (4000 if "long" in client.scopes else 40)}


def test_token_over_limit_is_unavailable(make_key, settings):
    settings.TOT_JWT = {"TOKEN_CLAIMS": "tests.api.test_oauth_errors.claims_of_host"}

    assert members_of(post(TOKEN, headers=basic_of(make_key())))["access_token"]
    assert error_of(post(TOKEN, headers=basic_of(make_key(scopes=["long"])))) == UNAVAILABLE


def test_bug_is_left_to_django(key):
    def fail(*_):
        raise TypeError("a bug")

    key_state.reset()
    with connection.execute_wrapper(fail), pytest.raises(TypeError, match="a bug"):
        post(TOKEN, headers=basic_of(key))
