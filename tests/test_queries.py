"""How often the database is asked: what the speed and the promise of equal refusals rest on."""

import pytest

from tests.support.requests import body
from tot_jwt.keys import state as key_state


@pytest.fixture
def asked(django_assert_num_queries):
    """``with asked(1):`` exactly one query, whatever it is."""
    return django_assert_num_queries


def test_exchange_asks_once_then_not_at_all(make_key, post_token, asked):
    key = make_key()
    key_state.reset()

    with asked(1):
        assert post_token(key).status_code == 200
    with asked(0):
        assert post_token(key).status_code == 200


@pytest.mark.parametrize("url", ["/me", "/api/internal/auth/token"])
def test_token_asks_once_then_not_at_all(make_key, make_token, client, asked, url):
    headers = {"Authorization": f"Bearer {make_token(make_key())}"}
    key_state.reset()

    with asked(1):
        assert client.get(url, headers=headers).status_code == 200
    with asked(0):
        assert client.get(url, headers=headers).status_code == 200


def test_keys_used_directly_ask_once_then_not_at_all(make_key, client, asked):
    sent = body(make_key())

    for number in (1, 0):
        with asked(number):
            assert client.post("/me", sent, content_type="application/json").status_code == 200


def test_without_memory_each_use_asks_once(
    make_key, client, post_token, make_token, asked, settings
):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": 0}
    key = make_key()
    headers = {"Authorization": f"Bearer {make_token(key)}"}

    for _ in range(2):
        with asked(1):
            assert post_token(key).status_code == 200
        with asked(1):
            assert client.get("/me", headers=headers).status_code == 200
        with asked(1):
            assert client.post("/me", body(key), content_type="application/json").status_code == 200


@pytest.mark.req("B3")
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "remembered"])
def test_any_refusal_asks_once(make_key, make_token, post_token, client, asked, warm):
    key = make_key()
    token = make_token(key)
    headers = {"Authorization": f"Bearer {token}"}

    def start():
        key_state.reset()
        if warm:
            client.get("/me", headers=headers)

    for refused in (
        lambda: post_token(key, totSecretKey="x"),
        lambda: post_token(key, scopes="not-held"),
        lambda: post_token(key, totApiKey="unknown"),
        lambda: client.get("/scoped", headers=headers),
        lambda: client.post("/me", body(key, totSecretKey="x"), content_type="application/json"),
    ):
        start()
        with asked(1):
            assert refused().status_code in (401, 403)
    start()
    type(key).objects.filter(pk=key.pk).update(generation=2)
    key_state.reset()
    with asked(1):
        assert client.get("/me", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "request_is", ["malformed", "token_malformed", "token_invalid", "token_expired"]
)
def test_what_cannot_be_right_does_not_ask(
    make_key, client, post_token, get_token, asked, request_is
):
    from tests.support.tokens import claims_for, sign

    key = make_key()
    send = {
        "malformed": lambda: post_token(key, appDomain=None),
        "token_malformed": lambda: get_token("x"),
        "token_invalid": lambda: get_token(
            "a.b.c".replace("a", "aa").replace("b", "bb").replace("c", "cc")
        ),
        "token_expired": lambda: get_token(sign(claims_for(key, iat=1, exp=2))),
    }[request_is]

    with asked(0):
        assert send().status_code in (400, 401)
