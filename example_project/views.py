"""The start page: it tells visitors what the server offers."""

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

TITLE = "A small shop, protected by tot-jwt"
DOCUMENTATION = [
    "README.md",
    "docs/get-a-token.md",
    "docs/operations.md",
    "docs/deployment.md",
]


class Endpoint(NamedTuple):
    """Endpoint that the page lists."""

    methods: str
    path: str
    description: str


ENDPOINTS = [
    Endpoint("POST", "/api/internal/auth/token", "Exchange an API key for a token."),
    Endpoint("GET", "/api/internal/auth/token", "Verify a token."),
    Endpoint("GET, POST", "/api/internal/auth/keys", "List and create API keys. Needs a token."),
    Endpoint("POST", "/oauth/token", "Exchange an API key for a token, as an OAuth client."),
    Endpoint("POST", "/oauth/introspect", "Introspect a token. Needs a key with a scope."),
    Endpoint("POST", "/oauth/revoke", "Revoke a token."),
    Endpoint("GET", "/.well-known/jwks.json", "List the public keys that verify tokens."),
    Endpoint("GET", "/.well-known/oauth-authorization-server", "Show the server's metadata."),
    Endpoint("GET, POST", "/api/person", "List and add persons. Needs a token or an API key."),
    Endpoint("GET, POST", "/api/legacy/person", "The same, with an API key only."),
    Endpoint("GET, POST", "/api/orders", "List and place orders. Needs a token with scopes."),
    Endpoint("GET", "/api/catalog/products", "List products. Needs a token with a scope."),
    Endpoint("GET", "/api/schema/", "Show the OpenAPI schema of this API."),
    Endpoint("GET", "/api/docs/", "Read about the API and try it out, with Swagger UI."),
    Endpoint("GET", "/healthz", "Tell whether the process answers."),
    Endpoint("GET", "/readyz", "Tell whether the database answers too."),
]


def home(request: HttpRequest) -> HttpResponse:
    """Show the endpoints, as a page for browsers or as JSON."""
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        response: HttpResponse = JsonResponse(
            {"title": TITLE, "endpoints": [endpoint._asdict() for endpoint in ENDPOINTS]}
        )
    else:
        context = {
            "title": TITLE,
            "endpoints": ENDPOINTS,
            "documentation": DOCUMENTATION,
            "token_url": request.build_absolute_uri(reverse("tot_jwt:token")),
        }
        response = render(request, "shop/home.html", context)
    patch_vary_headers(response, ["Accept"])
    return response
