"""TokenAuth of each library, on a real server: when it gets a token, and when it sends one."""

import pytest

from tests.support.client import SECRET, rejected
from tot_jwt.client import InvalidCredentials, OriginNotAllowed

#: What a 401 has instead of our JSON where the host has another exception handler.
CHALLENGE = 'Bearer realm="api", error="invalid_token", error_description="Token has {}"'.format


def test_token_serves_several_requests(make_program, api):
    program = make_program(scopes=["orders:write", "orders:read"])

    answers = [program.send().text, program.send("/lines", "POST", json={"a": 1}).text]

    assert answers == ["orders", "orders"]
    assert api.exchanges == [
        {
            "appDomain": "myapp.com",
            "totApiKey": "pk_live_a",
            "totSecretKey": SECRET,
            "scopes": ["orders:read", "orders:write"],
        }
    ]
    assert api.headers["content-type"] == "application/json"
    assert api.headers["user-agent"] == "tot-jwt-client"
    assert "authorization" not in api.headers
    assert api.tokens == ["Bearer token-1"] * 2


def test_scopes_may_be_absent_or_string(make_program, api):
    make_program().send()
    make_program(scopes="b:c a:b").send()

    assert ["scopes" in api.exchanges[0], api.exchanges[1]["scopes"]] == [False, ["a:b", "b:c"]]


def test_token_replaces_other_authorization(program, api):
    program.send(headers={"Authorization": "Basic dXNlcg=="})

    assert api.tokens == ["Bearer token-1"]


def test_token_is_renewed_in_time(make_program, api):
    for life, renewed_after in [(900, 870), (60, 30), (40, 20), (1, 0.5)]:
        program = make_program()
        api.life = life
        api.exchanges.clear()
        api.requests.clear()
        for pause in [0, renewed_after - 0.25, 0.25]:
            program.clock.now += pause
            program.send()

        assert api.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"], life


#: Answers after which another token helps.
ENDED = [
    rejected(code="token_expired"),
    rejected(code="token_revoked"),
    (401, {"WWW-Authenticate": CHALLENGE("expired")}, b"<p>No</p>"),
    (401, {"WWW-Authenticate": CHALLENGE("been revoked")}, b"{}"),
]


def test_ended_token_is_replaced_once(program, api):
    for number, reply in enumerate(ENDED, 1):
        old, new = f"token-{number}", f"token-{number + 1}"
        api.ended[old] = reply
        api.requests.clear()
        response = program.send("/orders", "POST", content=b"an order")

        assert (response.status_code, response.content) == (200, b"orders")
        assert api.requests == [
            ("POST", "/orders", f"Bearer {old}", b"an order"),
            ("POST", "/orders", f"Bearer {new}", b"an order"),
        ]
        assert len(api.exchanges) == number + 1


#: Answers after which another token would not help.
FINAL = [
    rejected(403, "insufficient_scope"),
    rejected(403, "token_revoked"),
    rejected(401, "token_invalid"),
    rejected(401, "invalid_credentials"),
    (401, {}, b"no JSON"),
    (401, {"WWW-Authenticate": CHALLENGE("no wings")}, b'{"code": ["token_expired"]}'),
    (401, {}, b"[" * 100_000),
    (429, {"Retry-After": "1"}, b""),
    (503, {"Retry-After": "1"}, b""),
]


def test_other_answers_reach_the_caller(program, api):
    for path, reply in enumerate(FINAL):
        api.answers[f"/{path}"] = reply
        response = program.send(f"/{path}")
        assert (response.status_code, response.content) == (reply[0], reply[2])

    assert (len(api.exchanges), len(api.requests)) == (1, len(FINAL))
    assert program.clock.pauses == []


def test_second_rejection_reaches_the_caller(program, api):
    api.answers["/orders"] = rejected()

    assert program.send().json()["code"] == "token_revoked"
    assert api.tokens == ["Bearer token-1", "Bearer token-2"]


def test_revoked_key_fails_after_one_retry(program, api):
    program.send()
    api.ended["token-1"] = rejected()
    api.always(*rejected(401, "invalid_credentials"))

    with pytest.raises(InvalidCredentials):
        program.send()

    assert (len(api.exchanges), api.tokens) == (2, ["Bearer token-1"] * 2)


def test_failed_exchange_is_remembered_briefly(program, api):
    api.always(*rejected(401, "invalid_credentials"))
    for pause in [0, 1, 3.75]:
        program.clock.now += pause
        with pytest.raises(InvalidCredentials):
            program.send()

    assert len(api.exchanges) == 1
    api.replies.clear()
    program.clock.now += 0.25
    assert program.send().status_code == 200


def test_generator_body_is_not_repeated(program, api):
    api.ended["token-1"] = rejected()

    async def asynchronous():
        yield b"an order"

    body = asynchronous() if program.library == "async" else iter([b"an order"])
    response = program.send("/orders", "POST", content=body)

    assert (response.status_code, response.json()["code"]) == (401, "token_revoked")
    assert len(api.requests) == 1
    assert program.send().status_code == 200
    assert api.tokens == ["Bearer token-1", "Bearer token-2"]


def test_redirect_keeps_the_token_at_home(program, api):
    api.answers["/old"] = (307, {"Location": "/orders"}, b"")

    assert program.send("/old", "POST", content=b"an order").status_code == 200
    assert api.requests[-1] == ("POST", "/orders", "Bearer token-1", b"an order")


def test_redirect_elsewhere_loses_the_token(program, api, elsewhere):
    api.answers["/old"] = (307, {"Location": f"{elsewhere.url}/orders"}, b"")
    elsewhere.answers["/orders"] = rejected()

    assert program.send("/old").status_code == 401
    assert elsewhere.tokens == [None]
    assert len(api.exchanges) == 1


def test_other_origin_gets_nothing(program, api, elsewhere):
    for url in [
        f"{elsewhere.url}/orders",
        api.url.replace("127.0.0.1", "localhost") + "/orders",
        api.url.replace("http://", "http://user:password@") + "/orders",
    ]:
        with pytest.raises(OriginNotAllowed) as caught:
            program.send(url)
        assert "password" not in str(caught.value)

    assert (api.exchanges, api.requests, elsewhere.requests) == ([], [], [])


def test_named_origin_gets_the_token(make_program, api, elsewhere):
    program = make_program(origins=[elsewhere.url])

    assert program.send(f"{elsewhere.url}/orders").status_code == 200
    assert elsewhere.tokens == ["Bearer token-1"]
    with pytest.raises(OriginNotAllowed):
        program.send()
    assert api.requests == []
