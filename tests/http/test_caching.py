"""No cache serves one client's response to another, or to a client without credentials."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import Http404, HttpRequest, JsonResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tests.support.requests import FORM, JSON, bearer, body, form, key_headers
from tests.views import Anyone, WhoAmI
from tot_jwt.authentication import ApiKeyAuthentication, JWTAuthentication

pytestmark = pytest.mark.req("C7")

PRIVATE = "private, no-store"


class Public(WhoAmI):
    """A view that tells every cache to store its response."""

    def get(self, request: Request) -> Response:
        who = super().get(request)
        who.headers["Cache-Control"] = "public, max-age=600"
        who.headers["Vary"] = "Accept-Language"
        return who


class CachedMethod(WhoAmI):
    """A view that caches within itself."""

    @method_decorator(cache_page(60))
    def get(self, request: Request) -> Response:
        return super().get(request)


class CachedPlain(WhoAmI):
    """The same with a response of Django, to which nothing is added later."""

    @method_decorator(cache_page(60))
    def get(self, request: Request) -> Any:
        return JsonResponse({"pk": request.user.pk})


class Missing(WhoAmI):
    permission_classes = []

    def get(self, request: Request) -> Response:
        raise Http404


@pytest.fixture
def ask(rf: RequestFactory) -> Callable[..., Any]:
    """``ask(view, **sent)``: return the rendered response to a GET, or to another method."""

    def send(view: Callable[..., Any], method: str = "GET", **sent: Any) -> Any:
        answer = view(rf.generic(method, "/person", **sent))
        return answer.render() if hasattr(answer, "render") else answer

    return send


def owner(answer: Any) -> Any:
    """Return whose response it is: a public key, or a status."""
    return json.loads(answer.content)["pk"] if answer.status_code == 200 else answer.status_code


CACHED = {
    "cache_page": cache_page(60)(WhoAmI.as_view()),
    "public": cache_page(60)(Public.as_view()),
    "within the view": CachedMethod.as_view(),
    "response of Django": CachedPlain.as_view(),
}


@pytest.mark.parametrize("view", CACHED.values(), ids=CACHED)
def test_cached_view_separates_direct_keys(make_key, ask, view):
    first, second = make_key(), make_key()

    for _ in range(2):
        for key in (first, second):
            assert owner(ask(view, headers=key_headers(key))) == key.public_key
            sent = {"data": json.dumps(body(key)), "content_type": JSON}
            assert owner(ask(view, **sent)) == key.public_key
        assert owner(ask(view)) == 401


@pytest.mark.parametrize("name", ["cache_page", "public", "within the view"])
def test_cached_view_separates_tokens(make_key, make_token, ask, name):
    tokens = {key.public_key: make_token(key) for key in (make_key(), make_key())}

    for _ in range(2):
        for public_key, token in tokens.items():
            assert owner(ask(CACHED[name], headers=bearer(token))) == public_key
        assert owner(ask(CACHED[name])) == 401


def test_anonymous_response_is_no_clients(make_key, make_token, ask):
    view, key = cache_page(60)(Anyone.as_view()), make_key()

    assert owner(ask(view)) is None
    assert owner(ask(view, headers=key_headers(key))) == key.public_key
    assert owner(ask(view, headers=bearer(make_token(key)))) == key.public_key
    assert owner(ask(view)) is None


def test_cache_of_site_separates_clients(make_key, make_token, client, settings):
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    keys = make_key(), make_key()

    for url, without in [("/me", 401), ("/anyone", None)]:
        assert owner(client.get(url)) == without
        for key in keys:
            sent = {"data": json.dumps(body(key)), "content_type": JSON}
            assert owner(client.get(url, headers=key_headers(key))) == key.public_key
            assert owner(client.get(url, headers=bearer(make_token(key)))) == key.public_key
            if without:
                assert owner(client.generic("GET", url, **sent)) == key.public_key
        assert owner(client.get(url)) == without


@pytest.mark.parametrize("place", ["headers", "JSON", "form"])
def test_direct_keys_make_responses_private(make_key, ask, place):
    key = make_key()
    refused = make_key()
    refused.secret = "wrong"
    views = [WhoAmI, Public, Missing]

    for view in views:
        for sender in (key, refused):
            answer = ask(
                view.as_view(),
                **{
                    "headers": {"headers": key_headers(sender)},
                    "JSON": {"data": json.dumps(body(sender)), "content_type": JSON},
                    "form": {"data": form(sender), "content_type": FORM},
                }[place],
            )
            assert answer.status_code in (200, 401, 404)
            assert answer.headers["Cache-Control"] == PRIVATE


def test_malformed_keys_make_responses_private(make_key, make_token, ask):
    key = make_key()
    view = WhoAmI.as_view()
    tokens_only = WhoAmI.as_view(authentication_classes=[JWTAuthentication])
    both = key_headers(key) | bearer(make_token(key))

    for answer in (
        ask(view, headers={"Tot-Api-Key": "x"}),
        ask(view, headers=key_headers(key), data=json.dumps(body(key)), content_type=JSON),
        ask(view, headers=both),
        ask(tokens_only, headers=both),
        ask(view, "PUT", data='{"totApiKey"', content_type=JSON),
    ):
        assert answer.status_code == 400
        assert answer.headers["Cache-Control"] == PRIVATE


def test_every_response_varies_by_credentials(make_key, make_token, ask):
    key = make_key()
    only_json = WhoAmI.as_view(renderer_classes=[JSONRenderer])
    tokens_only = vary_on_headers("Cookie")(
        Public.as_view(authentication_classes=[JWTAuthentication])
    )

    for headers in ({}, bearer(make_token(key)), bearer("a.b.c"), key_headers(key)):
        names = ask(only_json, headers=headers).headers["Vary"].split(", ")
        assert names[0] == "Authorization"
        assert set(names) == {"Authorization", *key_headers(key)}
        varied = set(ask(tokens_only, headers=headers).headers["Vary"].split(", "))
        assert varied >= {"Authorization", "Cookie"}


def test_token_leaves_hosts_caching_alone(make_key, make_token, ask):
    answer = ask(Public.as_view(), headers=bearer(make_token(make_key())))

    assert answer.headers["Cache-Control"] == "public, max-age=600"
    assert {"Authorization", "Accept-Language"} <= set(answer.headers["Vary"].split(", "))


@pytest.mark.parametrize("wrapped", [False, True])
def test_view_is_not_needed(make_key, make_token, rf, wrapped):
    """Both classes accept Django's own request, and one that no view has prepared."""
    key = make_key()
    prepare: Callable[[HttpRequest], Any] = Request if wrapped else lambda request: request
    with_keys = rf.get("/me", headers=key_headers(key))
    with_token = rf.get("/me", headers=bearer(make_token(key)))

    user, _ = ApiKeyAuthentication().authenticate(prepare(with_keys))
    other, _ = JWTAuthentication().authenticate(prepare(with_token))

    assert (user.pk, other.pk) == (key.public_key, key.public_key)
    assert with_keys._cache_update_cache is False
