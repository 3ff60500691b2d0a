"""GET token: the verification of a token."""

import pytest
import time_machine

from tests.support.requests import TOKEN_URL
from tests.support.times import NOON


@time_machine.travel(NOON, tick=False)
def test_valid_token_is_described(make_key, make_token, get_token):
    answer = get_token(make_token(make_key(app_domain__domain="myapp.com")))

    assert answer.status_code == 200
    assert answer.json() == {
        "valid": True,
        "appDomain": "myapp.com",
        "issuedAt": "2025-10-29T12:00:00.000Z",
        "expiresAt": "2025-10-29T12:15:00.000Z",
    }


def test_head_answers_without_a_body(make_key, make_token, client):
    headers = {"Authorization": f"Bearer {make_token(make_key())}"}

    answer = client.head(TOKEN_URL, headers=headers)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.req("C2")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_scheme_may_have_any_case(make_key, make_token, client, scheme):
    headers = {"Authorization": f"{scheme} {make_token(make_key())}"}

    assert client.get(TOKEN_URL, headers=headers).status_code == 200


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    "header",
    [None, "", "Basic abc", "Token a.b.c", "Bearer\x0ba.b.c", "Bearer\ta.b.c", " Bearer a.b.c"],
)
def test_request_without_bearer_is_not_authenticated(db, client, header):
    headers = {} if header is None else {"Authorization": header}

    answer = client.get(TOKEN_URL, headers=headers)

    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "Authentication credentials were not provided.",
        "code": "not_authenticated",
    }
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_challenge_quotes_the_realm(db, client, settings):
    settings.TOT_JWT = {"REALM": 'the "best" \\ api'}

    answer = client.get(TOKEN_URL)

    assert answer.headers["WWW-Authenticate"] == r'Bearer realm="the \"best\" \\ api"'


@pytest.mark.req("C2")
@pytest.mark.parametrize("header", ["Tot-Api-Key", "Tot-Secret-Key", "Tot-App-Domain"])
def test_api_keys_beside_bearer_are_malformed(make_key, make_token, client, header):
    headers = {"Authorization": f"Bearer {make_token(make_key())}", header: "x"}

    answer = client.get(TOKEN_URL, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
