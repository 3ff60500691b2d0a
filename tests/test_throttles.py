"""ApiKeyThrottle as a class of DRF: its responses, and other classes beside it."""

import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.throttling import AnonRateThrottle, ScopedRateThrottle, UserRateThrottle
from rest_framework.viewsets import ViewSet

from tests.support.limited import Limited, limits_of
from tests.support.requests import JSON, bearer, key_headers
from tests.support.times import NOON, stopped_clocks
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication
from tot_jwt.http.errors import ApiError
from tot_jwt.principal import ApiClient
from tot_jwt.throttles import ApiKeyThrottle

pytestmark = [
    pytest.mark.req("D1"),
    pytest.mark.urls("tests.support.limited"),
    pytest.mark.usefixtures("at_23_seconds"),
]
POLICY = '"key";q=600;w=60'
#: A parameterized string of RFC 9651 with integers for parameters.
ITEM = re.compile(r'"[ -!#-\[\]-~]+"(;[a-z]+=\d{1,15})+')


@pytest.fixture
def at_23_seconds():
    """Stop the clocks in the 24th second of a minute."""
    with stopped_clocks(NOON + timedelta(seconds=23)):
        yield


@pytest.fixture
def ask():
    """``ask(View, method="get", user=…)``: the response of a view to one of its clients."""
    factory = APIRequestFactory()

    def ask(view, method="get", user=None, **options):
        request = getattr(factory, method)("/orders", **options)
        if user is not None:
            force_authenticate(request, user)
        return view.as_view()(request).render()

    return ask


def client_with(rate_limit="", **fields):
    """Return a client with these limits."""
    return ApiClient(
        "pk_live_a", "example.com", 1, "live", frozenset(), rate_limit=rate_limit, **fields
    )


# Responses


class Failing(Limited):
    """A view that fails as the query says."""

    errors: Any = {
        "400": ValidationError({"name": ["This field is required."]}),
        "403": PermissionDenied(),
        "404": Http404(),
    }

    def get(self, request):
        raise self.errors[request.query_params["status"]]


def test_each_response_has_the_headers(ask):
    client = client_with("600/min")
    responses = [
        ask(Limited, user=client),
        ask(Limited, "head", user=client),
        ask(Limited, "options", user=client),
        *[ask(Failing, user=client, data={"status": status}) for status in Failing.errors],
        ask(Limited, "delete", user=client),
        ask(Limited, "post", user=client, data="{", content_type=JSON),
    ]

    assert [each.status_code for each in responses] == [200, 200, 200, 400, 403, 404, 405, 400]
    assert [limits_of(each) for each in responses] == [
        [POLICY, f'"key";r={599 - number};t=37'] for number in range(8)
    ]


def test_rejection_is_429_with_retry_after(ask):
    client = client_with("1/min")
    assert ask(Limited, user=client).status_code == 200

    for method in ("get", "head", "options", "post", "delete"):
        rejected = ask(Limited, method, user=client)
        assert rejected.status_code == 429
        assert limits_of(rejected) == ['"key";q=1;w=60', '"key";r=0;t=37', "37"]
        assert rejected.data == {"detail": "Too many requests", "code": "throttled"}
        assert "WWW-Authenticate" not in rejected.headers


@pytest.mark.parametrize("rate", ["1/s", "999999999/day"])
def test_headers_are_structured_fields(ask, rate):
    client = client_with(rate, domain_rate_limit=rate)

    for _ in range(2):
        policy, rest = limits_of(ask(Limited, user=client))[:2]
        assert ITEM.fullmatch(policy)
        assert ITEM.fullmatch(rest)


def test_other_handler_keeps_the_headers(ask):
    class Handled(Limited):
        def get_exception_handler(self):
            """Return a handler like that of drf-standardized-errors, but without headers."""
            return lambda error, context: Response({"errors": []}, status=error.status_code)

    client = client_with("1/min")
    ask(Handled, user=client)
    rejected = ask(Handled, user=client)

    assert (rejected.status_code, rejected.data) == (429, {"errors": []})
    assert limits_of(rejected) == ['"key";q=1;w=60', '"key";r=0;t=37', "37"]


def test_denied_request_does_not_count(ask):
    class Denied(Limited):
        permission_classes = (IsAdminUser,)

    client = client_with("2/min")
    denied = ask(Denied, user=client)

    assert (denied.status_code, limits_of(denied)) == (403, [])
    assert limits_of(ask(Limited, user=client))[1] == '"key";r=1;t=37'


