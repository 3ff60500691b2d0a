"""The check that ISSUER is the URL of its metadata."""

from types import ModuleType
from typing import Any

import pytest
from django.urls import URLResolver, include, path

from tests.support.checks import ids, make_safe, safe_values

# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db


class Urls(ModuleType):
    """A URLconf that mounts the endpoints, and the metadata at a prefix or not at all."""

    urlpatterns: list[URLResolver]

    def __init__(self, prefix: str | None) -> None:
        super().__init__("urls")
        self.urlpatterns = [path("auth/", include("tot_jwt.urls"))]
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
        # The URL depends on the request.
        (f"<slug:tenant>/{ROOT}", "https://api.example.com", []),
        (None, "https://api.example.com", []),
        (None, "http://api.example.com", []),
        (None, "api.example.com", []),
    ],
)
def test_issuer_without_its_metadata_warns(settings, prefix, issuer, expected):
    make_safe(settings)
    settings.TOT_JWT = safe_values(ISSUER=issuer)
    urls: Any = Urls(prefix)
    settings.ROOT_URLCONF = urls

    assert ids(include_deployment_checks=True) == expected
    assert ids() == []
