"""What holds for every answer of the exchange (contract §1)."""

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import override_settings
from django.urls import resolve

from tests.support.requests import TOKEN_URL, body


def every_answer(client, key):
    """Yield one answer of each status."""
    right = body(key)
    yield client.post(TOKEN_URL, right, content_type="application/json")
    yield client.post(TOKEN_URL, "{", content_type="application/json")
    yield client.post(TOKEN_URL, {**right, "totSecretKey": "x"}, content_type="application/json")
    yield client.post(TOKEN_URL, {**right, "scopes": "x"}, content_type="application/json")
    yield client.put(TOKEN_URL)
    yield client.post(TOKEN_URL, "x" * 9000, content_type="application/json")
    yield client.post(TOKEN_URL, "x", content_type="text/xml")
    yield client.get(TOKEN_URL)


@pytest.mark.req("C5", "C2")
@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml;q=0.9", "nonsense", "application/json; indent=4"]
)
def test_every_answer_is_uncacheable_json(make_key, client, accept):
    client.defaults["HTTP_ACCEPT"] = accept
    answers = list(every_answer(client, make_key()))

    assert [answer.status_code for answer in answers] == [200, 400, 401, 403, 405, 413, 415, 401]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Pragma"] == "no-cache"
        assert b'": ' not in answer.content


@pytest.mark.req("C1", "C5")
@pytest.mark.parametrize(
    "defaults",
    [
        {"DEFAULT_AUTHENTICATION_CLASSES": []},
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]},
        {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"]},
        {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]},
        {
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
            "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
        },
        {
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
            "COMPACT_JSON": False,
        },
        {"DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.MultiPartParser"]},
        {
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
            "ALLOWED_VERSIONS": ["9"],
        },
        {"EXCEPTION_HANDLER": "nowhere.to_be_found"},
        {"UNAUTHENTICATED_USER": None, "URL_FORMAT_OVERRIDE": "f", "FORMAT_SUFFIX_KWARG": "x"},
    ],
    ids=lambda defaults: next(iter(defaults)),
)
def test_host_defaults_change_no_answer(make_key, client, defaults):
    key = make_key()
    expected = [(a.status_code, a.headers, a.json().keys()) for a in every_answer(client, key)]
    with override_settings(REST_FRAMEWORK=defaults):
        assert [
            (a.status_code, a.headers, a.json().keys()) for a in every_answer(client, key)
        ] == expected


@pytest.mark.req("C5")
def test_sent_values_are_never_echoed(db, client):
    marker = "zebra7"
    for sent in (
        {"appDomain": marker, "totApiKey": marker, "totSecretKey": marker},
        {"appDomain": [marker]},
        {marker: 1},
    ):
        for answer in (
            client.post(TOKEN_URL, sent, content_type="application/json"),
            client.post(TOKEN_URL + f"?{marker}=1", marker, content_type="application/json"),
            client.generic(marker, TOKEN_URL),
        ):
            assert marker not in answer.content.decode().lower()
            assert marker not in str(answer.headers).lower()


@pytest.mark.req("C5")
def test_answers_are_never_translated(make_key, client, settings):
    settings.LANGUAGE_CODE = "de"
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"

    answers = [answer.json() for answer in every_answer(client, make_key())]

    assert answers[2]["detail"] == "Invalid credentials"
    assert answers[7]["detail"] == "Authentication credentials were not provided."


@pytest.mark.req("D4")
def test_view_ignores_atomic_requests():
    assert resolve(TOKEN_URL).func._non_atomic_requests == {"default"}


@pytest.mark.req("D2")
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_unreachable_database_gives_503(make_key, post_token, caplog, error):
    key = make_key()

    def fail(*args):
        raise error("gone")

    with connection.execute_wrapper(fail):
        answer = post_token(key)

    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert any(message.endswith(": gone") for message in caplog.messages)
    assert post_token(key).status_code == 200


def test_unexpected_error_reaches_django(make_key, post_token):
    key = make_key()

    def fail(*args):
        raise TypeError("a bug")

    with connection.execute_wrapper(fail), pytest.raises(TypeError, match="a bug"):
        post_token(key)