def test_actions_of_viewset_count_together(ask):
    class Orders(ViewSet):
        throttle_classes = (ApiKeyThrottle,)

        def list(self, request):
            return Response([])

        def create(self, request):
            return Response({}, 201)

    class Routed:
        @staticmethod
        def as_view():
            return Orders.as_view({"get": "list", "post": "create"})

    client = client_with("2/min")
    answers = [ask(Routed, method, user=client) for method in ("get", "post", "get")]

    assert [each.status_code for each in answers] == [200, 201, 429]


def test_request_without_view_is_limited():
    """A host may ask the throttle outside a view of DRF, where no headers can be added."""
    request = APIRequestFactory().get("/orders")
    request.user = client_with("1/min")

    assert ApiKeyThrottle().allow_request(request, None) is True
    with pytest.raises(ApiError) as rejected:
        ApiKeyThrottle().allow_request(request, None)
    assert (rejected.value.status_code, rejected.value.wait) == (429, 37)


# Users


@pytest.mark.parametrize("auth", [JWTAuthentication, ApiKeyAuthentication])
def test_client_behind_other_user_is_limited(make_key, make_token, make_user, ask, auth):
    user = make_user()

    class Mapped(auth):
        def get_user(self, client, auth):
            return user

    class View(Limited):
        authentication_classes = (Mapped,)

    key = make_key(rate_limit="1/min")
    names = bearer(make_token(key)) if auth is JWTAuthentication else key_headers(key)
    answers = [ask(View, headers=names) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 429]


def test_other_users_are_not_limited(settings, make_user, ask):
    settings.TOT_JWT = {"RATE_LIMIT": "1/min"}

    class View(Limited):
        authentication_classes = (SessionAuthentication,)

    for user in (None, make_user()):
        answers = [ask(View, user=user) for _ in range(3)]
        assert [(each.status_code, limits_of(each)) for each in answers] == [(200, [])] * 3


# Other throttles


class OneUser(UserRateThrottle):
    rate = "3/day"


class OneAnonymous(AnonRateThrottle):
    rate = "2/day"


class Scoped(ScopedRateThrottle):
    THROTTLE_RATES = {"orders": "3/day"}


@pytest.mark.parametrize("other", [OneUser, Scoped])
@pytest.mark.parametrize("is_first", [True, False])
def test_other_throttles_work_in_any_order(ask, other, is_first):
    class View(Limited):
        throttle_scope = "orders"
        throttle_classes = (ApiKeyThrottle, other) if is_first else (other, ApiKeyThrottle)

    ours, theirs = client_with("1/min"), client_with()
    assert [ask(View, user=ours).status_code for _ in range(2)] == [200, 429]
    answers = [ask(View, user=theirs) for _ in range(4)]

    spent = 1 if is_first else 2
    left = 3 - spent
    assert [each.status_code for each in answers] == [200] * left + [429] * (4 - left)
    assert answers[-1].data["detail"].code == "throttled"
    assert int(answers[-1].headers["Retry-After"]) > 60


def test_anonymous_throttle_runs_beside(ask):
    class View(Limited):
        throttle_classes = (ApiKeyThrottle, OneAnonymous)

    assert [ask(View).status_code for _ in range(3)] == [200, 200, 429]


def test_throttle_works_as_drfs_default():
    """DRF's module of views imports the defaults while it is imported itself."""
    code = """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 32,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "tot_jwt"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["tot_jwt.authentication.JWTAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["tot_jwt.permissions.NotApiClient"],
        "DEFAULT_THROTTLE_CLASSES": ["tot_jwt.throttles.ApiKeyThrottle"],
    },
)
django.setup()
from rest_framework.views import APIView
print(APIView.throttle_classes[0].__name__)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (run.stdout.strip(), run.stderr) == ("ApiKeyThrottle", "")


def test_our_endpoints_have_no_such_limit(settings, make_key, make_token, get_token):
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_CLASSES": ["tot_jwt.throttles.ApiKeyThrottle"]}
    assert [ApiKeyThrottle] == api_settings.DEFAULT_THROTTLE_CLASSES
    token = make_token(make_key(rate_limit="1/min"))

    answers = [get_token(token) for _ in range(3)]

    assert [(each.status_code, limits_of(each)) for each in answers] == [(200, [])] * 3
