"""Asynchronous views of adrf, as docs/other-frameworks.md says."""

import pytest
from asgiref.sync import async_to_sync

from tests.frameworks.views import Reference
from tests.support.faults import database_gone
from tests.support.requests import bearer
from tests.support.token_requests import all_kinds, both_ways
from tests.tools.async_urls import ADRF
from tot_jwt.keys import state as key_state
from tot_jwt.throttles import ApiKeyThrottle

pytestmark = pytest.mark.urls("tests.tools.async_urls")


@pytest.fixture
def ask(client, async_client):
    """``ask("/orders", headers={…})``: return the answers by WSGI and by ASGI."""
    return both_ways(client, async_client)


def test_view_answers_as_rest_framework(make_key, make_token, rf, ask):
    for name, headers in all_kinds(make_key, make_token).items():
        expected = Reference.as_view()(rf.get("/", headers=headers))
        is_left = name in ("nothing", "basic", "empty", "opaque", "foreign")  # to other classes
        code = None if is_left else expected.data.get("code")
        for answer in ask("/orders", headers=headers):
            assert (answer.status_code, answer.json().get("code")) == (expected.status_code, code)
            assert ("WWW-Authenticate" in answer.headers) is ("WWW-Authenticate" in expected)


@pytest.mark.parametrize("max_age", [0, 5])
def test_view_confirms_scopes(make_key, make_token, ask, settings, max_age):
    settings.TOT_JWT = {"KEY_STATE_MAX_AGE": max_age}
    key = make_key(scopes=["orders:read", "orders:refund"])

    for scopes, may_refund in [(None, True), (["orders:read"], False)]:
        token = make_token(key, **({"scopes": scopes} if scopes else {}))
        for _ in range(2):
            for answer in ask("/orders", headers=bearer(token)):
                assert answer.json() == {"domain": str(key.app_domain), "mayRefund": may_refund}


def test_unavailable_database_is_503(make_key, make_token, ask):
    headers = bearer(make_token(make_key(scopes=["orders:read"])))
    key_state.reset()

    with database_gone():
        for answer in ask("/orders", headers=headers):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_limit_of_key_counts(make_key, make_token, async_rf):
    class Limited(ADRF["Orders"]):
        throttle_classes = [ApiKeyThrottle]

    key = make_key(scopes=["orders:read"], rate_limit="2/hour")
    request = async_rf.get("/orders", headers=bearer(make_token(key)))
    ask = async_to_sync(Limited.as_view())

    answers = [ask(request) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=2;w=3600'
    assert int(answers[2].headers["Retry-After"]) > 0
