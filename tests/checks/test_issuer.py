"""The check that ISSUER is the URL of its metadata."""

from types import ModuleType
from typing import Any

import pytest
from django.urls import URLResolver, include, path

from tests.support.checks import ids, make_safe, safe_values
from tot_jwt.checks import check_deployment

# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db


class Urls(ModuleType):
    """A URLconf that mounts the metadata at a prefix or not at all, and other endpoints."""

    urlpatterns: list[URLResolver]

    def __init__(self, prefix: str | None, *others: str) -> None:
        super().__init__("urls")
        self.urlpatterns = [path("auth/", include(other)) for other in others]
        if prefix is not None:
            self.urlpatterns.append(path(prefix, include("tot_jwt.well_known_urls")))


ROOT = ".well-known/"


@pytest.mark.parametrize(
    ("prefix", "issuer", "expected"),
    [
        (ROOT, "https://api.example.com", []),
        (ROOT, "https://api.example.com/", []),
        (ROOT, "https://api.example.com:8443", []),
        (ROOT, "http://api.example.com", ["W018"]),
        (ROOT, "api.example.com", ["W018"]),
        (ROOT, "https://api.example.com?a=b", ["W018"]),
        # RFC 8414 puts the well-known part before the path of the issuer.
        (ROOT, "https://api.example.com/shop", []),
        # OpenID Connect Discovery puts it after that path.
        (f"shop/{ROOT}", "https://api.example.com/shop", []),
        (f"shop/{ROOT}", "https://api.example.com/shop/", []),
        (f"shop/{ROOT}", "https://api.example.com", ["W018"]),
        (f"shop/{ROOT}", "https://api.example.com/other", ["W018"]),
        (f"shop/{ROOT}", "http://api.example.com/shop", ["W018"]),
        ("auth/", "https://api.example.com", ["W018"]),
        ("auth/", "https://api.example.com/auth", ["W018"]),
        # The URL depends on the request, so no document can name it.
        (f"<slug:tenant>/{ROOT}", "https://api.example.com", ["W018"]),
        (None, "https://api.example.com", []),
        (None, "http://api.example.com", []),
        (None, "api.example.com", []),
    ],
)
def test_issuer_without_its_metadata_warns(settings, prefix, issuer, expected):
    make_safe(settings)
    settings.TOT_JWT = safe_values(ISSUER=issuer)
    urls: Any = Urls(prefix, "tot_jwt.urls", "tot_jwt.oauth_urls")
    settings.ROOT_URLCONF = urls

    assert ids(include_deployment_checks=True) == expected
    assert ids() == []


@pytest.mark.parametrize(
    ("others", "expected"), [(["tot_jwt.oauth_urls"], []), (["tot_jwt.urls"], ["W018"])]
)
def test_metadata_needs_a_token_endpoint(settings, others, expected):
    make_safe(settings)
    settings.TOT_JWT = safe_values(ISSUER="https://api.example.com")
    urls: Any = Urls(ROOT, *others)
    settings.ROOT_URLCONF = urls

    assert ids(include_deployment_checks=True) == expected


@pytest.mark.parametrize("urlconf", ["nowhere.urls", None])
def test_missing_urlconf_is_left_to_django(settings, urlconf):
    make_safe(settings)
    if urlconf is None:
        del settings.ROOT_URLCONF
    else:
        settings.ROOT_URLCONF = urlconf

    assert check_deployment() == []
