"""The signal request_throttled: one for each request over a rate limit, of each kind."""

import re

import pytest
from django.contrib.auth.hashers import make_password
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.support.hashers import COUNTING
from tests.support.keys_client import client_of, code_of
from tests.support.receivers import received_from
from tests.support.requests import TOKEN_URL, bearer
from tot_jwt import signals
from tot_jwt.access.limits import Limit
from tot_jwt.authentication import JWTAuthentication
from tot_jwt.signals import request_throttled
from tot_jwt.throttles import ApiKeyThrottle

DIRECT = "/me"
WRONG = (401, "invalid_credentials")
THROTTLED = (429, "throttled")
ADDRESS = "192.0.2.1"

pytestmark = pytest.mark.usefixtures("clock")


class LimitedView(APIView):
    authentication_classes = [JWTAuthentication]
    throttle_classes = [ApiKeyThrottle]

    def get(self, request):
        return Response()


@pytest.fixture
def throttled():
    with received_from(request_throttled) as sent:
        yield sent


def signal_of(limit, public_key, address=ADDRESS):
    return {"limit": limit, "public_key": public_key, "address": address}


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_failures_of_address_are_signalled(limit, make_key, guess, throttled, url):
    limit(EXCHANGE_FAILURE_RATES={"address": "1/min", "key": "1/min"})
    key = make_key()

    assert [guess(key, url) for _ in range(3)] == [WRONG, THROTTLED, THROTTLED]
    assert throttled == [signal_of("failures_of_an_address", key.public_key)] * 2


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
def test_failures_at_key_are_signalled(limit, make_key, guess, throttled, url):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})
    key = make_key()

    assert [guess(key, url) for _ in range(2)] == [WRONG, THROTTLED]
    assert throttled == [signal_of("failures_at_a_key", key.public_key)]


def test_failing_rotation_is_signalled(limit, make_key, throttled):
    key = make_key()
    api = client_of(key)
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})

    codes = [code_of(api.rotate(key, totSecretKey="wrong")) for _ in range(2)]
    assert codes == [(403, "secret_required"), THROTTLED]
    assert throttled == [signal_of("failures_at_a_key", key.public_key, "127.0.0.1")]


def test_throttled_unknown_key_is_hinted_at(limit, make_key, guess, throttled):
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})
    key = make_key()

    assert [guess(key, totApiKey=key.secret) for _ in range(2)] == [WRONG, THROTTLED]
    [sent] = throttled
    assert sent["public_key"].startswith("sk_live_...#")
    assert key.secret not in str(sent)


def test_exchanges_of_key_are_signalled(limit, make_key, post_token, throttled):
    limit(EXCHANGE_RATE="1/min")
    key = make_key()

    assert [code_of(post_token(key)) for _ in range(2)] == [(200, ""), THROTTLED]
    assert throttled == [signal_of("exchanges_of_a_key", key.public_key, "127.0.0.1")]


def test_key_changes_are_signalled(limit, make_key, throttled):
    key = make_key()
    api = client_of(key)
    limit(KEY_CHANGE_RATE="1/hour")

    assert [api.create(name=name).status_code for name in "ab"] == [201, 429]
    assert throttled == [signal_of("key_changes_by_a_key", key.public_key, "127.0.0.1")]


def test_revocation_over_limit_is_not_signalled(limit, make_key, throttled):
    key = make_key()
    api = client_of(key)
    created = [api.create(name=name).json()["totApiKey"] for name in "ab"]
    limit(KEY_CHANGE_RATE="1/hour")

    assert [api.revoke(public_key).status_code for public_key in created] == [204, 204]
    assert throttled == []


@pytest.mark.parametrize("url", [TOKEN_URL, DIRECT])
@pytest.mark.parametrize("is_cached", [False, True])
def test_guess_at_weak_secret_is_signalled(
    limit, make_key, guess, settings, throttled, url, is_cached
):
    settings.PASSWORD_HASHERS = [COUNTING]
    limit(EXCHANGE_FAILURE_RATES={"key": "1/min"})
    key = make_key(secret_hash=make_password("4711"))
    if is_cached:
        assert guess(key, url, "192.0.2.2", totSecretKey="4711")[0] == 200
    assert guess(key, url, "192.0.2.3") == WRONG

    assert [guess(key, url) for _ in range(2)] == [THROTTLED] * 2
    assert throttled == [signal_of("guesses_at_a_weak_secret", key.public_key)] * 2


@pytest.mark.parametrize(
    ("whose", "code"), [("key", "requests_of_a_key"), ("app_domain", "requests_of_a_domain")]
)
def test_throttled_view_is_signalled(make_key, make_token, throttled, whose, code):
    key = make_key()
    owner = key if whose == "key" else key.app_domain
    owner.rate_limit = "1/min"
    owner.save()
    request = APIRequestFactory().get("/", headers=bearer(make_token(key)))

    statuses = [LimitedView.as_view()(request).status_code for _ in range(3)]

    assert statuses == [200, 429, 429]
    assert throttled == [signal_of(code, key.public_key, "127.0.0.1")] * 2


def test_documentation_lists_the_limits():
    assert {limit.value for limit in Limit} <= set(re.findall(r"\w+", signals.__doc__))
