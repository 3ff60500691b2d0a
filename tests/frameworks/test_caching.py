"""`require_token` and the caches of Django: no client gets what another one was shown."""

import pytest
from django.core.cache import cache

from tests.support.requests import key_headers
from tot_jwt.keys import revoke_key

pytestmark = pytest.mark.urls("tests.frameworks.cached_views")

FIRST = "django.middleware.cache.UpdateCacheMiddleware"
LAST = "django.middleware.cache.FetchFromCacheMiddleware"
BOTH_HEADERS = pytest.mark.parametrize("header", ["Authorization", "X-Api-Token"])


@pytest.fixture
def show(make_key, make_token, client, settings):
    """``show(url, header)``: who is shown to three requests of two clients, and how many calls."""

    def show(url, header="Authorization"):
        settings.TOT_JWT = {"TOKEN_HEADER": header}
        keys = [make_key(), make_key()]
        first, second = ({header: f"Bearer {make_token(key)}"} for key in keys)
        cache.clear()
        seen = [client.get(url, headers=headers).json()["pk"] for headers in (first, first, second)]
        assert seen == [keys[0].public_key, keys[0].public_key, keys[1].public_key]
        assert client.get(url).status_code == 401
        return cache.get("calls")

    return show


@pytest.fixture
def site_cache(settings):
    """Cache each page of the site."""
    settings.MIDDLEWARE = [FIRST, *settings.MIDDLEWARE, LAST]


@BOTH_HEADERS
@pytest.mark.parametrize("url", ["/inside", "/async-inside", "/method"])
def test_cache_inside_stores_nothing(show, url, header):
    assert show(url, header) == 3


@pytest.mark.parametrize("url", ["/outside", "/both"])
def test_cache_outside_varies_by_token(show, url):
    assert show(url) == 2
    assert show(url, "X-Api-Token") == 3  # each response is private


@pytest.mark.usefixtures("site_cache")
def test_cache_of_site_varies_by_token(show):
    for url in ("/plain", "/inside", "/async-inside", "/method", "/rendered"):
        assert show(url) == 2, url
        assert show(url, "X-Api-Token") == 3, url


@pytest.mark.usefixtures("site_cache")
def test_view_can_prevent_caching(show):
    assert show("/unstored") == 3


def test_keys_beside_cached_token_fail(make_key, make_token, client):
    key = make_key()
    headers = {"Authorization": f"Bearer {make_token(key)}"}
    assert client.get("/outside", headers=headers).status_code == 200

    answer = client.get("/outside", headers=headers | key_headers(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_cached_response_outlives_its_token(make_key, make_token, client):
    key = make_key()
    headers = {"Authorization": f"Bearer {make_token(key)}"}
    before = client.get("/outside", headers=headers)
    revoke_key(key)

    assert client.get("/outside", headers=headers).content == before.content
    assert client.get("/plain", headers=headers).json()["code"] == "token_revoked"


@BOTH_HEADERS
@pytest.mark.usefixtures("site_cache")
def test_response_to_exception_stays_private(show, settings, header):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.frameworks.cached_views.answers_missing"]

    assert show("/missing", header) == 3


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_response_varies_as_rest_framework(make_key, make_token, client, settings, status):
    settings.ROOT_URLCONF = "tests.frameworks.urls"
    key = make_key(scopes=["orders:read"] if status != 403 else [])
    headers = {"Authorization": f"Bearer {make_token(key)}"} if status != 401 else {}
    headers |= key_headers(key) if status == 400 else {}

    reference, answer = (client.get(url, headers=headers) for url in ("/reference", "/function"))

    assert reference.status_code == answer.status_code == status
    assert names_in_vary(answer) >= names_in_vary(reference) - {"Accept"}
    assert status != 200 or "Tot-Secret-Key" in names_in_vary(answer)


def names_in_vary(answer):
    """Return the headers by which the response varies."""
    return set(answer.headers["Vary"].split(", "))
