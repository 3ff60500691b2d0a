"""ISSUER as a URL."""

import pytest

from tot_jwt.rules.issuer import issuer_url


@pytest.mark.parametrize(
    ("issuer", "parts"),
    [
        ("https://api.example.com", ("https", "api.example.com", "")),
        ("https://api.example.com/", ("https", "api.example.com", "/")),
        ("https://api.example.com:8443/a/b", ("https", "api.example.com:8443", "/a/b")),
        ("http://localhost:8000", ("http", "localhost:8000", "")),
        ("HTTPS://API.example.com", ("https", "API.example.com", "")),
        ("https://[2001:db8::1]:443/a%20b", ("https", "[2001:db8::1]:443", "/a%20b")),
    ],
)
def test_url_is_split_into_parts(settings, issuer, parts):
    settings.TOT_JWT = {"ISSUER": issuer}

    url = issuer_url()

    assert url is not None
    assert (url.scheme, url.netloc, url.path) == parts


@pytest.mark.parametrize(
    "issuer",
    [
        "tot-jwt",
        "api.example.com",
        "//api.example.com",
        "https:",
        "https://",
        "https:///a",
        "https://:443",
        "https:api.example.com",
        "ftp://api.example.com",
        "urn:example:api",
        "https://api.example.com?a=b",
        "https://api.example.com?",
        "https://api.example.com/#a",
        "https://user@api.example.com",
        "https://api.example.com:port",
        "https://api.example.com:0",
        "https://api.example.com:99999",
        "https://[api.example.com",
        "https://api.example.com ",
        " https://api.example.com",
        "https://api.example.com\n",
        "https://api.exa\nmple.com",
        "https://api.example.com/a b",
        'https://api.example.com/"a"',
        "https://api.example.com\\a",
        "https://bücher.example",
    ],
)
def test_other_text_is_not_url(settings, issuer):
    settings.TOT_JWT = {"ISSUER": issuer}

    assert issuer_url() is None
